# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Sourced by the examples, which need root. With CONTAINERD_ADDRESS (and CONTAINERD_NAMESPACE) an example uses that containerd,
# which has to find the shim: `mvas install`. Without it the example starts one of its own, which ends with it.
#
# An example defines `clean`, which removes what it has made.
set -euo pipefail

checkout="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export PATH="$checkout/bin:$PATH"
[ -x "$checkout/bin/mvas" ] || bash "$checkout/scripts/build.sh" >&2

own='' # the directory of our own containerd
trap 'clean; stop_containerd' EXIT

# Starts a containerd of our own, unless there is one to use.
use_containerd() {
  [ -z "${CONTAINERD_ADDRESS:-}" ] || return 0
  own="$(mktemp -d /var/tmp/mvas-example-XXXXXX)"
  export CONTAINERD_ADDRESS="$own/c.sock" CONTAINERD_NAMESPACE="example-$$" MVAS_ROOT="$own/vas" MVAS_STANDBY_IDLE_MS=5000
  printf 'version = 2\nroot = "%s/root"\nstate = "%s/state"\n[grpc]\n  address = "%s"\n' \
    "$own" "$own" "$CONTAINERD_ADDRESS" >"$own/config.toml"
  # In a session of its own: Ctrl-C ends the example, which needs it to clean up.
  setsid containerd --config "$own/config.toml" 2>"$own/log" &
  containerd=$!
  until ctr version >/dev/null 2>&1; do
    kill -0 "$containerd" || return
    sleep 0.1
  done
}

# shellcheck disable=SC2329 # the trap calls it
stop_containerd() {
  [ -n "$own" ] || return 0
  kill "$containerd" || true
  wait "$containerd" || true
  rm -rf --one-file-system "$own" "/run/containerd/runc/$CONTAINERD_NAMESPACE"
  rmdir /sys/fs/cgroup{,/*}/"$CONTAINERD_NAMESPACE" 2>/dev/null || true
}

# image NAME DIRECTORY: makes an image of a root filesystem, unless there is one of that name.
image() {
  local work
  [ -z "$(ctr images ls -q "name==$1")" ] || return 0
  work="$(mktemp -d)"
  tar -c --numeric-owner --one-file-system --exclude='./usr/share/doc/*' --exclude='./usr/share/locale/*' -f "$work/layer.tar" -C "$2" .
  printf '{"architecture":"amd64","os":"linux","config":{"Env":["PATH=%s"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    /usr/sbin:/usr/bin:/sbin:/bin "$(sha256sum "$work/layer.tar" | head -c 64)" >"$work/config.json"
  printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$1" >"$work/manifest.json"
  tar -c -C "$work" manifest.json config.json layer.tar | ctr images import - >/dev/null
  rm -r "$work"
}

# busybox_image NAME: makes an image of this host's busybox.
busybox_image() {
  local root
  root="$(mktemp -d)"
  mkdir "$root/bin"
  cp "$(command -v busybox)" "$root/bin/"
  busybox --list | sed '/^busybox$/d' | xargs -I{} ln -s busybox "$root/bin/{}"
  image "$1" "$root"
  rm -r "$root"
}

# inside CONTAINER COMMAND: runs a command of the shell in a container.
inside() {
  local container="$1"
  shift
  ctr tasks exec --exec-id "$(tr -d - </proc/sys/kernel/random/uuid)" "$container" /bin/sh -c "$*" </dev/null
}

# is_running CONTAINER
is_running() { ctr tasks ls | grep -q "^$1 .*RUNNING"; }

# remove CONTAINER...
remove() {
  local container
  for container; do
    ctr tasks rm -f "$container" || true
    ctr containers rm "$container" || true
  done >/dev/null 2>&1
}

# Milliseconds of a clock.
now() { echo $(($(date +%s%N) / 1000000)); }

# The middle one of some numbers.
median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }
