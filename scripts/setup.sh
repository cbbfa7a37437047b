#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what a fresh Debian 12 machine with Node 20 lacks for building and testing: system
# packages (needs root) and the npm dependencies of the lock file. Idempotent, and quick when
# nothing is missing. Never leaves a service running that an installed package would start.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  # what the shim runs and is driven by
  containerd runc crun
  # building the native parts
  gcc g++ make libc6-dev
  # what the test containers are made of
  busybox-static redis-server redis-tools nginx-light python3-minimal python3 libc-bin tcpdump
  # what tests and benches inspect the machine with
  iproute2 util-linux procps
  # building the kernel module, installing it, running it
  qemu-system-x86 libelf-dev pahole dkms gzip xz-utils
  # building a kernel that checks itself
  flex bison bc perl
  # checking the source
  clang-format sparse shellcheck
  # CRIU for the comparison, and the root filesystems of other releases
  curl ca-certificates debian-archive-keyring debootstrap
)

missing=()
for name in "${packages[@]}"; do
  state="$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null || true)"
  [ "$state" = installed ] || missing+=("$name")
done

if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "setup: missing packages, and only root can install them: ${missing[*]}" >&2
    exit 1
  fi
  echo "setup: installing ${missing[*]}" >&2
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 0755 "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt_get() { apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@" </dev/null >&2; }
  apt_get update || echo 'setup: cannot refresh the package lists; trying with those at hand' >&2
  apt_get install -y --no-install-recommends "${missing[@]}"
fi

# Tells whether node_modules holds what the lock file asks for (npm keeps its own copy of the lock).
npm_complete() {
  [ -f node_modules/.package-lock.json ] && node -e '
    const read = (path) => JSON.parse(require("fs").readFileSync(path, "utf8")).packages;
    const wanted = read("package-lock.json");
    const present = read("node_modules/.package-lock.json");
    const lacking = Object.entries(wanted).filter(([path, entry]) =>
      path !== "" && !entry.optional && present[path]?.version !== entry.version);
    process.exit(lacking.length === 0 ? 0 : 1);'
}

if ! npm_complete; then
  echo 'setup: installing the npm dependencies' >&2
  npm ci --no-audit --no-fund </dev/null >&2
fi
