#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the kernel module for one of the kernels that fetch-kernel.sh provides, from a copy of the
# source, with W=1, and fails on any warning.
#
# Usage: build-module.sh 6.1|6.12|7 DIRECTORY [MAKE_VARIABLE=VALUE...]
# Leaves DIRECTORY/mvas.ko.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"

name="$1" out="$2"
shift 2
dir="$(bash "$root/scripts/fetch-kernel.sh" "$name")"

rm -rf "$out"
mkdir -p "$out"
cp -r "$root"/kernel/{*.c,*.h,Kbuild,include} "$out/"
# Without type information for BPF, which would need pahole.
arguments=(W=1 CONFIG_DEBUG_INFO_BTF_MODULES= "$@" modules)
log="$out/build.log"
if [ -e "$dir/root/usr/bin/make" ]; then
  # In the toolchain's own root, in a mount namespace that ends with the process.
  # shellcheck disable=SC2016 # the inner shell expands it
  unshare --mount bash -euc '
    root="$1" out="$2" headers="$3"
    shift 3
    mount --bind "$out" "$root/mnt"
    mount -t proc proc "$root/proc"
    mount --bind /dev "$root/dev"
    exec chroot "$root" make -C "$headers" M=/mnt "$@"
  ' build "$dir/root" "$out" "/usr/src/linux-headers-$(cat "$dir/release")" "${arguments[@]}" \
    >"$log" 2>&1 </dev/null || { cat "$log" >&2; exit 1; }
else
  make -C "$dir/build" M="$out" "${arguments[@]}" >"$log" 2>&1 </dev/null ||
    { cat "$log" >&2; exit 1; }
fi
if grep -E 'warning:|WARNING' "$log" >&2; then
  echo "build-module: warnings for $name" >&2
  exit 1
fi
strip --strip-debug "$out/mvas.ko"
