#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Process 1 of a guest with containerd. Says MVAS-GUEST-UP, runs the program that the kernel's argument
# mvas.program names (with those of mvas.arguments), whose output is the console, and ends with the line
# MVAS-RC=exit code.
export PATH=/usr/sbin:/usr/bin
/usr/bin/busybox --install -s /usr/bin
cd /

# pivot_root(2), which runc needs, does not work in an initramfs, but works in a mount of it.
if [ "$1" != again ]; then
  mount -t proc proc /proc
  mount --bind / /mnt
  umount /proc
  cd /mnt || exit
  mount --move . /
  exec chroot . /init again
fi

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 pts /dev/pts
for place in /dev/shm /run; do mount -t tmpfs tmpfs "$place"; done
ip link set lo up
echo; echo 'MVAS-GUEST-UP'
# Kernel messages would come between the letters of a result; they are checked at the end.
echo 1 >/proc/sys/kernel/printk

argument() { sed -n "s/.*mvas\.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }

if [ "$(argument cgroup)" = 1 ]; then
  mount -t tmpfs tmpfs /sys/fs/cgroup
  sed -n 's/^\([a-z_]*\)\t.*\t1$/\1/p' /proc/cgroups | while read -r name; do
    mkdir "/sys/fs/cgroup/$name"
    mount -t cgroup -o "$name" cgroup "/sys/fs/cgroup/$name"
  done
else
  mount -t cgroup2 cgroup /sys/fs/cgroup
fi

while read -r name; do
  for file in "/modules/$name".ko*; do
    case "$file" in
      *.xz) xz -dc "$file" >"/tmp/$name.ko" && insmod "/tmp/$name.ko" ;;
      *.ko) insmod "$file" ;;
    esac
  done
done </modules/order
insmod /modules/mvas.ko

read -r project </project
cd "$project" || poweroff -f
# Built before everything else; an initramfs keeps no times.
touch dist/bundle/shim/main.js
find /var/cache -type f -exec touch {} +
# Emulation runs code slowly that was just written.
# shellcheck disable=SC2046 # none, one or more
node --jitless "$(argument program)" $(argument arguments | tr , ' ')
rc=$?
dmesg | grep -E 'BUG|WARNING|Oops|Bad |Call Trace' >/log
if [ -s /log ]; then
  echo 'not ok - the kernel log is clean'
  dmesg | sed 's/^/# dmesg: /'
  rc=1
fi
echo "MVAS-RC=$rc"
poweroff -f
