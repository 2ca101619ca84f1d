"""A client of the native API of `km serve`, and one for an event loop.

Both are independent of LiteLLM. No error contains a value, a token, or a body of an unknown form.
"""

import asyncio
from typing import Any

import httpx

from .protocol import (
    TIMEOUT_SECONDS,
    UNAUTHORIZED,
    Connection,
    KmError,
    Secret,
    document_of,
    encode,
    headers_of,
    secret_of,
    secret_path,
    unreachable,
)

Document = dict[str, Any]

# A team's `secret_manager_settings`.
Team = dict[str, Any] | None

# The time limit of a request in seconds; None for the default.
Timeout = float | httpx.Timeout | None


class KmClient(Connection):
    """A `km serve` at `unix:/path/of.sock` or `http://127.0.0.1:8210`.

    With a token file, the token is read again if `km serve` rejects it. All methods are thread-safe
    and raise `KmError`.
    """

    def __init__(
        self, address: str, token: str | None = None, token_file: str | None = None
    ) -> None:
        super().__init__(address, token, token_file)
        transport = httpx.HTTPTransport(uds=self._socket)
        self._client = httpx.Client(transport=transport, **self._options())

    def read(
        self,
        name: str,
        unless_version: int | None = None,
        refresh: bool = False,
        timeout: Timeout = None,
    ) -> Secret | None:
        """Returns a provider secret as a `Secret`, or None if there is none of that name.

        With `unless_version`, `km serve` reads it from Vault first, unless it has another version by
        now; with `refresh`, always.
        """
        path = secret_path(name, unless_version, refresh)
        try:
            return secret_of(self._request("GET", path, timeout=timeout))
        except KmError as error:
            if error.kind == "not_found":
                return None
            raise

    def secret(self, name: str, timeout: Timeout = None) -> str | None:
        """Returns the value of a provider secret, or None if there is none of that name."""
        secret = self.read(name, timeout=timeout)
        return None if secret is None else secret.value

    def store(
        self,
        alias: str,
        value: str,
        description: str | None = None,
        team: Team = None,
        timeout: Timeout = None,
    ) -> Document:
        """Stores a virtual key. Returns `{"path", "version"}`, or `{"skipped": True}`."""
        body = {"alias": alias, "value": value, "description": description}
        return self._request("POST", "/km/v1/keys", body, team, timeout)

    def rotate(
        self,
        alias: str,
        value: str,
        to: str | None = None,
        team: Team = None,
        timeout: Timeout = None,
    ) -> Document:
        """Replaces the value of a virtual key, and its alias if `to` is given."""
        path = f"/km/v1/keys/{encode(alias)}/rotate"
        return self._request("POST", path, {"value": value, "to": to}, team, timeout)

    def rename(
        self, alias: str, to: str, team: Team = None, timeout: Timeout = None
    ) -> Document:
        """Changes the alias of a virtual key. Its value is not sent to this process."""
        return self._request("POST", f"/km/v1/keys/{encode(alias)}/rename", {"to": to}, team, timeout)

    def delete(self, alias: str, team: Team = None, timeout: Timeout = None) -> Document:
        """Deletes the latest version of a virtual key."""
        return self._request("DELETE", f"/km/v1/keys/{encode(alias)}", {}, team, timeout)

    def _request(
        self,
        method: str,
        path: str,
        body: Document | None = None,
        team: Team = None,
        timeout: Timeout = None,
    ) -> Document:
        if body is not None:
            body = {name: value for name, value in body.items() if value is not None}
            # Passed on unchanged, because km interprets them.
            body |= {} if team is None else {"team_settings": team}
        token = self._token
        response = self._send(method, path, body, timeout, token)
        if response.status_code == UNAUTHORIZED and self._reload_token(token):
            response = self._send(method, path, body, timeout, self._token)
        return document_of(response)

    def _send(
        self,
        method: str,
        path: str,
        body: Document | None,
        timeout: Timeout,
        token: str | None,
    ) -> httpx.Response:
        timeout = timeout if timeout is not None else TIMEOUT_SECONDS
        try:
            return self._client.request(
                method, path, json=body, timeout=timeout, headers=headers_of(token)
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise unreachable(error) from None


class AsyncKmClient(Connection):
    """Like `KmClient`, but reads provider secrets without blocking an event loop.

    Connections are reused. They belong to one event loop; a call from another loop opens new ones.
    """

    def __init__(
        self, address: str, token: str | None = None, token_file: str | None = None
    ) -> None:
        super().__init__(address, token, token_file)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: httpx.AsyncClient | None = None

    async def read(
        self,
        name: str,
        unless_version: int | None = None,
        refresh: bool = False,
        timeout: Timeout = None,
    ) -> Secret | None:
        """Like `KmClient.read`."""
        path = secret_path(name, unless_version, refresh)
        token = self._token
        response = await self._send(path, timeout, token)
        if response.status_code == UNAUTHORIZED:
            if await asyncio.to_thread(self._reload_token, token):
                response = await self._send(path, timeout, self._token)
        try:
            return secret_of(document_of(response))
        except KmError as error:
            if error.kind == "not_found":
                return None
            raise

    async def _send(self, path: str, timeout: Timeout, token: str | None) -> httpx.Response:
        timeout = timeout if timeout is not None else TIMEOUT_SECONDS
        try:
            return await self._on_this_loop().get(path, timeout=timeout, headers=headers_of(token))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise unreachable(error) from None

    def _on_this_loop(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            transport = httpx.AsyncHTTPTransport(uds=self._socket)
            self._client = httpx.AsyncClient(transport=transport, **self._options())
            self._loop = loop
        return self._client
