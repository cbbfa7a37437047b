#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Provides the root filesystem of Debian 12 with an application, as its packages install it
# (scripts/debian-root.sh). Prints its directory.
#
#   fetch-app.sh postgresql
#
# Exit code 1, with the reason on stderr, if it is not available.
set -euo pipefail
# shellcheck source=scripts/debian-root.sh
. "$(dirname "$0")/debian-root.sh"

app="${1:?usage: fetch-app.sh APPLICATION}"

case "$app" in
  postgresql) packages=(postgresql) ;;
  php) packages=(nginx-light php-fpm python3) ;;
  mariadb) packages=(mariadb-server) ;;
  jupyter) packages=(jupyter-client python3-ipykernel python3-cffi-backend libboost-regex1.74.0) ;;
  pandas) packages=(python3-pandas python3-numpy) ;;
  chromium) packages=(chromium python3-websocket dbus-x11) ;;
  *)
    echo "fetch-app: no such application: $app" >&2
    exit 1
    ;;
esac

debian_root "app-$app" bookworm "${packages[@]}"
