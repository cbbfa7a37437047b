#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Set-up, build, then the check of the source (format, lint, dependencies) and tests: unit, integration,
# end to end, and the kernel module. Each part prints its own summary; the last line sums them up as
# `N passed, N failed, N skipped`, and those before it tell of what failed. Exits non-zero on any failure.
# Where one or two files of a part have failed, they are run again by themselves: what passes then counts as passed,
# and is listed before that.
#
#   scripts/test.sh          what fits into half an hour: one containerd, one kernel
#   scripts/test.sh --all    also the containerd of other Debian releases, clients, applications, other kernels
#   scripts/test.sh --rest   only what --all adds
#
# MVAS_TEST_PARTS: the parts to run instead.
# MVAS_TEST_UNTIL: seconds since 1970. A part that is likely to end later is not begun, and a line says so.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
exec </dev/null

usual='check unit integration e2e kernel'
rest='crun e2e-forky clients-forky cgroup2-forky e2e-trixie clients-trixie apps kernels'
case "${1:-}" in
  '') parts="$usual" ;;
  --all) parts="$usual $rest" ;;
  --rest) parts="$rest" ;;
  *)
    echo "test: no such option: $1; usage: scripts/test.sh [--all|--rest]" >&2
    exit 2
    ;;
esac

bash scripts/setup.sh || exit 1
bash scripts/build.sh || exit 1

passed=0 failed=0 skipped=0
status=0 broken=() unsteady=()
logs="$(mktemp -d)"
trap 'rm -rf "$logs"' EXIT

# Counts lines of AVA's TAP output: results stand at the beginning of a line.
count() { grep -cE "$1" "$2" || true; }

# The Debian release that a part named KIND-RELEASE runs in; empty: this one.
release_of() {
  case "$1" in
    *-*) echo "${1#*-}" ;;
  esac
}

# The test files that failed according to a TAP log, below the folder that its titles begin at; fails if a title does not
# name its file, as that of a crash.
failed_files() {
  local log="$1" folder="$2" title file
  while IFS= read -r title; do
    file="$folder/${title// › //}"
    until [ -f "$file.test.js" ]; do
      [ "$file" != "$folder" ] || return 1
      file="${file%/*}"
    done
    echo "$file.test.js"
  done < <(sed -nE '/# (SKIP|TODO)/d; s/^not ok [0-9]+ - //p' "$log") | sort -u
}

# What of the end-to-end tests runs on a cgroup v2 tree without controllers, which is all there is of v2
# where they belong to v1 hierarchies.
without_controllers=(dist/test/e2e/{checkpoint-counter,checkpoint-nginx,restored,failed-restore}.test.js)

# What runs with crun in the place of runc.
with_crun=(dist/test/e2e/{basics,checkpoint-counter,checkpoint-redis,restored,restored-terminals,terminals,restart,oom,stats,execs}.test.js)

# The kernel that the module is tested on where one is enough.
one_kernel=dist/test/kernel/linux-6-12.test.js

# How long a part may take.
longest=40m

# Minutes that a part of --rest takes on a fresh machine of two cores, root filesystem and kernels included.
minutes_of() {
  case "$1" in
    e2e-*) echo 12 ;;
    apps | kernels) echo 30 ;;
    *) echo 5 ;;
  esac
}

# Runs test files by "${ava[@]}" into a TAP log; the exit code is left in "$code".
run_ava() {
  local log="$1"
  shift
  # A process that a test has left would keep AVA waiting for ever.
  timeout --foreground --kill-after=10 "$longest" "${ava[@]}" --tap "$@" 2> >(tee "${log%.tap}.txt" >&2) | tee "$log" | grep -vE '^(TAP version|1\.\.|# [^ ]|$)'
  code="${PIPESTATUS[0]}"
  [ "$code" -ne 124 ] || echo "ended, since it had not after $longest" | tee -a "${log%.tap}.txt"
}

# Whether one or two files failed in a run, and pass when they are run again by themselves.
passes_again() {
  local log="$1" folder="$2" again code
  mapfile -t again < <(failed_files "$log" "${folder%/}" || echo unknown)
  [ "${#again[@]}" -le 2 ] && [ "${again[-1]}" != unknown ] || return 1
  echo "== again, by themselves: ${again[*]}"
  run_ava "${log%.tap}-again.tap" "${again[@]}"
  [ "$code" -eq 0 ]
}

