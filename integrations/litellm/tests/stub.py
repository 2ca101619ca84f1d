"""A stub of the native API of `km serve`. It records requests and returns prepared responses, or
secrets."""

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote, urlsplit


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A response is written at once.
    wbufsize = -1

    def setup(self):
        self.server.connections += 1
        super().setup()

    def respond(self):
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.requests.append((self.command, self.path, body))
        self.server.tokens.append(self.headers.get("X-Vault-Token"))
        if self.server.responses:
            status, text = self.server.responses.pop(0)
        else:
            status, text = self.secret()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def secret(self):
        """Returns the secret of this name, or 404."""
        url = urlsplit(self.path)
        name = unquote(url.path.removeprefix("/km/v1/secrets/"))
        if name not in self.server.secrets:
            return 404, b'{"error": {"kind": "not_found", "message": "no"}}'
        cached = self.server.cached.get(name)
        if cached and url.query == f"unless_version={cached[1]}":
            del self.server.cached[name]
            cached = None
        value, version = cached or self.server.secrets[name]
        document = {"value": value, "version": version, "age_seconds": 0, "stale": False}
        return 200, json.dumps(document).encode()

    do_GET = do_POST = do_DELETE = respond

    def log_message(self, *words):
        pass

    def address_string(self):
        return "client"


class Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True


class Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class Stub:
    """A context manager that listens at `address`."""

    def __init__(self, socket=None):
        self.server = Unix(socket, Handler) if socket else Tcp(("127.0.0.1", 0), Handler)
        at = self.server.server_address
        self.address = f"unix:{socket}" if socket else f"http://127.0.0.1:{at[1]}"
        self.requests = self.server.requests = []
        self.tokens = self.server.tokens = []
        self.server.responses = []
        self.server.connections = 0
        # The value and the version by name, for requests without a prepared response.
        self.secrets = self.server.secrets = {}
        # The same in the cache, until a request with `unless_version` names its version.
        self.cached = self.server.cached = {}

    def connections(self):
        """Returns the number of connections so far."""
        return self.server.connections

    def responds(self, document, status=200):
        """Prepares the next response. Text is sent unchanged."""
        text = document if isinstance(document, str) else json.dumps(document)
        self.server.responses.append((status, text.encode()))

    def responds_with_error(self, status, kind, message="no", hint="look"):
        self.responds({"error": {"kind": kind, "message": message, "hint": hint}}, status)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *raised):
        self.server.shutdown()
        self.server.server_close()
