#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# PID 1 of a container with a program under load. Runs the load, which
#
#   appends a byte to /load/steps from time to time,
#   ends once there is a file /load/stop, with 0 if all was right,
#
# and then writes `ok`, or the end of what the load has printed, to /load/verdict.
#
#   run.sh LOAD [ARGUMENT ...]
mkdir /load
: >/load/steps
if "$@" >/load/log 2>&1; then
  echo ok >/load/new
else
  { echo "failed"; tail -c 3000 /load/log; } >/load/new
fi
mv /load/new /load/verdict
exec sleep infinity
