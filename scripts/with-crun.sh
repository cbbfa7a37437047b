#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs a command with crun in the place of `runc`: scripts/with-crun.sh npx ava dist/test/e2e
set -euo pipefail

directory="$(mktemp -d)"
trap 'rm -rf "$directory"' EXIT
bash "$(dirname "$0")/crun-as-runc.sh" "$directory"
PATH="$directory:$PATH" "$@"
