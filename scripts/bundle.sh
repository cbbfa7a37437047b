#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Bundles what bin/ runs into a few files below dist/bundle: loading some 250 modules one by one takes longer
# than restoring. Quick when nothing has changed.
#
# The shim loads its parts when it needs them. They are named by their content and are never removed here: a daemon
# that was started before an upgrade still finds those it has not loaded yet. The command `mvas` is one file, which
# includes its compiled code, and gRPC another, since most commands do not need it.
set -euo pipefail
cd "$(dirname "$0")/.."

out=dist/bundle
if [ -e "$out/shim/main.js" ] &&
  [ -z "$(find dist/src scripts/{bundle.sh,pack.js,load-packed.cjs} -newer "$out/shim/main.js" -name '*.*s*' -print -quit)" ]; then
  exit 0
fi

mkdir -p "$out"/{parts,cli,shim}
work="$(mktemp -d "$out/new.XXXXXX")"
trap 'rm -rf "$work"' EXIT
bundle() {
  node_modules/.bin/esbuild --outdir="$work" --bundle --platform=node --target=node20 --legal-comments=inline \
    --log-level=warning "$@"
}
bundle shim/main=dist/src/shim/main.js --format=esm --splitting --chunk-names='parts/[name]-[hash]' \
  --banner:js='import { createRequire as mvasRequire } from "node:module"; const require = mvasRequire(import.meta.url);'
# V8 accepts compiled code only for CommonJS modules.
bundle cli/mvas=dist/src/cli/bin.js cli/mvas-criu-probe=dist/src/cli/criu-probe.js \
  --format=cjs --out-extension:.js=.cjs --define:import.meta.url=mvasUrl \
  --banner:js='const mvasUrl = require("node:url").pathToFileURL(__filename).href;' \
  --alias:@grpc/grpc-js=./grpc.cjs --external:./grpc.cjs
bundle cli/grpc=node_modules/@grpc/grpc-js/build/src/index.js --format=cjs --out-extension:.js=.cjs
for name in mvas grpc; do
  node scripts/pack.js "$work/cli/$name.cjs" "$work/cli/$name.packed"
  cp scripts/load-packed.cjs "$work/cli/$name.cjs"
done
for part in parts cli shim; do # The shim's entry comes last: it shows that all parts exist.
  mv -f "$work/$part"/* "$out/$part/"
done
touch "$out/shim/main.js"
