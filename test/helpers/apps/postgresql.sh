#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# PostgreSQL as Debian installs it, under pgbench. In the end no transaction is lost or doubled, and amcheck is content.
#
#   postgresql.sh KIND ...    tcp: over TCP, by TLS; unix: over its unix socket; parallel: queries with parallel workers
set -eu

super() { setpriv --reuid postgres --regid postgres --init-groups "$@"; }
value() { super psql -XAtqc "$1"; }

pg_ctlcluster 15 main start
super psql -Xqc "ALTER ROLE postgres PASSWORD 'load'" -c 'CREATE EXTENSION amcheck'
super pgbench -qi -s 1

export PGUSER=postgres PGPASSWORD=load
cat >/load/parallel.sql <<SQL
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT 1 / (count(*) = 100000 AND sum(aid) = 5000050000
            AND sum(abalance) = (SELECT coalesce(sum(delta), 0) FROM pgbench_history))::int FROM pgbench_accounts;
SQL

round() {
  case "$1" in
    tcp) pgbench -n -h 127.0.0.1 -c 4 -j 2 -t 100 ;;
    unix) super pgbench -n -c 4 -j 2 -t 100 ;;
    parallel) pgbench -n -h 127.0.0.1 -c 2 -t 20 -f /load/parallel.sql ;;
  esac
}

load() {
  until [ -e /load/stop ]; do
    round "$1" >>"/load/$1.out" 2>&1 || {
      tail -n 20 "/load/$1.out"
      exit 1
    }
    printf . >>/load/steps
  done
}

loads=
for kind; do
  load "$kind" &
  loads="$loads $!"
done
for pid in $loads; do wait "$pid"; done

fail() {
  echo "$1"
  exit 1
}

done=$(cat /load/tcp.out /load/unix.out 2>/dev/null |
  awk '/^number of transactions actually processed:/ { split($6, of, "/"); n += of[1] } END { print n + 0 }')
kept=$(value 'SELECT count(*) FROM pgbench_history')
[ "$done" = "$kept" ] || fail "pgbench has made $done transactions, and $kept are kept"
balances=$(value 'SELECT (SELECT sum(delta) FROM pgbench_history), (SELECT sum(abalance) FROM pgbench_accounts),
  (SELECT sum(bbalance) FROM pgbench_branches), (SELECT sum(tbalance) FROM pgbench_tellers)')
[ "$(echo "$balances" | tr '|' '\n' | sort -u | wc -l)" = 1 ] || fail "balances differ: $balances"
super /usr/lib/postgresql/15/bin/pg_amcheck --all --heapallindexed --install-missing || fail 'amcheck is not content'
if grep -E ' (PANIC|FATAL|ERROR|WARNING):' /var/log/postgresql/*.log; then fail 'the log has errors'; fi
