#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Provides CRIU 4 for comparison runs, without touching the host's packages: takes it and its
# libraries from Debian forky through a private apt state, unpacks them into the cache, and writes a
# wrapper that runs it with its own loader. Prints the directory to put first in PATH.
#
# Debian 12 has no criu, and kernels since 6.13 need version 4.1 or later.
# Environment: MVAS_CACHE (default /var/cache/mvas-shim), MVAS_CRIU_SUITE (default forky).
# Exit code 1, with the reason on stderr, if it is not available.
set -euo pipefail
# shellcheck source=scripts/private-apt.sh
. "$(dirname "$0")/private-apt.sh"

suite="${MVAS_CRIU_SUITE:-forky}"
cache="${MVAS_CACHE:-/var/cache/mvas-shim}"
dir="$cache/criu-$suite"

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

work="$(mktemp -d "$cache/criu.XXXXXX")"
trap 'rm -rf "$work"' EXIT
mkdir "$work/debs" "$work/root"
echo "fetch-criu: taking criu and its libraries from $suite" >&2
private_apt "$work" "$suite"

# CRIU itself and whatever its binary needs at run time.
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
unpack_debs "$work/debs" "$work/root"

rm -rf "$dir"
mkdir -p "$dir/bin"
mv "$work/root" "$dir/root"
loader="$(find "$dir/root" -name 'ld-linux-x86-64.so.2' | head -n 1)"
binary="$(find "$dir/root" -type f -path '*bin/criu' | head -n 1)"
# Locking the network needs iptables, and matters only to connections with other hosts.
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
