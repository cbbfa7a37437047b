#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs a command with crun in the place of `runc`: scripts/with-crun.sh npx ava dist/test/e2e
#
# Old releases of crun refuse a hierarchy of cgroup v2 beside those of v1: crun runs without it.
set -euo pipefail

command -v crun >/dev/null || {
  echo 'with-crun: crun is not installed; remedy: apt-get install crun' >&2
  exit 1
}
directory="$(mktemp -d)"
trap 'rm -rf "$directory"' EXIT
cat >"$directory/runc" <<EOF
#!/bin/sh
exec unshare --mount sh -c '
  case \$(stat -f -c %T /sys/fs/cgroup) in tmpfs) umount /sys/fs/cgroup/unified 2>/dev/null ;; esac
  exec $(command -v crun) "\$@"' runc "\$@"
EOF
chmod 0755 "$directory" "$directory/runc"
PATH="$directory:$PATH" "$@"
