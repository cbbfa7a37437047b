#!/usr/bin/env bash
# Builds the native parts, the TypeScript, the bundles, and the executables in bin/.
set -euo pipefail
cd "$(dirname "$0")/.."

[ -f native/Makefile ] && make -s -C native
npx tsc -p tsconfig.json
bash scripts/bundle.sh

# A new file takes the place of the old one, which may be running.
install_executable() {
  chmod 0755 "bin/$1.tmp"
  mv "bin/$1.tmp" "bin/$1"
}
# The executables name the node that built them, since containerd's PATH may not have one.
node_entry() {
  sed -e "s|@NODE@|$(command -v node)|" -e "s|@NAME@|$1|" -e "s|@ENTRY@|dist/$2.js|" \
    scripts/node-entry.js >"bin/$1.tmp"
  install_executable "$1"
}

mkdir -p bin
node_entry mvas bundle/cli/main
node_entry mvas-criu-probe bundle/cli/criu-probe
shim=containerd-shim-mvas-v1
if [ -x "native/build/$shim" ]; then
  cp "native/build/$shim" "bin/$shim.tmp"
  install_executable "$shim"
else
  node_entry "$shim" bundle/shim/main
fi
