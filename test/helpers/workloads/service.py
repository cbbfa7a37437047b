# SPDX-License-Identifier: Apache-2.0
"""Runs inside a container: threads, subprocesses and pipes, and an HTTP answer that tells of them."""

import json
import socket
import subprocess
import sys
import threading
import time
import uuid


def child():
    """A subprocess: adds each number it reads to a sum that only its memory knows."""
    total = 0
    for line in sys.stdin:
        total += int(line)
        print(total, flush=True)


class Counter(threading.Thread):
    """A thread that counts."""

    def __init__(self, pause):
        super().__init__(daemon=True)
        self.pause = pause
        self.count = 0

    def run(self):
        while True:
            self.count += 1
            time.sleep(self.pause)


class Adder:
    """A subprocess on a pair of pipes."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, "child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def add(self, number):
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


def main():
    birth = str(uuid.uuid4())
    threads = [Counter(0.01), Counter(0.015)]
    for thread in threads:
        thread.start()
    adders = [Adder(), Adder()]
    server = socket.create_server(("127.0.0.1", 8080))
    while True:
        peer, _ = server.accept()
        with peer:
            peer.recv(65536)
            progress = {f"child{i}": a.add(i + 1) for i, a in enumerate(adders)}
            progress.update({f"thread{i}": t.count for i, t in enumerate(threads)})
            fixed = {f"pid{i}": a.process.pid for i, a in enumerate(adders)}
            body = json.dumps({"birth": birth, "progress": progress, "fixed": fixed})
            peer.sendall(f"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}".encode())


if sys.argv[1:] == ["child"]:
    child()
else:
    main()
