#!/usr/bin/env python3
"""Prints the responses of Vault and OpenBao to the same requests, side by side.

    tests/probe/probe.py --vault PATH --openbao PATH [GROUP...]

It starts its own servers on loopback addresses and removes them. Tokens, identifiers and times are
masked. `docs/openbao.md` is written from its output, and the tables of tests in
`crates/vault-http/src/error/classify.rs` contain the responses that it printed.
"""

import argparse
import json
import os
import re
import signal
import sys

from groups import GROUPS
from server import ProbeError

MASKS = [
    (re.compile(r"http://127\.0\.0\.1:\d+"), "ADDRESS"),
    (re.compile(r"https://127\.0\.0\.1:\d+"), "CLUSTER"),
    (re.compile(r"\b(hvs|hvb|s|b)\.[A-Za-z0-9_-]{20,}"), "TOKEN"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(Z|[+-]\d\d:\d\d)"), "TIME"),
]
SECRET_MEMBERS = {
    "accessor",
    "client_id",
    "client_token",
    "cluster_id",
    "id",
    "key_shares",
    "secret_id",
    "secret_id_accessor",
    "token",
    "unlock_key",
    "wrapped_accessor",
}
UNIMPORTANT_MEMBERS = {
    "cluster_name",
    "creation_time",
    "echo_duration_ms",
    "entity_id",
    "lease_duration",
    "raft_applied_index",
    "raft_committed_index",
    "renewable",
    "request_id",
    "server_time_utc",
}
WIDTH = 600


def masked(value):
    """Returns the JSON without secrets and without what differs in each run."""
    if isinstance(value, dict):
        kept = {name: item for name, item in value.items() if name not in UNIMPORTANT_MEMBERS}
        return {
            name: "MASKED" if name in SECRET_MEMBERS and item else masked(item)
            for name, item in kept.items()
            if item is not None and item != ""
        }
    if isinstance(value, list):
        return [masked(item) for item in value]
    return value


def shown(response):
    """Returns a response as one line of text."""
    if isinstance(response, str):
        return response
    try:
        body = json.dumps(masked(json.loads(response.text)), separators=(",", ":"))
    except json.JSONDecodeError:
        body = response.text.strip() or "(empty)"
    headers = "".join(f" {name}: {value};" for name, value in response.headers.items())
    line = f"{response.status}{headers} {body}"
    for pattern, replacement in MASKS:
        line = pattern.sub(replacement, line)
    return line if len(line) <= WIDTH else f"{line[:WIDTH]}..."


def observed(group, binary):
    """Returns the responses of one server, by situation and request."""
    lines = {}

    def record(situation, request, response):
        lines.setdefault((situation, request), shown(response))

    try:
        group(binary, record)
    except (ProbeError, OSError, KeyError) as error:
        lines[("the probe failed", "")] = f"{type(error).__name__}: {error}"
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vault", default=os.environ.get("PROBE_VAULT"))
    parser.add_argument("--openbao", default=os.environ.get("PROBE_OPENBAO"))
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(GROUPS))
    options = parser.parse_args()
    binaries = {"vault": options.vault, "openbao": options.openbao}
    if not all(binaries.values()):
        parser.error("give --vault PATH and --openbao PATH, or set PROBE_VAULT and PROBE_OPENBAO")
    if unknown := set(options.groups) - set(GROUPS):
        parser.error(f"unknown group {', '.join(unknown)}; the groups are {', '.join(GROUPS)}")
    # Ends the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    failed = False
    for name in options.groups or GROUPS:
        results = {server: observed(GROUPS[name], binary) for server, binary in binaries.items()}
        print(f"\n## {name}", flush=True)
        for key in dict.fromkeys(key for result in results.values() for key in result):
            both = {server: result.get(key, "-") for server, result in results.items()}
            mark = "same" if len(set(both.values())) == 1 else "DIFFERS"
            failed |= key[0] == "the probe failed"
            print(f"\n{key[0]}: {key[1]}  [{mark}]")
            for server, line in both.items():
                print(f"  {server:8}{line}")
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
