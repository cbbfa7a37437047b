#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Sourced by the scripts that make root filesystems of Debian releases.
#
#   debian_root NAME SUITE PACKAGE...   prints the directory of the root filesystem of SUITE with the packages,
#                                       made once by debootstrap and kept in the cache. Exits with 1, and
#                                       the reason on stderr, if it is not available.
#
# Environment: MVAS_CACHE (default /var/cache/mvas-shim). To have one made again, remove its directory.

# shellcheck source=scripts/private-apt.sh
. "$(dirname "${BASH_SOURCE[0]}")/private-apt.sh"

debian_root() {
  local name="$1" suite="$2" include dir mirror cache="${MVAS_CACHE:-/var/cache/mvas-shim}"
  shift 2
  include="$(IFS=,; echo "$*")"
  dir="$cache/$name-$(sha256sum <<<"$include" | head -c 12)"
  give_up() {
    echo "$0: $name: $1" >&2
    exit 1
  }

  if [ -d "$dir" ]; then
    echo "$dir"
    return
  fi

  mkdir -p "$cache" || give_up "cannot make $cache"
  exec 9>"$cache/$name.lock"
  flock 9
  if [ -d "$dir" ]; then
    echo "$dir"
    return
  fi

  command -v debootstrap >/dev/null || give_up 'there is no debootstrap'
  mirror="$(debian_mirror)" || exit 1

  work="$(mktemp -d "$cache/$name.XXXXXX")"
  trap 'rm -rf --one-file-system "$work"' EXIT
  chmod 0755 "$work"

  # In a mount namespace of its own, so that no mount of debootstrap is left behind. Its script for sid
  # works for all releases, including those it does not know.
  echo "$0: making the root filesystem $name" >&2
  unshare --mount debootstrap --variant=minbase --include="$include" --keyring="$debian_keyring" \
    "$suite" "$work/root" "$mirror" /usr/share/debootstrap/scripts/sid \
    </dev/null >"$work/log" 2>&1 || give_up "debootstrap: $(grep -E '^E:' "$work/log" | tail -n 1 || tail -n 1 "$work/log")"
  rm -rf "$work"/root/var/cache/apt/archives/*.deb "$work"/root/var/lib/apt/lists/*
  mv -T "$work/root" "$dir"
  echo "$dir"
}
