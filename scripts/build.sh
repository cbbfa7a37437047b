#!/usr/bin/env bash
# Builds the native parts, the TypeScript, the bundle of the shim, and the two executables in bin/.
set -euo pipefail
cd "$(dirname "$0")/.."

[ -f native/Makefile ] && make -s -C native
npx tsc -p tsconfig.json
bash scripts/bundle.sh

mkdir -p bin
# The executables name the node that built them, since containerd's PATH may not have one.
launcher() {
  printf '#!%s --no-warnings\nimport(new URL("../dist/%s.js", import.meta.url).href);\n' \
    "$(command -v node)" "$2" >"bin/$1.tmp"
  chmod 0755 "bin/$1.tmp"
  mv "bin/$1.tmp" "bin/$1"
}
launcher containerd-shim-mvas-v1 bundle/shim/main
launcher mvas src/cli/bin
