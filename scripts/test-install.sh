#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds, checks and installs the module as kernel/README.md describes, for one of the kernels that
# fetch-kernel.sh provides, in a mount namespace with its own /lib/modules, /usr/src, /var/lib/dkms
# and /etc/udev, so that this machine does not change. Prints TAP.
#
# Usage: test-install.sh 6.1|6.12
# Environment: MVAS_CACHE.
# Exit code 0 if everything passed.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"

if [ "${1:-}" != --inside ]; then
  dir="$(bash "$root/scripts/fetch-kernel.sh" "$1")"
  exec unshare --mount --propagation private bash "$0" --inside "$dir"
fi

dir="$2"
release="$(cat "$dir/release")"
mkdir -p /lib/modules /usr/src /var/lib/dkms /etc/udev
for place in /mnt /lib/modules /usr/src /var/lib/dkms /etc/udev; do
  mount -t tmpfs tmpfs "$place"
done
mkdir "/lib/modules/$release"
ln -s "$(readlink -f "$dir/build")" "/lib/modules/$release/build"
cp -r "$root/kernel" /mnt/mvas
rm -rf /mnt/mvas/build
cd /mnt/mvas

status=0
echo '# GROUP install'
# Runs a command; prints its output as notes if it fails.
check() {
  local what="$1"
  shift
  if "$@" >/mnt/log 2>&1 </dev/null; then
    echo "ok - $what"
  else
    sed 's/^/# /' /mnt/log
    echo "not ok - $what"
    status=1
  fi
}

# shellcheck disable=SC2317 # called by name
make_for_release() { make KDIR="/lib/modules/$release/build" "$@"; }

# shellcheck disable=SC2317 # called by name
installed() {
  local modules
  mapfile -t modules < <(find "/lib/modules/$release/" -name 'mvas.ko*')
  echo "modules: ${modules[*]}"
  [ "${#modules[@]}" = 1 ] && depmod "$release" &&
    modinfo -k "$release" mvas && modinfo -k "$release" -F vermagic mvas | grep -q "^$release "
}

# The kernel of debug-kernel.sh includes a checkpatch that the test may use.
checkpatch="$(find "$(dirname "$dir")" -maxdepth 3 -path '*/kernel-debug-*/scripts/checkpatch.pl' -print -quit)"
export CHECKPATCH="${CHECKPATCH:-$checkpatch}"

check 'make' make_for_release
if command -v sparse >/dev/null; then
  check 'make check: no warning of the compiler, of sparse, of checkpatch' make_for_release check
  if grep -q 'checkpatch: skipped' /mnt/log; then
    echo "ok - checkpatch # SKIP there is none, scripts/debug-kernel.sh brings one"
  fi
else
  echo 'ok - make check # SKIP there is no sparse'
fi
check 'make install' make_for_release install
check 'brings the module' installed
check 'and the udev rule' grep -q mvas /etc/udev/rules.d/99-mvas.rules
make_for_release clean >/dev/null
rm -rf "/lib/modules/$release/updates" "/lib/modules/$release/extra"

if command -v dkms >/dev/null; then
  cp -r /mnt/mvas /usr/src/mvas-1
  check 'dkms install' dkms install mvas/1 -k "$release"
  check 'brings the module' installed
  check 'signed with a key of its own' \
    grep -q 'DKMS module signing key' <(modinfo -k "$release" -F signer mvas)
  check 'dkms knows of it' grep -q "mvas/1, $release.*installed" <(dkms status)
  check 'dkms remove' dkms remove mvas/1 --all
  check 'takes it away' test -z "$(find "/lib/modules/$release/" -name 'mvas.ko*')"
else
  echo 'ok - dkms # SKIP there is no dkms'
fi
exit "$status"
