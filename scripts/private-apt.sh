#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Sourced by the scripts that fetch packages from a Debian suite other than this machine's, without
# touching the host's packages.
#
#   debian_mirror               prints the mirror that this machine's packages come from; fails if
#                               apt knows none.
#   private_apt WORK SUITE...   makes a private apt state in WORK, with no package installed, and
#                               exports APT_CONFIG, so that every later apt-get uses it. The first
#                               suite takes precedence. Exits with the reason on stderr if the
#                               suites cannot be read.
#   unpack_debs DIR ROOT        unpacks the packages in DIR into ROOT; runs no maintainer script.
#
# debian_keyring is the file with the trusted keys.

debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

debian_mirror() {
  # shellcheck disable=SC2016 # apt expands it
  apt-get indextargets --format '$(REPO_URI)' | grep -E '/debian/$' | sed -n 1p | grep . || {
    echo "$0: apt knows no Debian mirror: run apt-get update first" >&2
    return 1
  }
}

private_apt() {
  local work="$1" mirror
  shift
  mirror="$(debian_mirror)" || exit 1

  mkdir -p "$work/apt/state/lists/partial" "$work/apt/cache/archives/partial"
  : >"$work/apt/status"
  printf "deb [signed-by=$debian_keyring] $mirror %s main\n" "$@" >"$work/apt/sources.list"
  cat >"$work/apt/apt.conf" <<CONF
Dir::State "$work/apt/state";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt/cache";
Dir::Etc::sourcelist "$work/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Default-Release "$1";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
CONF
  export APT_CONFIG="$work/apt/apt.conf"
  apt-get -q update >"$work/apt/update.log" 2>&1 || {
    echo "$0: cannot read the package list of $*: $(tail -n 1 "$work/apt/update.log")" >&2
    exit 1
  }
}

unpack_debs() {
  local deb
  for deb in "$1"/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$2" --keep-directory-symlink --exclude='./usr/share/doc/*' \
      --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' --exclude='./var/*'
  done
}
