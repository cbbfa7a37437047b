#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Provides one of the kernels the module is tested on, without touching the host's packages: takes
# image and headers from a Debian suite through a private apt state and unpacks them into the cache.
# Prints the directory, which then holds
#   release       the kernel's release, one line
#   vmlinuz       the image
#   modules       link to its modules
#   build         link to its headers, where modules are built
#   root          what was unpacked; for 7 it is also the toolchain: chroot into it to build
#
# Usage: fetch-kernel.sh 6.1|6.12|7
# Environment: MVAS_CACHE (default /var/cache/mvas-shim).
# Exit code 1, with the reason on stderr, if it is not available.
set -euo pipefail
# shellcheck source=scripts/private-apt.sh
. "$(dirname "$0")/private-apt.sh"

give_up() {
  echo "fetch-kernel: $1" >&2
  exit 1
}

name="${1:-}"
# This machine's compiler and tools build for kernels of its own release; 7 has its own.
toolchain=
case "$name" in
  6.1) suites=(bookworm) ;;
  6.12) suites=(bookworm-backports bookworm) ;;
  7) suites=(forky) toolchain='make|gcc-16|binutils|gawk|bash|coreutils|grep|sed|findutils|diffutils' ;;
  *) give_up "no such kernel: $name" ;;
esac
cache="${MVAS_CACHE:-/var/cache/mvas-shim}"
dir="$cache/kernel-$name"

complete() { [ -f "$dir/release" ]; }
if complete; then
  echo "$dir"
  exit 0
fi
mkdir -p "$cache" || give_up "cannot make $cache"
exec 9>"$cache/kernel-$name.lock"
flock 9
if complete; then
  echo "$dir"
  exit 0
fi

work="$(mktemp -d "$cache/kernel.XXXXXX")"
trap 'rm -rf "$work"' EXIT
mkdir "$work/debs" "$work/root"
echo "fetch-kernel: taking Linux $name from ${suites[0]}" >&2
private_apt "$work" "${suites[@]}"

# The meta packages name the suite's current release. Of their dependencies only the kernel's are
# taken; with a toolchain, all are.
packages=(linux-image-cloud-amd64 linux-headers-cloud-amd64)
if [ -n "$toolchain" ]; then
  IFS='|' read -ra extra <<<"$toolchain"
  packages+=("${extra[@]}")
fi
wanted="$(apt-get -q -s install "${packages[@]}" 2>"$work/error" | awk '/^Inst /{print $2}')" ||
  give_up "$(tail -n 1 "$work/error")"
[ -n "$toolchain" ] || wanted="$(grep -E '^linux-(image|headers|kbuild|compiler)-' <<<"$wanted")"
(cd "$work/debs" && xargs apt-get -q download >"$work/log" 2>&1 <<<"$wanted") ||
  give_up "download failed: $(tail -n 1 "$work/log")"

# Since Debian 13, /bin, /sbin and /lib are links that no package contains.
mkdir -p "$work/root/usr/"{bin,sbin,lib,lib64}
for part in bin sbin lib lib64; do ln -s "usr/$part" "$work/root/$part"; done
unpack_debs "$work/debs" "$work/root"

release="$(find "$work/root/usr/src" -maxdepth 1 -name 'linux-headers-*-cloud-amd64' -printf '%f\n')"
release="${release#linux-headers-}"
[ -n "$release" ] || give_up 'the packages hold no headers'
image="$(find "$work/root" -type f \( -name "vmlinuz-$release" -o -path "*/$release/vmlinuz" \) -printf '%P\n' |
  head -n 1)"
[ -n "$image" ] || give_up "the packages hold no image of $release"

if [ -n "$toolchain" ]; then
  # What the packages' scripts would do, as far as kbuild needs it.
  ln -sf bash "$work/root/usr/bin/sh"
  ln -sf gawk "$work/root/usr/bin/awk"
  mkdir -p "$work/root/"{proc,dev,tmp,mnt}
else
  sed -i "s,include /usr/src/,include $dir/root/usr/src/," \
    "$work/root/usr/src/linux-headers-$release/Makefile"
fi

rm -rf "$dir"
mkdir "$dir"
mv "$work/root" "$dir/root"
ln -s "root/$image" "$dir/vmlinuz"
ln -s "root/usr/lib/modules/$release" "$dir/modules"
ln -s "root/usr/src/linux-headers-$release" "$dir/build"
echo "$release" >"$dir/release"
echo "fetch-kernel: Linux $release" >&2
echo "$dir"
