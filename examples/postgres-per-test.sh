#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A PostgreSQL for each test. A database is started and loaded once, and a snapshot is taken while it runs. Each test gets a
# fork of that: a server that runs already, with all of the data, on disk and in its caches. Whatever a test does to it, the
# next one sees none of that.
#
#   bash examples/postgres-per-test.sh
#
# TESTS: how many (8). ROWS: how many rows are loaded (100000). IMAGE: an image with Debian's PostgreSQL 15; default: one that
# debootstrap makes here, which takes a minute or two at the first time.
set -euo pipefail
# shellcheck source=examples/common.sh
. "$(dirname "$0")/common.sh"

tests="${TESTS:-8}" rows="${ROWS:-100000}" image="${IMAGE:-mvas.example/postgresql:1}"

# sql CONTAINER STATEMENT
sql() {
  inside "$1" "setpriv --reuid postgres --regid postgres --init-groups psql -XAtqc \"$2\""
}

# shellcheck disable=SC2329 # the trap calls it
clean() {
  remove pg-template $(seq -f 'pg-test-%g' "$tests")
  mvas rm --cascade pg-loaded >/dev/null 2>&1 || true
}

use_containerd
[ -n "${IMAGE:-}" ] || image "$image" "$(bash "$checkout/scripts/fetch-app.sh" postgresql)"

echo "a PostgreSQL is started and loaded with $rows rows, once"
began=$(now)
ctr run -d --runtime io.containerd.mvas.v1 "$image" pg-template /bin/sh -c \
  'install -d -o postgres /run/postgresql && exec setpriv --reuid postgres --regid postgres --init-groups \
    /usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main \
    -c config_file=/etc/postgresql/15/main/postgresql.conf -c ssl=off'
until sql pg-template 'SELECT 1' >/dev/null 2>&1; do
  is_running pg-template
  sleep 0.1
done
sql pg-template "CREATE TABLE account AS SELECT id, 100 AS balance FROM generate_series(1, $rows) id;
                 ALTER TABLE account ADD PRIMARY KEY (id)"
echo "that took $(($(now) - began)) ms"
mvas snapshot --name pg-loaded pg-template >/dev/null
remove pg-template

times=()
for test in $(seq "$tests"); do
  began=$(now)
  mvas fork --name "pg-test-$test" pg-loaded >/dev/null
  times+=($(($(now) - began)))
  before=$(sql "pg-test-$test" 'SELECT count(*), sum(balance) FROM account')
  sql "pg-test-$test" "DELETE FROM account WHERE id % 2 = 0; UPDATE account SET balance = $test"
  after=$(sql "pg-test-$test" 'SELECT count(*), sum(balance) FROM account')
  echo "test $test: a server of its own after ${times[-1]} ms; rows and sum before: $before, after: $after"
  [ "$before" = "$rows|$((100 * rows))" ]
  [ "$after" = "$((rows / 2))|$((test * rows / 2))" ]
done
echo "median of $tests forks: $(median "${times[@]}") ms"
