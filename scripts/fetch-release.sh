#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Provides the root filesystem of another Debian release, with its containerd, its runc and the programs
# the test containers are made of: made once by debootstrap, kept in the cache. Prints its directory.
#
#   fetch-release.sh trixie    containerd 1.7
#   fetch-release.sh forky     containerd 2.1, Docker 28
#
# Environment: MVAS_CACHE (default /var/cache/mvas-shim). To have it made again, remove the directory.
# Exit code 1, with the reason on stderr, if it is not available.
set -euo pipefail
# shellcheck source=scripts/private-apt.sh
. "$(dirname "$0")/private-apt.sh"

suite="${1:?usage: fetch-release.sh SUITE}"
cache="${MVAS_CACHE:-/var/cache/mvas-shim}"

packages=(
  containerd runc
  busybox-static redis-server redis-tools nginx-light python3-minimal python3
  iproute2 procps
)
[ "$suite" != forky ] || packages+=(docker.io docker-cli)

include="$(IFS=,; echo "${packages[*]}")"
dir="$cache/release-$suite-$(sha256sum <<<"$include" | head -c 12)"

give_up() {
  echo "fetch-release: $suite: $1" >&2
  exit 1
}

if [ -d "$dir" ]; then
  echo "$dir"
  exit 0
fi

mkdir -p "$cache" || give_up "cannot make $cache"
exec 9>"$cache/release-$suite.lock"
flock 9
if [ -d "$dir" ]; then
  echo "$dir"
  exit 0
fi

command -v debootstrap >/dev/null || give_up 'there is no debootstrap'
mirror="$(debian_mirror)" || exit 1

work="$(mktemp -d "$cache/release-$suite.XXXXXX")"
trap 'rm -rf --one-file-system "$work"' EXIT
chmod 0755 "$work"

# In a mount namespace of its own, so that no mount of debootstrap is left behind. Its script for sid
# works for all releases, including those it does not know.
echo "fetch-release: making the root filesystem of $suite" >&2
unshare --mount debootstrap --variant=minbase --include="$include" --keyring="$debian_keyring" \
  "$suite" "$work/root" "$mirror" /usr/share/debootstrap/scripts/sid \
  </dev/null >"$work/log" 2>&1 || give_up "debootstrap: $(grep -E '^E:' "$work/log" | tail -n 1)"
rm -rf "$work"/root/var/cache/apt/archives/*.deb "$work"/root/var/lib/apt/lists/*
mv -T "$work/root" "$dir"
echo "$dir"
