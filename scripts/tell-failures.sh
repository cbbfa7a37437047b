#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# tell-failures.sh LOG...: prints which tests failed in AVA's TAP logs, NAME.tap, and why, and the end of any
# other log, NAME.txt. Prints few lines, for readers who see only the end of a long run.
set -euo pipefail

most_lines=60
lines_of_others=15

# Prints the names and details of failed tests. Of a stack trace only the lines in tests are useful.
# shellcheck disable=SC2016 # awk's variables, not the shell's
details='
  /^not ok / && !/# (SKIP|TODO)/ {
    sub(/^not ok [0-9]+ - /, "")
    print part ": " $0
    left = share - 1
    isPlace = 0
    next
  }
  /^(ok|not ok|1\.\.|#)/ { left = 0 }
  /^  \.\.\.$/ { left = 0 }
  /^    at:/ { isPlace = 1 }
  /^  ---$/ || /^    (name|details|assertion):/ || /^    message: ..$/ || /^ *$/ { next }
  isPlace && !/dist\/test/ { next }
  left > 0 { print substr($0, 1, 200); left -= 1 }
'

count=0
for log in "$@"; do
  case "$log" in
    *.tap) count=$((count + $(grep '^not ok ' "$log" | grep -cvE '# (SKIP|TODO)' || true))) ;;
  esac
done
share=$((most_lines / (count + 1)))
[ "$share" -le 12 ] || share=12

for log in "$@"; do
  part="$(basename "${log%.*}")"
  case "$log" in
    *.tap) awk -v part="$part" -v share="$share" "$details" "$log" ;;
    *) tail -n "$lines_of_others" "$log" | sed "s/^/$part: /" ;;
  esac
done | awk -v most="$most_lines" 'NR <= most; END { if (NR > most) print "... and " NR - most " lines more" }'
