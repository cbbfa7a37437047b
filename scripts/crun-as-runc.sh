#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Puts a `runc` that is crun into a directory: scripts/crun-as-runc.sh DIRECTORY
#
# Old releases of crun refuse a hierarchy of cgroup v2 beside those of v1: crun runs without it.
set -euo pipefail
directory="$1"

command -v crun >/dev/null || {
  echo 'crun-as-runc: crun is not installed; remedy: apt-get install crun' >&2
  exit 1
}
cat >"$directory/runc" <<EOT
#!/bin/sh
exec unshare --mount sh -c '
  case \$(stat -f -c %T /sys/fs/cgroup) in tmpfs) umount /sys/fs/cgroup/unified 2>/dev/null ;; esac
  exec $(command -v crun) "\$@"' runc "\$@"
EOT
chmod 0755 "$directory/runc"
