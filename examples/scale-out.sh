#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Scale-out of a service that starts slowly. One instance is started as usual. When the load comes, clones of it are made while it goes
# on: they are warm, and each has a network namespace, an address and a name of its own. nginx balances between all of them.
#
#   bash examples/scale-out.sh
#
# CLONES: how many (4). IMAGE and MODULES: an image with Python, and the modules that the service imports (pandas); default: an
# image that debootstrap makes here, which takes a minute or two at the first time.
set -euo pipefail
# shellcheck source=examples/common.sh
. "$(dirname "$0")/common.sh"

clones="${CLONES:-4}" image="${IMAGE:-mvas.example/pandas:1}"
read -ra modules <<<"${MODULES:-pandas}"
mapfile -t instances < <(echo web && seq -f 'web-%g' "$clones")
work="$(mktemp -d)"

# The address of the n-th instance. That of nginx is 10.88.0.1.
address() { echo "10.88.0.$((10 + $1))"; }

# get ADDRESS: what is answered there, as soon as there is an answer; gives up after some 30 seconds.
get() {
  for _ in {1..1000}; do
    ip netns exec balancer curl -sf -m 30 "http://$1" && return
    sleep 0.02
  done
  return 1
}

# shellcheck disable=SC2329 # the trap calls it
clean() {
  [ ! -e "$work/nginx.pid" ] || kill "$(cat "$work/nginx.pid")"
  remove "${instances[@]}"
  for name in balancer "${instances[@]}"; do ip netns del "$name" 2>/dev/null || true; done
  rm -r "$work"
}

use_containerd
[ -n "${IMAGE:-}" ] || image "$image" "$(bash "$checkout/scripts/fetch-app.sh" pandas)"

# A network that only these have: a bridge, with nginx at it.
ip netns add balancer
ip -n balancer link set lo up
ip -n balancer link add net type bridge
ip -n balancer address add 10.88.0.1/24 dev net
ip -n balancer link set net up
for n in "${!instances[@]}"; do
  name="${instances[n]}"
  ip netns add "$name"
  ip -n "$name" link set lo up
  ip -n "$name" link add eth0 type veth peer name "$name" netns balancer
  ip -n "$name" address add "$(address "$n")/24" dev eth0
  ip -n "$name" link set eth0 up
  ip -n balancer link set "$name" master net up
done

began=$(now)
ctr run -d --runtime io.containerd.mvas.v1 --with-ns network:/run/netns/web \
  --mount "type=bind,src=$checkout/examples,dst=/app,options=rbind:ro" "$image" web \
  python3 -B /app/slow_service.py "${modules[@]}"
get "$(address 0):8000" >/dev/null
cold=$(($(now) - began))
echo "a cold start: $cold ms from 'ctr run' to the first answer"

began=$(now)
mvas fork --count "$clones" --name 'web-{n}' --net '/run/netns/{name}' web >/dev/null
for n in $(seq "$clones"); do [ "$(get "$(address "$n"):8000")" = "web-$n" ]; done
warm=$(($(now) - began))
echo "$clones clones: $warm ms from 'mvas fork' to the first answer of each, $((warm / clones)) ms for one"

{
  printf 'pid %s/nginx.pid; error_log %s/error.log; events {}\nhttp {\n  access_log off;\n  upstream service {\n' "$work" "$work"
  for n in "${!instances[@]}"; do printf '    server %s:8000;\n' "$(address "$n")"; done
  printf '  }\n  server { listen 80; location / { proxy_pass http://service; } }\n}\n'
} >"$work/nginx.conf"
ip netns exec balancer nginx -c "$work/nginx.conf"
echo 'who answers 40 requests to nginx:'
for _ in {1..40}; do get 10.88.0.1; done | sort | uniq -c
