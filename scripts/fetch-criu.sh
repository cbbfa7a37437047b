#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Provides CRIU 4 for comparison runs, without touching the host's packages: takes it and its
# libraries from Debian forky by a private apt state, unpacks them into the cache, and writes a
# wrapper that runs it by its own loader. Prints the directory to put first in PATH.
#
# Debian 12 has no criu, and kernels from 6.13 need one of version 4.1 or later.
# Environment: MVAS_CACHE (default /var/cache/mvas-shim), MVAS_CRIU_SUITE (default forky).
# Exit code 1, with the reason on stderr, where it cannot be had.
set -euo pipefail

suite="${MVAS_CRIU_SUITE:-forky}"
cache="${MVAS_CACHE:-/var/cache/mvas-shim}"
dir="$cache/criu-$suite"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

runs() { "$dir/bin/criu" --version >/dev/null 2>&1; }

if runs; then
  echo "$dir/bin"
  exit 0
fi

mkdir -p "$cache"
exec 9>"$cache/criu.lock"
flock 9
if runs; then
  echo "$dir/bin"
  exit 0
fi

# The mirror this machine has its own packages from.
# shellcheck disable=SC2016 # apt expands it
mirror="$(apt-get indextargets --format '$(REPO_URI)' | grep -E '/debian/$' | head -n 1)"
[ -n "$mirror" ] || { echo "$0: apt knows no Debian mirror: run apt-get update first" >&2; exit 1; }

work="$(mktemp -d "$cache/criu.XXXXXX")"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/apt/state/lists/partial" "$work/apt/cache/archives/partial" "$work/debs"
: >"$work/apt/status"
cat >"$work/apt/sources.list" <<LIST
deb [signed-by=$keyring] $mirror $suite main
LIST
cat >"$work/apt/apt.conf" <<CONF
Dir::State "$work/apt/state";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt/cache";
Dir::Etc::sourcelist "$work/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
CONF
export APT_CONFIG="$work/apt/apt.conf"

echo "fetch-criu: reading the package list of $suite" >&2
apt-get -q update >"$work/update.log" 2>&1 || {
  echo "fetch-criu: cannot read the package list of $suite: $(tail -n 1 "$work/update.log")" >&2
  exit 1
}

# CRIU itself and whatever its binary needs at run time; no maintainer script is ever run.
echo 'fetch-criu: downloading criu and its libraries' >&2
wanted="$(apt-get -q -s install criu 2>/dev/null | awk '/^Inst /{print $2}' |
  grep -E '^(criu|lib.*)$' || true)"
if ! grep -qx criu <<<"$wanted"; then
  echo "fetch-criu: $suite has no installable package criu" >&2
  exit 1
fi
(cd "$work/debs" && xargs apt-get -q download >"$work/download.log" 2>&1 <<<"$wanted") || {
  echo "fetch-criu: download failed: $(tail -n 1 "$work/download.log")" >&2
  exit 1
}
for deb in "$work"/debs/*.deb; do
  dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work" --one-top-level=root \
    --exclude='./usr/share/*' --exclude='./var/*'
done

rm -rf "$dir"
mkdir -p "$dir/bin"
mv "$work/root" "$dir/root"
loader="$(find "$dir/root" -name 'ld-linux-x86-64.so.2' | head -n 1)"
binary="$(find "$dir/root" -type f -path '*bin/criu' | head -n 1)"
# Locking the network needs iptables, and matters only to connections with the world outside.
echo 'network-lock skip' >"$dir/criu.conf"
cat >"$dir/bin/criu" <<WRAPPER
#!/bin/sh
CRIU_CONFIG_FILE=\${CRIU_CONFIG_FILE:-$dir/criu.conf}
export CRIU_CONFIG_FILE
exec $loader --library-path $dir/root/usr/lib/x86_64-linux-gnu:$dir/root/lib/x86_64-linux-gnu $binary "\$@"
WRAPPER
chmod 0755 "$dir/bin/criu"

if ! runs; then
  echo "fetch-criu: criu does not run: $("$dir/bin/criu" --version 2>&1 | tail -n 1)" >&2
  exit 1
fi
echo "fetch-criu: $("$dir/bin/criu" --version | head -n 1)" >&2
echo "$dir/bin"
