#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Process 1 of the guest. Runs the test programs, whose TAP goes to the console, one group each, and
# looks at the kernel's log after each. The last line is MVAS-RC=0 or 1.
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mkdir -p /dev/shm
echo; echo 'MVAS-GUEST-UP'
echo 1 >/proc/sys/kernel/printk
rc=0

# What the log of a sound kernel never contains.
bad='BUG|WARNING|Oops|Bad |KASAN|UBSAN|INFO: |suspicious RCU|general protection|possible|leaked'

judge() {
  if [ "$1" = 0 ]; then echo "ok - $2"; else echo "not ok - $2"; rc=1; fi
}

log_is_clean() {
  dmesg | grep -vE 'Command line|taints kernel|module verification|possible CPUs' >/tmp/log
  grep -E "$bad" /tmp/log >/tmp/bad
  if [ -s /tmp/bad ]; then
    grep -E -B 2 -A 25 "$bad" /tmp/log | head -n 120 | sed 's/^/# /'
  fi
  [ ! -s /tmp/bad ]
  judge $? 'the kernel log is clean'
  dmesg -c >/dev/null
}

# Loads the module with some parameters.
load() {
  insmod /lib/mvas.ko "$@"
  judge $? "the module loads${*:+ with $*}"
}

unload() {
  rmmod mvas
  judge $? 'the module unloads'
}

run() {
  echo "# GROUP $1"
  case "$1" in
    fuzz) /tests/fuzz "$(argument fuzz)" "$(argument seed)" ;;
    *) "/tests/$1" ;;
  esac
  code=$?
  judge $code "$1 ends well ($code)"
  [ -z "$(find /sys/kernel/vas /sys/kernel/vas_segs -mindepth 1 -maxdepth 1)" ]
  judge $? "$1 leaves nothing behind"
}

# What the kernel's command line says.
argument() {
  sed -n "s/.*mvas\.$1=\([^ ]*\).*/\1/p" /proc/cmdline
}

programs=$(argument tests | tr , ' ')
[ -f /lib/brd.ko ] && insmod /lib/brd.ko rd_nr=1 rd_size=131072

echo '# GROUP module'
dmesg -c >/dev/null
if [ -f /lib/mvas-untested.ko ]; then
  ! insmod /lib/mvas-untested.ko 2>/dev/null
  judge $? 'a series that was not tested is refused'
  dmesg | grep -q 'mvas: not tested'
  judge $? 'and the log says why'
  insmod /lib/mvas-untested.ko unsafe=1 && rmmod mvas
  judge $? 'unless the parameter unsafe is set'
fi
load
log_is_clean

for program in $programs; do
  if [ "$program" = switch ]; then
    echo '# GROUP experimental'
    unload
    load experimental=1
  fi
  run "$program"
  log_is_clean
done

echo '# GROUP unload'
/tests/leave
judge $? 'a program leaves a VAS behind'
! rmmod mvas 2>/dev/null
judge $? 'the module is not unloaded while there is one'
/tests/leave delete
judge $? 'the VAS is deleted'
unload
load without_clone=1
/tests/leave without
judge $? 'without duplicates of the kernel FORK is not offered, CAPTURE is'
unload
[ ! -e /sys/kernel/vas ] && [ ! -e /dev/mvas ]
judge $? 'nothing is left of it'
if [ -e /sys/kernel/debug/kmemleak ] || mount -t debugfs debug /sys/kernel/debug 2>/dev/null; then
  if [ -e /sys/kernel/debug/kmemleak ]; then
    echo scan >/sys/kernel/debug/kmemleak
    sleep 6
    echo scan >/sys/kernel/debug/kmemleak
    grep -E -A 20 unreferenced /sys/kernel/debug/kmemleak | head -n 100 | sed 's/^/# /'
    ! grep -q unreferenced /sys/kernel/debug/kmemleak
    judge $? 'kmemleak finds nothing'
  fi
fi
log_is_clean
echo "MVAS-RC=$rc"
# QEMU, run with -no-reboot, ends; what a kernel needs to power off may be missing.
reboot -f
