#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Provides CRIU's own reader of image files (pycriu, with the protobuf it needs) for tests, without
# touching the host's packages: takes both from a Debian suite through a private apt state and unpacks
# them into the cache. Prints the directory to put into PYTHONPATH.
#
# Environment: MVAS_CACHE (default /var/cache/mvas-shim), MVAS_CRIU_SUITE (default forky).
# Exit code 1, with the reason on stderr, if it is not available.
set -euo pipefail
# shellcheck source=scripts/private-apt.sh
. "$(dirname "$0")/private-apt.sh"

suite="${MVAS_CRIU_SUITE:-forky}"
cache="${MVAS_CACHE:-/var/cache/mvas-shim}"
dir="$cache/pycriu-$suite"
modules="$dir/usr/lib/python3/dist-packages"

# The compiled half of protobuf needs the suite's Python; the other half runs on any.
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

work="$(mktemp -d "$cache/pycriu.XXXXXX")"
trap 'rm -rf "$work"' EXIT
mkdir "$work/debs" "$work/root"
echo "fetch-pycriu: taking pycriu from $suite" >&2
private_apt "$work" "$suite"
(cd "$work/debs" && apt-get -q download python3-pycriu python3-protobuf >"$work/log" 2>&1) ||
  give_up "download failed: $(tail -n 1 "$work/log")"
unpack_debs "$work/debs" "$work/root"
rm -rf "$dir"
mv "$work/root" "$dir"
works || give_up "pycriu of $suite does not run with $(python3 --version)"
echo "$modules"