begun=0
for part in ${MVAS_TEST_PARTS:-$parts}; do
  if [ -n "${MVAS_TEST_UNTIL:-}" ] && [ "$(($(date +%s) + 60 * $(minutes_of "$part")))" -gt "$MVAS_TEST_UNTIL" ]; then
    echo "== $part: not begun, since it would end too late; run it by MVAS_TEST_PARTS=$part npm test"
    continue
  fi
  begun=$((begun + 1)) began=$SECONDS
  if [ "$part" = check ]; then
    if bash scripts/check.sh 2>&1 | tee "$logs/check.txt"; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1)) status=1 broken+=("$logs/check.txt")
    fi
    continue
  fi
  release="$(release_of "$part")"
  kind="${part%%-*}" files=()
  case "$part" in
    unit) files=(dist/test/unit dist/test/fuzz) ;;
    integration | e2e | e2e-* | clients-*) files=("dist/test/$kind") ;;
    crun) kind=e2e files=("${with_crun[@]}") ;;
    cgroup2-*) kind=e2e files=("${without_controllers[@]}") ;;
    kernel) files=("$one_kernel") ;;
    apps)
      for file in dist/test/apps/*.test.js; do
        app="$(basename "$file" .test.js)"
        if bash scripts/fetch-app.sh "$app" >/dev/null; then
          files+=("$file")
        else
          echo "== $part: skipped, since there is no root filesystem of $app"
          skipped=$((skipped + 1))
        fi
      done
      ;;
    kernels)
      kind=kernel
      for file in dist/test/kernel/*.test.js; do
        [ "$file" = "$one_kernel" ] || files+=("$file")
      done
      ;;
    *)
      echo "test: no such part: $part" >&2
      exit 1
      ;;
  esac
  if [ "${part%%-*}" = cgroup2 ]; then
    export MVAS_CGROUP_V2=1
    echo "== $part: without the tests of limits, statistics and OOM, which need the controllers"
  else
    unset MVAS_CGROUP_V2
  fi
  if [ -z "$(find "dist/test/$kind" -name '*.test.js' -print -quit 2>/dev/null)" ]; then
    echo "== $part: no tests"
    continue
  fi
  [ "${#files[@]}" -gt 0 ] || continue
  echo "== $part"
  log="$logs/$part.tap"
  if [ -n "$release" ]; then # These parts may take longer than one that runs each time.
    export MVAS_ORACLE_SECONDS="${MVAS_ORACLE_SECONDS:-120}" MVAS_FORKS="${MVAS_FORKS:-200}"
  fi
  if [ "$part" = crun ]; then
    ava=(bash scripts/with-crun.sh npx ava)
  elif [ -z "$release" ]; then
    ava=(npx ava)
  elif bash scripts/fetch-release.sh "$release" >/dev/null; then
    ava=(bash scripts/in-release.sh "$release" node_modules/.bin/ava)
  else
    echo "== $part: skipped, since there is no root filesystem of $release"
    skipped=$((skipped + 1))
    continue
  fi
  run_ava "$log" "${files[@]}"
  s="$(count '^(not )?ok .*# (SKIP|TODO)' "$log")"
  f="$(grep -E '^not ok ' "$log" | grep -cvE '# (SKIP|TODO)' || true)"
  p="$(grep -E '^ok ' "$log" | grep -cvE '# (SKIP|TODO)' || true)"
  if [ "$f" -gt 0 ] && passes_again "$log" "dist/test/$([ "$kind" = unit ] || echo "$kind")"; then
    echo "== $part: $f failed, and passed again"
    p=$((p + f)) f=0 code=0 unsteady+=("$log")
  fi
  # A run that broke without a failed test (a crash, a time-out, no tests at all) is a failure too.
  if [ "$code" -ne 0 ] && [ "$f" -eq 0 ]; then
    f=1 broken+=("${log%.tap}.txt")
  elif [ "$f" -gt 0 ]; then
    broken+=("$log")
  fi
  [ "$f" -eq 0 ] || status=1
  echo "== $part: $p passed, $f failed, $s skipped, in $((SECONDS - began)) s"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done

if [ "$begun" -eq 0 ]; then
  echo '== no time was left for any part'
  exit 0
fi
if [ "$((passed + failed))" -eq 0 ]; then
  echo 'test: not a single test ran' >&2
  status=1
fi
if [ "${#unsteady[@]}" -gt 0 ]; then
  echo '== what failed once, and passed again'
  bash scripts/tell-failures.sh "${unsteady[@]}"
fi
if [ "${#broken[@]}" -gt 0 ]; then
  echo '== what failed'
  bash scripts/tell-failures.sh "${broken[@]}"
fi
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"
