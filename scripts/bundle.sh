#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Bundles the compiled shim into few files, dist/bundle/shim. A shim is started for each container, and
# loading some 200 modules one by one takes longer than restoring. Quick when nothing has changed.
#
# All files but main.js are named by their content and are never removed here: a daemon that was
# started before an upgrade still finds the parts it has not loaded yet.
set -euo pipefail
cd "$(dirname "$0")/.."

out=dist/bundle/shim
if [ -e "$out/main.js" ] &&
  [ -z "$(find dist/src scripts/bundle.sh -newer "$out/main.js" -name '*.*s*' -print -quit)" ]; then
  exit 0
fi

mkdir -p "$out"
work="$(mktemp -d dist/bundle/new.XXXXXX)"
trap 'rm -rf "$work"' EXIT
node_modules/.bin/esbuild dist/src/shim/main.js --outdir="$work" --log-level=warning \
  --bundle --splitting --format=esm --platform=node --target=node20 --legal-comments=inline \
  --banner:js='import { createRequire as mvasRequire } from "node:module"; const require = mvasRequire(import.meta.url);'
touch "$work"/*.js
mv "$work/main.js" "$work.main.js"
mv -f "$work"/*.js "$out/"
mv -f "$work.main.js" "$out/main.js"
touch "$out/main.js"
