#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Set-up, build, then the check of the source (format, lint, dependencies) and every test: unit,
# integration, end to end, the latter again inside other Debian releases, and the kernel module on
# several kernels. Each part prints its own summary; the last line sums them up as
# `N passed, N failed, N skipped`. Exits non-zero on any failure.
#
# MVAS_TEST_PARTS: the parts to run (default: all).
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
exec </dev/null

bash scripts/setup.sh || exit 1
bash scripts/build.sh || exit 1

passed=0 failed=0 skipped=0
status=0
logs="$(mktemp -d)"
trap 'rm -rf "$logs"' EXIT

config_of() {
  case "$1" in
    unit) echo ava.config.js ;;
    integration) echo ava.integration.config.js ;;
    e2e | e2e-* | cgroup2-*) echo ava.e2e.config.js ;;
    kernel) echo ava.kernel.config.js ;;
    clients-*) echo ava.clients.config.js ;;
    *) return 1 ;;
  esac
}

# Counts lines of AVA's TAP output: results stand at the beginning of a line.
count() { grep -cE "$1" "$2" || true; }

# The Debian release that a part named KIND-RELEASE runs in; empty: this one.
release_of() {
  case "$1" in
    *-*) echo "${1#*-}" ;;
  esac
}

# What of the end-to-end tests runs on a cgroup v2 tree without controllers, which is all there is of v2
# where they belong to v1 hierarchies.
without_controllers=(dist/test/e2e/{checkpoint-counter,checkpoint-nginx,restored,failed-restore}.test.js)

all='check unit integration e2e e2e-trixie e2e-forky clients-trixie clients-forky cgroup2-forky kernel'
for part in ${MVAS_TEST_PARTS:-$all}; do
  if [ "$part" = check ]; then
    if bash scripts/check.sh; then passed=$((passed + 1)); else failed=$((failed + 1)) status=1; fi
    continue
  fi
  config="$(config_of "$part")" || { echo "test: no such part: $part" >&2; exit 1; }
  release="$(release_of "$part")"
  kind="${part%%-*}" files=()
  if [ "$kind" = cgroup2 ]; then
    kind=e2e files=("${without_controllers[@]}")
    export MVAS_CGROUP_V2=1
    echo "== $part: without the tests of limits, statistics and OOM, which need the controllers"
  else
    unset MVAS_CGROUP_V2
  fi
  if [ -z "$(find "dist/test/$kind" -name '*.test.js' -print -quit 2>/dev/null)" ]; then
    echo "== $part: no tests"
    continue
  fi
  echo "== $part"
  log="$logs/$part.tap"
  if [ -z "$release" ]; then
    ava=(npx ava)
  elif bash scripts/fetch-release.sh "$release" >/dev/null; then
    ava=(bash scripts/in-release.sh "$release" node_modules/.bin/ava)
  else
    echo "== $part: skipped, since there is no root filesystem of $release"
    skipped=$((skipped + 1))
    continue
  fi
  "${ava[@]}" --config "$config" --tap "${files[@]}" | tee "$log" | grep -vE '^(TAP version|1\.\.|# [^ ]|$)'
  code="${PIPESTATUS[0]}"
  s="$(count '^(not )?ok .*# (SKIP|TODO)' "$log")"
  f="$(grep -E '^not ok ' "$log" | grep -cvE '# (SKIP|TODO)' || true)"
  p="$(grep -E '^ok ' "$log" | grep -cvE '# (SKIP|TODO)' || true)"
  # A run that broke without a failed test (a crash, a time-out, no tests at all) is a failure too.
  if [ "$code" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
  [ "$f" -eq 0 ] || status=1
  echo "== $part: $p passed, $f failed, $s skipped"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done

if [ "$((passed + failed))" -eq 0 ]; then
  echo 'test: not a single test ran' >&2
  status=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"
