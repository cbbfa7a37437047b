#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs a command inside another Debian release (scripts/fetch-release.sh), in a mount namespace of its
# own: the release's containerd, runc and libraries, with this checkout, this Node.js, the cache and
# /var/tmp at their usual places. What it writes elsewhere goes to memory and is lost when it ends.
#
#   in-release.sh trixie node_modules/.bin/ava dist/test/e2e
set -euo pipefail
cd "$(dirname "$0")/.."

usage='usage: in-release.sh SUITE COMMAND [ARGUMENT ...]'

# Second stage, in the new mount namespace: builds the root and moves into it.
if [ "${1:-}" = --inside ]; then
  lower="$2" cache="$3"
  shift 3
  work=/var/tmp
  mount -t tmpfs tmpfs /mnt
  mkdir /mnt/upper /mnt/work /mnt/root
  mount -t overlay overlay -o "lowerdir=$lower,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/root
  root=/mnt/root
  for place in /proc /sys /dev; do mount --rbind "$place" "$root$place"; done
  mount -t tmpfs -o mode=0755 tmpfs "$root/run"
  # In place of the host's hierarchies, only in this namespace.
  if [ -n "${MVAS_CGROUP_V2:-}" ]; then
    umount -R "$root/sys/fs/cgroup"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  fi
  node="$(readlink -f "$(command -v node)")"
  for place in "$work" "$cache" "$PWD" "$(readlink -f node_modules)" "$node"; do
    if [ -d "$place" ]; then mkdir -p "$root$place"; else
      mkdir -p "$(dirname "$root$place")"
      touch "$root$place"
    fi
    mount --rbind "$place" "$root$place"
  done
  here="$PWD"
  mkdir -p "$root/mnt/host"
  cd "$root"
  pivot_root . mnt/host
  umount -l /mnt/host
  cd "$here"
  PATH="$(dirname "$node"):/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  export PATH
  unset NODE_EXTRA_CA_CERTS NODE_OPTIONS # may name files of the host
  exec "$@"
fi

suite="${1:?$usage}"
shift
[ "$#" -gt 0 ] || { echo "$usage" >&2; exit 2; }
lower="$(bash scripts/fetch-release.sh "$suite")"
cache="${MVAS_CACHE:-/var/cache/mvas-shim}"
# The other release has no compiler: what the tests compile is compiled here.
for tool in netns-connection.js:netnsTool slow-fuse.js:slowFuse; do
  node -e "import('./dist/test/helpers/${tool%:*}').then((module) => module.${tool#*:}())"
done
exec unshare --mount --propagation private bash "$PWD/scripts/in-release.sh" \
  --inside "$lower" "$(readlink -f "$cache")" "$@"
