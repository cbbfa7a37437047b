#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Bundles what bin/ runs into few files below dist/bundle: loading some 250 modules one by one takes longer
# than restoring. What is imported by import() is loaded when it is needed. Quick when nothing has changed.
#
# Parts are named by their content and are never removed here: a daemon that was started before an upgrade still
# finds those it has not loaded yet.
set -euo pipefail
cd "$(dirname "$0")/.."

out=dist/bundle
if [ -e "$out/shim/main.js" ] &&
  [ -z "$(find dist/src scripts/bundle.sh -newer "$out/shim/main.js" -name '*.*s*' -print -quit)" ]; then
  exit 0
fi

mkdir -p "$out"/{parts,cli,shim}
work="$(mktemp -d "$out/new.XXXXXX")"
trap 'rm -rf "$work"' EXIT
node_modules/.bin/esbuild --outdir="$work" --chunk-names='parts/[name]-[hash]' --log-level=warning \
  cli/main=dist/src/cli/bin.js cli/criu-probe=dist/src/cli/criu-probe.js shim/main=dist/src/shim/main.js \
  --bundle --splitting --format=esm --platform=node --target=node20 --legal-comments=inline \
  --banner:js='import { createRequire as mvasRequire } from "node:module"; const require = mvasRequire(import.meta.url);'
for part in parts cli shim; do # The shim's entry says that all is there.
  mv -f "$work/$part"/*.js "$out/$part/"
done
touch "$out/shim/main.js"
