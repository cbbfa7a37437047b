# SPDX-License-Identifier: Apache-2.0
"""Clients of nginx with php-fpm, with connections that they keep. PHP counts each request once."""

import hashlib
import http.client

from load import check, is_over, run_threads, step

CLIENTS = 5  # as many as PHP has processes by default, so that none waits for long
REQUESTS = 50
LARGE = 20 << 20


def get(connection, path):
    connection.request("GET", path)
    answer = connection.getresponse()
    check(answer.status == 200, f"{path}: {answer.status}")
    return answer


def count(number, done):
    """Asks PHP again and again."""
    connection = http.client.HTTPConnection("127.0.0.1", 80)
    while not is_over():
        for _ in range(REQUESTS):
            text = f"{number}-{done[number]}"
            body = get(connection, f"/count.php?n={text}").read()
            check(body == hashlib.sha256(text.encode()).hexdigest().encode() * 1000, text)
            done[number] += 1
        step()


def download(digest):
    """Reads a large file in small parts."""
    while not is_over():
        connection = http.client.HTTPConnection("127.0.0.1", 80)
        answer = get(connection, "/large")
        seen = hashlib.sha256()
        while part := answer.read(8192):
            seen.update(part)
        check(seen.digest() == digest, "the large file")


def main():
    content = hashlib.shake_128(b"large").digest(LARGE)
    with open("/var/www/html/large", "wb") as large:
        large.write(content)
    digest = hashlib.sha256(content).digest()
    done = [0] * CLIENTS
    run_threads(lambda n: count(n, done) if n < CLIENTS else download(digest), CLIENTS + 2)
    with open("/tmp/count", encoding="ascii") as counted:
        check(int(counted.read()) == sum(done), "the number of requests")


main()
