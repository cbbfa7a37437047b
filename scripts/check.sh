#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Checks the source without running it: format, lint, types, direction of imports, format of C and
# C++, shell scripts. Runs every check even if one fails, and names the failed ones at the end.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

failed=()
check() {
  local name="$1"
  shift
  echo "== check: $name"
  "$@" || failed+=("$name")
}

# Code for one kind of processor has directories of its own; see ARCHITECTURE.md.
architecture() {
  local names='x86|[xX]86_64|[re][abcd]x|r[sd]i|r[sbi]p|r1[0-5]|orig_rax|eflags|[fg]s_base|arch_prctl|ARCH'
  local files found
  mapfile -t files < <(git ls-files 'src/*.ts' 'native/src/*.cc' 'native/src/*.h' |
    grep -vE '^(src/criu/arch|src/native/abi|src/criu/image/messages|src/cli/host|native/src/arch)')
  found=$(grep -nHwE "$names" "${files[@]}")
  [ -z "$found" ] || { echo "$found" && return 1; }
}

check types node node_modules/typescript-7/bin/tsc --noEmit -p tsconfig.json
check architecture architecture
check prettier npx prettier --check --log-level warn .
check eslint npx eslint --max-warnings 0 .
check dependencies npx depcruise src test bench scripts --config .dependency-cruiser.cjs
check clang-format clang-format --dry-run -Werror \
  native/include/*.h native/launcher/*.[ch] native/await/*.c native/model/*.c native/pie/*.[ch] native/pie/arch/*.h native/src/*.h native/src/*.cc native/src/arch/*.h \
  kernel/*.[ch] kernel/include/uapi/*.h kernel/lib/*.[ch] kernel/tests/*.[ch]
check shellcheck shellcheck scripts/*.sh kernel/*.sh kernel/tests/*.sh test/kernel/containers/inside/*.sh \
  test/helpers/apps/*.sh examples/*.sh .ci/run

if [ "${#failed[@]}" -gt 0 ]; then
  echo "check: failed: ${failed[*]}" >&2
  exit 1
fi
echo 'check: all passed'
