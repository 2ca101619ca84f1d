"""Servers that the probe starts, and plain requests to them."""

import http.client
import json
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 120
REQUEST_SECONDS = 60
HEADERS = ("Allow", "Location", "Retry-After", "X-Ratelimit-Limit", "X-Ratelimit-Reset")


class ProbeError(Exception):
    """A server did not start, or rejected a request of the setup."""


@dataclass(frozen=True)
class Response:
    """A status, the headers that a client acts on, and the body."""

    status: int
    headers: dict
    text: str

    @property
    def body(self):
        """Returns the body as JSON, or an empty object."""
        try:
            return json.loads(self.text)
        except json.JSONDecodeError:
            return {}

    @property
    def token(self):
        """Returns the token of a login or of a token that was created."""
        return self.body["auth"]["client_token"]


@dataclass
class Node:
    """One server process. Its files are below `directory`."""

    binary: str
    port: int
    directory: Path
    process: subprocess.Popen = None
    root: str = None
    key: str = None

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        """Starts the server and waits until it responds."""
        with open(self.directory / "server.log", "ab") as log:
            command = [self.binary, "server", f"-config={self.directory}/server.json"]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(lambda: self.send("GET", "sys/seal-status").status, "a started server")

    def stop(self, how=signal.SIGKILL):
        """Ends the server."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            self.process.wait()

    def send(self, method, path, body=None, token=None, headers=None):
        """Sends one request. Redirects are not followed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_SECONDS)
        sent = dict(headers or {})
        if token:
            sent["X-Vault-Token"] = token
        payload = None if body is None else json.dumps(body)
        try:
            connection.request(method, f"/v1/{path}", payload, sent)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        shown = {name: response.headers[name] for name in HEADERS if response.headers[name]}
        return Response(response.status, shown, text)

    def must(self, method, path, body=None, token=None, headers=None):
        """Like `send` with the root token, but requires success."""
        response = self.send(method, path, body, token or self.root, headers)
        if response.status >= 300:
            raise ProbeError(f"{method} {path}: {response.status} {response.text}")
        return response

    def initialise(self):
        body = {"secret_shares": 1, "secret_threshold": 1}
        keys = self.must("PUT", "sys/init", body).body
        self.root, self.key = keys["root_token"], keys["keys_base64"][0]

    def unseal(self):
        wait_for(lambda: self.state()["initialized"], "an initialised server")
        self.must("PUT", "sys/unseal", {"key": self.key})
        wait_for(lambda: not self.state()["sealed"], "an unsealed server")

    def state(self):
        return self.send("GET", "sys/seal-status").body

    def is_active(self):
        try:
            return self.send("GET", "sys/health").status == 200
        except OSError:
            return False


def wait_for(condition, what, seconds=START_SECONDS):
    """Waits until the condition holds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise ProbeError(f"timed out waiting for {what}")


def free_ports(count):
    """Returns pairs of free ports: of the API and, one above it, of the cluster."""
    ports = []
    while len(ports) < count:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
        if all(abs(port - other) > 1 for other in ports):
            ports.append(port)
    return ports


class Cluster:
    """One or more nodes with raft storage, which are removed at the end of a `with` block."""

    def __init__(self, binary, size):
        self.root = Path(tempfile.mkdtemp(prefix="km-probe-"))
        ports = free_ports(size)
        self.nodes = []
        for index, port in enumerate(ports):
            directory = self.root / str(index)
            (directory / "raft").mkdir(parents=True)
            node = Node(binary, port, directory)
            config = configuration(node, index, [other for other in ports if other != port])
            (directory / "server.json").write_text(json.dumps(config))
            self.nodes.append(node)

    def __enter__(self):
        try:
            for node in self.nodes:
                node.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            node.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def join(self):
        """Initialises the first node, and unseals all."""
        first = self.nodes[0]
        first.initialise()
        first.unseal()
        wait_for(first.is_active, "an active node")
        first.must(
            "POST",
            "sys/storage/raft/autopilot/configuration",
            {"server_stabilization_time": "1s"},
        )
        for node in self.nodes[1:]:
            node.root, node.key = first.root, first.key
            node.unseal()
        wait_for(lambda: self.voters() == len(self.nodes), "nodes that vote")

    def voters(self):
        path = "sys/storage/raft/configuration"
        servers = self.nodes[0].must("GET", path).body["data"]["config"]["servers"]
        return sum(server["voter"] for server in servers)

    def active(self):
        """Waits for the active node and returns it."""
        found = []
        wait_for(lambda: found.extend(n for n in self.nodes if n.is_active()) or found, "a leader")
        return found[0]


def configuration(node, index, others):
    join = [{"leader_api_addr": f"http://127.0.0.1:{port}"} for port in others]
    listener = {
        "address": f"127.0.0.1:{node.port}",
        "cluster_address": f"127.0.0.1:{node.port + 1}",
        "tls_disable": True,
    }
    raft = {"path": f"{node.directory}/raft", "node_id": f"node-{index}"}
    if join:  # Vault does not accept an empty list.
        raft["retry_join"] = join
    return {
        "storage": {"raft": raft},
        "listener": [{"tcp": listener}],
        "api_addr": node.address,
        "cluster_addr": f"https://127.0.0.1:{node.port + 1}",
        "disable_mlock": True,
    }
