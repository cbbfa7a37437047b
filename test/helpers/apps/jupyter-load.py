# SPDX-License-Identifier: Apache-2.0
"""A client of a Jupyter kernel, which `jupyter` has started. Many requests are always in flight; each counts once."""

import os
import subprocess

from jupyter_client import BlockingKernelClient

from load import check, is_over, step

IN_FLIGHT = 20
CELL = "n += 1; print(n, len(blob), flush=True); print(n)"
FILE = "/load/kernel.json"
# SQLite does not write to a database whose inode has another number than at first, as in a copied root filesystem.
CONFIG = 'c.HistoryManager.hist_file = ":memory:"\n'


def collect(client, message, number):
    """Receives what belongs to one request: its reply, and what it has printed."""
    reply = client.get_shell_msg(timeout=120)
    check(reply["parent_header"]["msg_id"] == message, f"the order of replies: {number}")
    check(reply["content"]["status"] == "ok", f"the reply to {number}: {reply['content']}")
    seen = []
    while True:
        heard = client.get_iopub_msg(timeout=120)
        check(heard["parent_header"]["msg_id"] == message, f"the order of outputs: {number}")
        kind, body = heard["msg_type"], heard["content"]
        if kind == "stream":
            seen.append(body["text"])
        elif kind == "status" and body["execution_state"] == "idle":
            break
    check("".join(seen) == f"{number} 100000\n{number}\n", f"the outputs of {number}: {seen}")


def main():
    profile = os.path.expanduser("~/.ipython/profile_default")
    os.makedirs(profile)
    with open(f"{profile}/ipython_kernel_config.py", "w", encoding="ascii") as config:
        config.write(CONFIG)
    kernel = subprocess.Popen(["jupyter", "kernel", f"--KernelManager.connection_file={FILE}"])
    client = BlockingKernelClient()
    while True:
        try:
            client.load_connection_file(FILE)
            break
        except (FileNotFoundError, ValueError):
            check(kernel.poll() is None, "the kernel runs")
    client.start_channels()
    while True:
        try:
            client.wait_for_ready(timeout=120)
            break
        except RuntimeError:  # Its heart may not beat yet.
            check(kernel.poll() is None, "the kernel runs")
    client.execute_interactive("n = 0; blob = 'x' * 100000", timeout=120)
    sent, number = [], 0
    while sent or not is_over():
        while len(sent) < IN_FLIGHT and not is_over():
            sent.append(client.execute(CELL))
        if sent:
            number += 1
            collect(client, sent.pop(0), number)
        if number % 50 == 0:
            step()
    check(client.is_alive(), "the heartbeat")
    client.stop_channels()
    kernel.terminate()
    kernel.wait(60)


main()
