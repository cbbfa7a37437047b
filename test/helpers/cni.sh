#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# CNI's plugin `loopback`, and `veth` for pods that have a network namespace of their own: an interface with an address,
# whose other end is in there, too.
set -eu
cat >/dev/null # the configuration, which says no more

inside() {
  nsenter --net="$CNI_NETNS" ip "$@"
}

add_veth() {
  inside link add "$CNI_IFNAME" type veth peer name other
  inside address add 10.88.0.2/24 dev "$CNI_IFNAME"
  inside link set other up
  inside link set "$CNI_IFNAME" up
}

case "$CNI_COMMAND:${0##*/}" in
  ADD:loopback)
    inside link set lo up
    address=127.0.0.1/8
    ;;
  ADD:*)
    add_veth
    address=10.88.0.2/24
    ;;
  VERSION:*)
    echo '{ "cniVersion": "1.0.0", "supportedVersions": ["0.3.1", "0.4.0", "1.0.0"] }'
    exit
    ;;
  *) exit ;; # The interfaces end with the namespace.
esac
cat <<END
{
  "cniVersion": "1.0.0",
  "interfaces": [{ "name": "$CNI_IFNAME", "sandbox": "$CNI_NETNS" }],
  "ips": [{ "address": "$address", "interface": 0 }]
}
END
