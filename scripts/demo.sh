#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Sets up, builds, then runs bench/demo.ts with the given arguments.
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
(
  cd "$here"
  bash scripts/setup.sh
  bash scripts/build.sh
) </dev/null >&2
exec node --no-warnings "$here/dist/bench/demo.js" "$@"
