#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# MariaDB as Debian installs it, with clients that make transactions. In the end none is lost or doubled, and the check
# of the tables is content.
#
#   mariadb.sh [OPTION ...]    options of mariadbd
set -eu

CLIENTS=6

mkdir -p /run/mysqld
chown mysql /run/mysqld
mariadbd --user=mysql "$@" 2>/load/server.log &
mariadb-admin --wait=60 ping >/dev/null
mariadb <<SQL
CREATE DATABASE bank;
USE bank;
CREATE TABLE accounts (id INT PRIMARY KEY, balance INT NOT NULL);
CREATE TABLE history (client INT, number INT, delta INT NOT NULL, PRIMARY KEY (client, number));
CREATE USER teller@localhost IDENTIFIED BY 'load';
GRANT ALL ON bank.* TO teller@localhost;
SQL
for id in $(seq 100); do echo "INSERT INTO accounts VALUES ($id, 0);"; done | mariadb bank

# Prints transactions until the load is to end; the answer to each is its number.
transactions() {
  n=0
  until [ -e /load/stop ]; do
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      n=$((n + 1))
      echo "BEGIN; UPDATE accounts SET balance = balance + $n WHERE id = $((n % 100 + 1));
            INSERT INTO history VALUES ($1, $n, $n); COMMIT; SELECT $n;"
    done
  done
}

# Odd clients connect by TCP, even ones by the unix socket.
load() {
  host=localhost
  [ $(($1 % 2)) = 0 ] || host=127.0.0.1
  transactions "$1" | mariadb --unbuffered -N -h "$host" -u teller -pload bank >"/load/client.$1" 2>&1
}

# A step for some hundred answers.
steps() {
  seen=0
  until [ -e /load/stop ]; do
    now=$(cat /load/client.* | wc -l)
    if [ "$now" -gt $((seen + 500)) ]; then
      printf . >>/load/steps
      seen=$now
    fi
    sleep 0.1
  done
}

loads=
for client in $(seq $CLIENTS); do
  load "$client" &
  loads="$loads $!"
done
steps &
for pid in $loads; do wait "$pid"; done

fail() {
  echo "$1"
  exit 1
}

for client in $(seq $CLIENTS); do
  answered=$(wc -l <"/load/client.$client")
  [ "$answered" = "$(tail -n 1 "/load/client.$client")" ] || fail "client $client has had other answers"
  kept=$(mariadb -N bank -e "SELECT concat(count(*), ' ', max(number)) FROM history WHERE client = $client")
  [ "$kept" = "$answered $answered" ] || fail "client $client has had $answered answers, and kept is $kept"
done
difference=$(mariadb -N bank -e 'SELECT (SELECT sum(balance) FROM accounts) - (SELECT sum(delta) FROM history)')
[ "$difference" = 0 ] || fail "balances and history differ by $difference"
mariadb -N -e 'CHECK TABLE bank.accounts, bank.history EXTENDED' | grep -v 'OK$' && fail 'a check fails'
if grep -E '\[ERROR\]' /load/server.log; then exit 1; fi
case " $* " in
  *" --innodb-use-native-aio=0 "*) ;;
  # Its maps are for CAP_SYS_PTRACE alone, since it has changed its user.
  *) grep -q 'InnoDB: Using io_uring' /load/server.log || fail 'it has no io_uring' ;;
esac
