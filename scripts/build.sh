#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the native parts, the TypeScript, the bundles, and the executables in bin/.
set -euo pipefail
cd "$(dirname "$0")/.."

make -s -C native
node node_modules/typescript-7/bin/tsc -p tsconfig.json
bash scripts/bundle.sh

# Renames a new file over the old one, which may be running.
install_executable() {
  cp "native/build/$1" "bin/$2.tmp"
  mv "bin/$2.tmp" "bin/$2"
}

mkdir -p bin
install_executable command mvas
install_executable command mvas-criu-probe
install_executable containerd-shim-mvas-v1 containerd-shim-mvas-v1
