#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the kernel module's tests on a kernel that checks itself: KASAN, lockdep, checks of page
# tables, kmemleak. It is built from Debian's source of 6.12, once (10 to 30 minutes), and kept in
# the cache until the options below change.
#
# Usage: debug-kernel.sh [PROGRAM...]            as for test-kernel.sh
#        debug-kernel.sh --fuzz SECONDS [SEED]   runs the fuzzer twice for SECONDS: from SEED
#                                                (default: the time), then from SEED + 1 with
#                                                SWITCH offered
# Environment: MVAS_CACHE; MVAS_JOBS, the jobs of make (default: the number of processors).
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
# shellcheck source=scripts/private-apt.sh
. "$root/scripts/private-apt.sh"

for tool in flex bison bc perl xz; do
  command -v "$tool" >/dev/null || {
    echo "debug-kernel: there is no $tool: run scripts/setup.sh" >&2
    exit 1
  }
done

# A kernel for QEMU only, small enough to build quickly.
options=(
  64BIT SMP PRINTK BUG MODULES MODULE_UNLOAD BLK_DEV_INITRD RD_GZIP BINFMT_ELF BINFMT_SCRIPT
  PCI TTY SERIAL_8250 SERIAL_8250_CONSOLE PROC_FS SYSFS TMPFS SHMEM DEVTMPFS DEBUG_FS MULTIUSER
  NAMESPACES USER_NS PID_NS UTS_NS IPC_NS TIME_NS CGROUPS MEMCG SWAP BLOCK BLK_DEV BLK_DEV_RAM ADVISE_SYSCALLS
  MEMBARRIER RSEQ FUTEX EPOLL SIGNALFD TIMERFD EVENTFD AIO IO_URING USERFAULTFD POSIX_TIMERS
  SYSVIPC UNIX98_PTYS KPROBES KALLSYMS KALLSYMS_ALL TRANSPARENT_HUGEPAGE KSM MIGRATION COMPACTION
  HIGH_RES_TIMERS PROC_SYSCTL CROSS_MEMORY_ATTACH FILE_LOCKING X86_LOCAL_APIC ACPI UNWINDER_FRAME_POINTER
  EXPERT MISC_FILESYSTEMS PREEMPT_VOLUNTARY FHANDLE
  KASAN KASAN_GENERIC KASAN_OUTLINE PROVE_LOCKING DEBUG_ATOMIC_SLEEP DEBUG_VM DEBUG_VM_PGFLAGS
  PAGE_TABLE_CHECK PAGE_TABLE_CHECK_ENFORCED DEBUG_KMEMLEAK DEBUG_LIST DEBUG_OBJECTS
  DEBUG_OBJECTS_FREE DEBUG_OBJECTS_WORK DEBUG_KERNEL SCHED_STACK_END_CHECK DEBUG_RSEQ
  UBSAN X86_DEBUG_FPU DETECT_HUNG_TASK
)
unset_options=(SLUB_TINY RANDOMIZE_BASE)

cache="${MVAS_CACHE:-/var/cache/mvas-shim}"
key="$(printf '%s\n' "${options[@]}" "${unset_options[@]}" | sha256sum | cut -c 1-12)"
dir="$cache/kernel-debug-$key"
log="$cache/kernel-debug.log"

configure() {
  local option
  make -s ARCH=x86_64 tinyconfig
  for option in "${options[@]}"; do scripts/config -e "$option"; done
  for option in "${unset_options[@]}"; do scripts/config -d "$option"; done
  scripts/config --set-val FRAME_WARN 0 --set-val DEBUG_KMEMLEAK_MEM_POOL_SIZE 16000
  make -s ARCH=x86_64 olddefconfig
  for option in "${options[@]}"; do
    grep -qx "CONFIG_$option=y" .config || { echo "not in this kernel: $option"; return 1; }
  done
}

# In a subshell, for its trap.
build() (
  work="$(mktemp -d "$cache/kernel-debug.XXXXXX")"
  # shellcheck disable=SC2064 # the directory as it is now
  trap "rm -rf '$work'" EXIT
  mkdir -p "$work/debs" "$work/unpacked" "$work/source"
  echo 'debug-kernel: taking the source of 6.12' >&2
  (
    private_apt "$work" bookworm-backports bookworm
    cd "$work/debs"
    apt-get -q download linux-source-6.12 >"$log" 2>&1 || { tail -n 3 "$log" >&2; exit 1; }
  )
  unpack_debs "$work/debs" "$work/unpacked"
  tar -x -C "$work/source" --strip-components=1 -f "$work"/unpacked/usr/src/linux-source-*.tar.xz
  echo "debug-kernel: building, see $log" >&2
  (
    cd "$work/source" && configure &&
      nice -n 19 make -j "${MVAS_JOBS:-$(nproc)}" ARCH=x86_64 bzImage modules_prepare &&
      # No module is built, so only vmlinux's table has what the kernel exports.
      cp vmlinux.symvers Module.symvers
  ) >"$log" 2>&1 </dev/null || { tail -n 30 "$log" >&2; exit 1; }
  cp "$work/source/arch/x86/boot/bzImage" "$work/source/vmlinuz"
  find "$work/source" -name '*.o' -not -path '*/scripts/*' -not -path '*/tools/*' -delete
  rm -rf "$work/source/vmlinux" "$cache"/kernel-debug-????????????
  mv "$work/source" "$dir"
)

# The module for it, as test-kernel.sh expects it.
build_module() {
  local out="$1"
  shift
  rm -rf "$out"
  mkdir -p "$out"
  cp -r "$root"/kernel/{*.c,*.h,Kbuild,include} "$out/"
  make -s -C "$dir" M="$out" "$@" modules </dev/null >"$out/build.log" 2>&1 || {
    cat "$out/build.log" >&2
    exit 1
  }
}

mkdir -p "$cache"
exec 9>"$cache/kernel-debug.lock"
flock 9
if [ ! -f "$dir/vmlinuz" ]; then build; fi
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
build_module "$work/module"
build_module "$work/untested" KCFLAGS=-DMVAS_TESTED=0
cp "$dir/vmlinuz" "$work/vmlinuz"
cp "$work/module/mvas.ko" "$work/mvas.ko"
cp "$work/untested/mvas.ko" "$work/mvas-untested.ko"
flock -u 9

# Emulation with all these checks is slow.
export MVAS_KERNEL_TIMEOUT="${MVAS_KERNEL_TIMEOUT:-3600}"
if [ "${1:-}" = --fuzz ]; then
  export MVAS_FUZZ_SECONDS="$2" MVAS_FUZZ_SEED="${3:-$(date +%s)}"
  bash "$root/scripts/test-kernel.sh" "$work" fuzz
  MVAS_FUZZ_SEED=$((MVAS_FUZZ_SEED + 1))
  bash "$root/scripts/test-kernel.sh" "$work" switch fuzz
else
  export MVAS_FUZZ_SECONDS="${MVAS_FUZZ_SECONDS:-30}"
  bash "$root/scripts/test-kernel.sh" "$work" "$@"
fi
