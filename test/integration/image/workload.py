#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A process tree with one of each: threads, a child, unread data, a deleted file, an epoll file.

Usage: workload.py FOLDER. Makes FOLDER/ready when all is there, then sleeps.
"""

import mmap
import os
import select
import socket
import sys
import threading
import time

folder = sys.argv[1]
reading, writing = os.pipe()
os.write(writing, b"hello")
left, right = socket.socketpair()
left.send(b"x")
shared = mmap.mmap(-1, 8192)
shared.write(b"q" * 100)
ghost = open(os.path.join(folder, "ghost"), "w+")
ghost.write("deleted")
ghost.flush()
os.unlink(ghost.name)
poll = select.epoll()
poll.register(reading)
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
if os.fork() != 0:
    open(os.path.join(folder, "ready"), "w").close()
time.sleep(1000)
