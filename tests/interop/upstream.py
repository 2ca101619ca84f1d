"""A model provider for the guides, which accepts a set of keys.

Prints its port to stdout, and ends when stdin is closed. The first key is in `UPSTREAM_KEY`. `POST /v1/keys`
creates a key, and `DELETE /v1/keys` revokes the one that it is sent with.
"""

import json
import os
import secrets
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEYS = {os.environ["UPSTREAM_KEY"]}
MESSAGE = {"role": "assistant", "content": "Hello!"}
ANSWER = {
    "id": "one",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o",
    "choices": [{"index": 0, "finish_reason": "stop", "message": MESSAGE}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
UNKNOWN = {"error": {"message": "unknown key"}}


class Handler(BaseHTTPRequestHandler):
    def key(self):
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ")

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/v1/keys":
            created = f"sk-{secrets.token_hex(16)}"
            KEYS.add(created)
            self.answer(200, {"value": created})
        else:
            self.do_GET()

    def do_GET(self):
        is_known = self.key() in KEYS
        self.answer(200 if is_known else 401, ANSWER if is_known else UNKNOWN)

    def do_DELETE(self):
        KEYS.discard(self.key())
        # A key that is revoked already is not an error.
        self.answer(200 if self.key() else 401, {})

    def answer(self, status, document):
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *words):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
