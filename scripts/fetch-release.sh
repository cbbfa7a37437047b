#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Provides the root filesystem of another Debian release, with its containerd, its runc and the programs
# the test containers are made of (scripts/debian-root.sh). Prints its directory.
#
#   fetch-release.sh trixie    containerd 1.7
#   fetch-release.sh forky     containerd 2.1, Docker 28
#
# Exit code 1, with the reason on stderr, if it is not available.
set -euo pipefail
# shellcheck source=scripts/debian-root.sh
. "$(dirname "$0")/debian-root.sh"

suite="${1:?usage: fetch-release.sh SUITE}"

packages=(
  containerd runc
  busybox-static redis-server redis-tools nginx-light python3-minimal python3
  iproute2 procps curl
)
[ "$suite" != forky ] || packages+=(docker.io docker-cli)

debian_root "release-$suite" "$suite" "${packages[@]}"
