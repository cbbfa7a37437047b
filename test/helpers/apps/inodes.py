# SPDX-License-Identifier: Apache-2.0
"""
Programs that remember inode numbers: SQLite with a rollback journal and with a write-ahead log, and an inotify watch.

Uses files that it makes, and keeps open, again and again. After each round it writes to /load/status, in JSON: who it is
(the id of the clone, or an empty text), and what came of each use: `ok`, or the error. With a second connection, made for each
use, it tells whether opening anew helps.
"""

import ctypes
import json
import os
import sqlite3
import struct
import time

IN_MODIFY = 2
IN_NONBLOCK = os.O_NONBLOCK


def connect(name, mode):
    connection = sqlite3.connect(name, isolation_level=None)
    connection.execute(f"PRAGMA journal_mode={mode}")
    connection.execute("CREATE TABLE IF NOT EXISTS t(x)")
    return connection


def use(connection):
    try:
        connection.execute("INSERT INTO t VALUES (1)")
        (problem,) = connection.execute("PRAGMA integrity_check").fetchone()
        return problem
    except sqlite3.Error as error:
        return f"{error.sqlite_errorname}: {error}" if hasattr(error, "sqlite_errorname") else str(error)


def use_anew(name, mode):
    connection = connect(name, mode)
    try:
        return use(connection)
    finally:
        connection.close()


def who():
    try:
        with open("/run/mvas/clone.json", encoding="utf-8") as file:
            return json.load(file)["id"]
    except FileNotFoundError:
        return ""


libc = ctypes.CDLL(None, use_errno=True)
os.makedirs("/load", exist_ok=True)
os.chdir("/load")
journal = connect("journal.db", "DELETE")
log = connect("log.db", "WAL")
with open("watched", "w", encoding="utf-8"):
    pass
inotify = libc.inotify_init1(IN_NONBLOCK)
watch = libc.inotify_add_watch(inotify, b"watched", IN_MODIFY)


def use_watch():
    with open("watched", "a", encoding="utf-8") as file:
        file.write("x")
    try:
        found, mask = struct.unpack_from("iI", os.read(inotify, 4096))
    except BlockingIOError:
        return "no event"
    return "ok" if (found, mask) == (watch, IN_MODIFY) else f"event {mask:#x} of watch {found}"


before = ""
while True:
    clone = who()
    # The first round of a clone may have begun in its parent.
    begins, before = clone != before, clone
    status = {
        "who": clone,
        "journal": use(journal),
        "log": use(log),
        "watch": use_watch(),
        "journal anew": use_anew("journal.db", "DELETE"),
        "log anew": use_anew("log.db", "WAL"),
        "inode": os.stat("journal.db").st_ino,
    }
    if not begins:
        with open("status.new", "w", encoding="utf-8") as file:
            json.dump(status, file)
        os.rename("status.new", "status")
    time.sleep(0.05)
