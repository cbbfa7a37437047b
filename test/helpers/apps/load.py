# SPDX-License-Identifier: Apache-2.0
"""What loads in Python share; run.sh describes them."""

import os
import sys
import threading


def is_over():
    """Whether the load is to end."""
    return os.path.exists("/load/stop")


def step():
    """Tells that the load goes on."""
    with open("/load/steps", "ab") as steps:
        steps.write(b".")


def check(is_right, what):
    """Ends this process if something is wrong."""
    if not is_right:
        print("wrong:", what, file=sys.stderr, flush=True)
        os._exit(1)


def run_threads(work, count):
    """Runs work(number) in threads, and waits for them. An exception in one ends this process."""

    def guarded(number):
        try:
            work(number)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            sys.stderr.flush()
            os._exit(1)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
