"""Drives hvac for the interop suite.

Reads one JSON request a line on stdin, has hvac do it, and writes one JSON answer a line on stdout:
`{"answer": ...}`, what hvac returned, or `{"raised": "...", "text": "..."}`, the name of the exception
and what it says. It decides nothing.

A request names the client's arguments (`client`), a method of the client as a user writes it (`call`,
as in `secrets.kv.v2.list_secrets`), and its arguments. Where hvac returns an answer without a body,
its status is told.
"""

import json
import sys
from functools import reduce

import hvac
import requests


def plain(returned):
    if isinstance(returned, requests.Response):
        return {"status": returned.status_code}
    return returned


def answer(request):
    client = hvac.Client(**request["client"])
    method = reduce(getattr, request["call"].split("."), client)
    return plain(method(**request["arguments"]))


def main():
    for line in sys.stdin:
        try:
            said = {"answer": answer(json.loads(line))}
        except Exception as error:
            said = {"raised": type(error).__name__, "text": str(error)}
        print(json.dumps(said), flush=True)


main()
