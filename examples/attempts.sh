#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A tree of attempts, as an agent explores one: a sandbox is prepared once, forked into attempts that run side by side,
# and each one is put back to where it began when it fails, until one succeeds. What that has reached is kept, and the
# next attempts start there.
#
#   bash examples/attempts.sh
#
# IMAGE: an image with a shell; default: one of this host's busybox.
set -euo pipefail
# shellcheck source=examples/common.sh
. "$(dirname "$0")/common.sh"

prefix="${PREFIX:-agent}"
goal="${GOAL:-7}"

# One attempt in a sandbox: it leaves a mess in files and memory, and succeeds with the right number only.
attempt() {
  local sandbox="$1" number="$2"
  inside "$sandbox" "echo $number >> /task/notes; rm /task/precious; test $number = $goal" 2>/dev/null
}

# shellcheck disable=SC2329 # the trap calls it
clean() {
  for sandbox in "$prefix" "$prefix"-{1,2,3}; do remove "$sandbox"; done
  mvas rm --cascade "$prefix-solved" "$prefix-ready" >/dev/null 2>&1 || true
}

use_containerd
if [ -z "${IMAGE:-}" ]; then busybox_image mvas.example/busybox:1; fi

echo "preparing the sandbox $prefix, once"
# A program with a state in memory: it counts.
# shellcheck disable=SC2016 # the sandbox expands it
ctr run -d --runtime io.containerd.mvas.v1 "${IMAGE:-mvas.example/busybox:1}" "$prefix" /bin/sh -c \
  'i=0; while :; do i=$((i + 1)); echo $i > /count; sleep 0.05; done'
inside "$prefix" 'mkdir /task; echo data > /task/precious; while [ ! -s /count ]; do :; done'
mvas snapshot --name "$prefix-ready" "$prefix" >/dev/null
remove "$prefix"

echo 'three attempts at a time, side by side'
mvas fork --count 3 --name "$prefix-{n}" "$prefix-ready"
solved=''
number=0
while [ -z "$solved" ]; do
  for sandbox in "$prefix"-{1,2,3}; do
    number=$((number + 1))
    if attempt "$sandbox" "$number"; then
      solved="$sandbox"
      break
    fi
    # As it was, files and memory: the next attempt finds nothing of this one.
    ms="$(mvas rollback --json "$sandbox" "$prefix-ready" | sed -n 's/.*"standstillMs": *\([0-9]*\).*/\1/p')"
    inside "$sandbox" 'test -s /task/precious && test ! -e /task/notes'
    echo "attempt $number in $sandbox failed; put back within $ms ms"
  done
done
echo "attempt $number in $solved succeeded; its notes: $(inside "$solved" 'cat /task/notes')"
mvas snapshot --name "$prefix-solved" "$solved" >/dev/null
mvas tree
