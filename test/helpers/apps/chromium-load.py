# SPDX-License-Identifier: Apache-2.0
"""A client of headless Chromium, with an open DevTools connection to a page whose script runs."""

import json
import subprocess
import urllib.error
import urllib.request

import websocket

from load import check, is_over, step

PORT = 9222
IN_FLIGHT = 10
BROWSER = [
    *["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--remote-debugging-port={PORT}"],
    *["--user-data-dir=/load/profile", "--remote-allow-origins=*", "file:///app/page.html"],
]


def page():
    """The address of the page, once the browser answers."""
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/json") as answer:
        pages = [target for target in json.load(answer) if target["type"] == "page"]
        return pages[0]["webSocketDebuggerUrl"] if pages else None


def find(browser):
    while True:
        check(browser.poll() is None, "the browser runs")
        try:
            if address := page():
                return address
        except (urllib.error.URLError, ConnectionError):
            pass


def ask(devtools, number, expression):
    parameters = {"expression": expression, "awaitPromise": True, "returnByValue": True}
    devtools.send(json.dumps({"id": number, "method": "Runtime.evaluate", "params": parameters}))


def answer_to(devtools, number):
    answer = json.loads(devtools.recv())
    check(answer.get("id") == number, f"the order of answers: {number}, {answer}")
    value = answer["result"]["result"].get("value")
    check(value is not None, f"the answer to {number}: {answer}")
    return value


def main():
    browser = subprocess.Popen(BROWSER)
    devtools = websocket.create_connection(find(browser), timeout=120)
    ask(devtools, 0, "typeof ask")
    while answer_to(devtools, 0) != "function":
        ask(devtools, 0, "typeof ask")
    sent = answered = ticks = 0
    while answered < sent or not is_over():
        while sent < answered + IN_FLIGHT and not is_over():
            sent += 1
            ask(devtools, sent, "ask()")
        if answered < sent:
            answered += 1
            value = answer_to(devtools, answered)
            check(value["asked"] == answered, f"the count of the page: {answered}, {value}")
            check(value["ticks"] >= ticks, f"the timer of the page: {ticks}, {value}")
            check(value["sum"] == 1000 * answered, f"the worker: {answered}, {value}")
            ticks = value["ticks"]
        if answered % 50 == 0:
            step()
    check(page() is not None, "the browser answers")
    browser.terminate()
    browser.wait(60)


main()
