# SPDX-License-Identifier: Apache-2.0
"""A service on port 8000 that starts slowly: it imports the modules that its arguments name. It says who answers."""

import importlib
import json
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

for name in sys.argv[1:]:
    importlib.import_module(name)


def who():
    """A clone is told its own name; one that was started cold knows its host's."""
    try:
        with open("/run/mvas/clone.json", encoding="utf-8") as file:
            return json.load(file)["id"]
    except FileNotFoundError:
        return socket.gethostname()


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{who()}\n".encode())

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("", 8000), Answer).serve_forever()
