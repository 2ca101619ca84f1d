"""Calls hvac for the interop suite.

Reads one JSON request per line from stdin, calls hvac, and writes one JSON response per line to stdout:
`{"answer": ...}` with the result, or `{"raised": "...", "text": "..."}` with the name and the text of
the exception. It makes no decisions.

A request has the client's arguments (`client`), a method of the client (`call`, such as
`secrets.kv.v2.list_secrets`), and its arguments. The result of a response without a body is its status.
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
            result = {"answer": answer(json.loads(line))}
        except Exception as error:
            result = {"raised": type(error).__name__, "text": str(error)}
        print(json.dumps(result), flush=True)


main()
