#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Provides CRIU's own reader of image files (pycriu, with the protobuf it needs) for tests, without
# touching the host's packages: takes both from a Debian suite by a private apt state and unpacks
# them into the cache. Prints the directory to put into PYTHONPATH.
#
# Environment: MVAS_CACHE (default /var/cache/mvas-shim), MVAS_CRIU_SUITE (default forky).
# Exit code 1, with the reason on stderr, where it cannot be had.
set -euo pipefail

suite="${MVAS_CRIU_SUITE:-forky}"
cache="${MVAS_CACHE:-/var/cache/mvas-shim}"
dir="$cache/pycriu-$suite"
modules="$dir/usr/lib/python3/dist-packages"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The compiled half of protobuf belongs to the suite's Python, the other half runs on any.
export PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python

works() { PYTHONPATH="$modules" python3 -c 'import pycriu.images' >/dev/null 2>&1; }

give_up() {
  echo "fetch-pycriu: $1" >&2
  exit 1
}

command -v python3 >/dev/null || give_up 'there is no python3'
if works; then
  echo "$modules"
  exit 0
fi

mkdir -p "$cache" || give_up "cannot make $cache"
exec 9>"$cache/pycriu.lock"
flock 9
if works; then
  echo "$modules"
  exit 0
fi

# The mirror this machine has its own packages from.
# shellcheck disable=SC2016 # apt expands it
mirror="$(apt-get indextargets --format '$(REPO_URI)' | grep -E '/debian/$' | head -n 1)"
[ -n "$mirror" ] || { echo "$0: apt knows no Debian mirror: run apt-get update first" >&2; exit 1; }

work="$(mktemp -d "$cache/pycriu.XXXXXX")"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/debs" "$work/root"
: >"$work/status"
echo "deb [signed-by=$keyring] $mirror $suite main" >"$work/sources.list"
cat >"$work/apt.conf" <<CONF
Dir::State "$work/state";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "2";
APT::Sandbox::User "root";
CONF
export APT_CONFIG="$work/apt.conf"

echo "fetch-pycriu: taking pycriu from $suite" >&2
apt-get -q update >"$work/log" 2>&1 || give_up "no package list: $(tail -n 1 "$work/log")"
(cd "$work/debs" && apt-get -q download python3-pycriu python3-protobuf >"$work/log" 2>&1) ||
  give_up "download failed: $(tail -n 1 "$work/log")"
for deb in "$work"/debs/*.deb; do
  dpkg-deb -x "$deb" "$work/root"
done
rm -rf "$dir"
mv "$work/root" "$dir"
works || give_up "pycriu of $suite does not run with $(python3 --version)"
echo "$modules"
