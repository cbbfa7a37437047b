#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the module for a kernel, boots that in QEMU (emulated, no KVM needed), loads the module and
# runs the test programs of kernel/tests. Prints the guest's console: TAP, in groups.
#
# Usage: test-kernel.sh 6.1|6.12|7|DIRECTORY [PROGRAM...]
#   DIRECTORY: that of any other kernel, with `vmlinuz`, `mvas.ko` and `mvas-untested.ko`
#   PROGRAM: one of kernel/tests (default: all)
# Environment: MVAS_CACHE; MVAS_KERNEL_TIMEOUT, seconds until the guest is killed (default 600);
# MVAS_FUZZ_SECONDS, how long the fuzzer runs (default 5); MVAS_FUZZ_SEED (default: the time).
# Exit code 0 if everything passed.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"

name="$1"
shift
programs=("$@")
if [ "${#programs[@]}" = 0 ]; then
  programs=(api fork files capture exec clock segments rights memory races lib fuzz switch)
fi
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

if [ -d "$name" ]; then
  kernel="$name/vmlinuz"
  cp "$name/mvas.ko" "$name/mvas-untested.ko" "$work/"
else
  dir="$(bash "$root/scripts/fetch-kernel.sh" "$name")"
  kernel="$dir/vmlinuz"
  bash "$root/scripts/build-module.sh" "$name" "$work/module"
  bash "$root/scripts/build-module.sh" "$name" "$work/untested" KCFLAGS=-DMVAS_TESTED=0
  cp "$work/module/mvas.ko" "$work/mvas.ko"
  cp "$work/untested/mvas.ko" "$work/mvas-untested.ko"
fi
make -s -C "$root/kernel/tests"

# The guest's root: busybox, the modules, the programs.
guest="$work/guest"
mkdir -p "$guest"/{bin,lib,tests,proc,sys,dev,tmp,mnt}
busybox="$(command -v busybox)"
cp "$busybox" "$guest/bin/busybox"
ln -s busybox "$guest/bin/sh"
cp "$work"/mvas*.ko "$guest/lib/"
cp "$root"/kernel/tests/build/* "$guest/tests/"
install -m 0755 "$root/kernel/tests/init.sh" "$guest/init"
if [ ! -d "$name" ]; then
  brd="$(find -L "$dir/modules" -name 'brd.ko*' | head -n 1)"
  case "$brd" in
    *.ko) cp "$brd" "$guest/lib/brd.ko" ;;
    *.ko.xz) xz -dc "$brd" >"$guest/lib/brd.ko" ;;
  esac
fi
(cd "$guest" && find . | "$busybox" cpio -o -H newc 2>/dev/null) | gzip -1 >"$work/initramfs"

# Without cmpxchg16b, which this QEMU emulates wrongly: 6.12 crashes at random with it. Without fast
# string copies, which are slow when emulated. Without a check of the timer, which is late on a busy
# machine, and with long time-outs of the watchdogs: such a machine may stall the guest for a while.
boot() {
  local tests
  tests="$(IFS=,; echo "${programs[*]}")"
  timeout "${MVAS_KERNEL_TIMEOUT:-600}" qemu-system-x86_64 \
    -machine q35 -accel tcg,thread=multi -cpu max,-cx16,-erms,-fsrm -smp 2 -m 1024 \
    -nographic -nodefaults -no-reboot -serial stdio -monitor none \
    -kernel "$kernel" -initrd "$work/initramfs" \
    -append "console=ttyS0 quiet panic=-1 oops=panic no_timer_check watchdog_thresh=60 \
rcupdate.rcu_cpu_stall_timeout=120 ramdisk_size=131072 mvas.tests=$tests \
mvas.fuzz=${MVAS_FUZZ_SECONDS:-5} mvas.seed=${MVAS_FUZZ_SEED:-$(date +%s)}" \
    </dev/null 2>&1 | sed -u 's/\r//g' | tee "$work/console"
}

boot || true
# If the emulation fails before the guest has started, that says nothing about the module. Nor does a
# processor that stops at a breakpoint which the kernel set to change its own code and has since removed:
# the emulator ran stale code. The code of the module is an exception.
is_stale() { grep -q 'Oops: int3: ' "$work/console" && ! grep -q 'RIP: .*\[mvas\]' "$work/console"; }
if ! grep -q 'MVAS-GUEST-UP' "$work/console" || is_stale; then
  echo '# the emulation failed, once more'
  boot || true
fi
grep -q '^MVAS-RC=0' "$work/console"
