"""The native API of `km serve`: addresses, tokens, names, responses and errors.

It is shared by the two clients and independent of LiteLLM. No error contains a value, a token, or a body
of an unknown form.
"""

import ipaddress
import logging
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

log = logging.getLogger("km_litellm")

C = TypeVar("C", bound="Connection")

UNIX = "unix:"

# The largest token file that km serve accepts.
MAX_TOKEN_FILE_CHARACTERS = 4096

UNAUTHORIZED = 401

# Longer than the 10 s within which km serve always responds.
TIMEOUT_SECONDS = 15.0


class KmError(Exception):
    """An error of `km serve`, or the reason why it cannot be reached.

    `kind` is one of its error kinds (`usage`, `settings`, `auth`, `unavailable`, `denied`, `not_found`,
    `conflict`, `stored_value`, `internal`).
    """

    def __init__(self, kind: str, message: str, hint: str = "") -> None:
        text = f"{message} ({kind}; hint: {hint})" if hint else f"{message} ({kind})"
        super().__init__(printable(text))
        self.kind = kind


@dataclass(frozen=True)
class Secret:
    """A provider secret.

    `version` is None for a value of the sidecar's environment. `stale` means that Vault could not be
    asked about a value that is past its refresh interval.
    """

    value: str = field(repr=False)
    version: int | None = None
    stale: bool = False


class Connection:
    """The address and the token of a `km serve`. The base class of both clients."""

    def __init__(
        self, address: str, token: str | None = None, token_file: str | None = None
    ) -> None:
        self._base_url, self._socket = parse_address(address)
        self._token_file = token_file
        self._token = read_token(token_file) if token_file else token

    @classmethod
    def from_environment(cls: type[C], environment: Mapping[str, str] = os.environ) -> C:
        """Returns the client for `KM_SERVE_ADDR` and `KM_SERVE_TOKEN_FILE`, by default for the socket on
        which `km serve` listens without options."""
        address = environment.get("KM_SERVE_ADDR")
        if not address:
            directory = environment.get("XDG_RUNTIME_DIR")
            if not directory:
                hint = "set it to the --listen of km serve, as in unix:/run/km.sock"
                raise KmError("settings", "neither KM_SERVE_ADDR nor XDG_RUNTIME_DIR is set", hint)
            address = f"{UNIX}{directory}/km.sock"
        return cls(address, token_file=environment.get("KM_SERVE_TOKEN_FILE"))

    def _options(self) -> dict[str, Any]:
        """Returns the options of httpx that both clients use."""
        return {
            "base_url": self._base_url,
            "timeout": TIMEOUT_SECONDS,
            # No proxy from the environment, because secrets must not leave this machine.
            "trust_env": False,
            "follow_redirects": False,
        }

    def _reload_token(self, rejected: str | None) -> bool:
        """Reads the token file again. Returns whether the token differs from the rejected one."""
        if self._token_file:
            self._token = read_token(self._token_file)
        return self._token != rejected


def secret_path(name: str, unless_version: int | None = None, refresh: bool = False) -> str:
    """Returns the path of a secret. With `unless_version`, it is read from Vault if that version is the
    cached one; with `refresh`, always."""
    path = f"/km/v1/secrets/{encode(name)}"
    if unless_version is not None:
        return f"{path}?unless_version={unless_version:d}"
    return f"{path}?refresh=true" if refresh else path


def secret_of(document: dict[str, Any]) -> Secret:
    """Returns the secret in a response."""
    value, version = document.get("value"), document.get("version")
    if not isinstance(value, str) or not isinstance(version, int | None):
        raise malformed()
    if "refresh_error" in document:
        # Its value is the older one.
        error = document["refresh_error"]
        kind = error.get("kind") if isinstance(error, dict) else None
        log.warning("km: a refresh failed, and the older value remains: %s", printable(f"{kind}"))
    return Secret(value, version, document.get("stale") is True)


def headers_of(token: str | None) -> dict[str, str]:
    return {} if token is None else {"X-Vault-Token": token}


def unreachable(error: Exception) -> KmError:
    """Returns the error for an exception of httpx."""
    if isinstance(error, httpx.ConnectError):
        return KmError("unavailable", f"cannot connect to km serve: {error}")
    # The messages of some exceptions contain what was sent.
    return KmError("unavailable", f"request to km serve failed: {type(error).__name__}")


def parse_address(address: str) -> tuple[httpx.URL | str, str | None]:
    """Returns the base URL and the socket of an address, which must be on this machine."""
    if address.startswith(UNIX):
        return "http://km", address.removeprefix(UNIX)
    try:
        url = httpx.URL(address)
        is_valid = url.scheme == "http" and not url.userinfo and url.raw_path in (b"", b"/")
        if is_valid and is_loopback(url.host):
            return url, None
    except httpx.InvalidURL:
        pass
    what = "KM_SERVE_ADDR is neither unix:PATH nor http:// with a loopback address"
    raise KmError("settings", what, "set it to the --listen address of km serve on this machine")


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def printable(text: str) -> str:
    """Returns the text on one line, with escapes for invisible and control characters."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def document_of(response: httpx.Response) -> dict[str, Any]:
    """Returns the document of a response, or raises its error."""
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise malformed(response.status_code)
    if response.is_success:
        return document
    error = document.get("error")
    if not isinstance(error, dict) or not all(isinstance(text, str) for text in error.values()):
        raise malformed(response.status_code)
    kind, message = error.get("kind", "internal"), error.get("message", "no message")
    raise KmError(kind, message, error.get("hint", ""))


def malformed(status: int = 200) -> KmError:
    what = f"the response, with status {status}, is not one of km serve"
    return KmError("unavailable", what, "check that km serve listens on KM_SERVE_ADDR")


def encode(name: str) -> str:
    """Returns a name as one segment of a path."""
    if name in ("", ".", ".."):
        raise KmError("usage", f"{name!r} is not a valid name")
    try:
        return quote(name, safe="")
    except UnicodeEncodeError:
        raise KmError("usage", "the name is not valid text") from None


def open_nonblocking(path: str, flags: int) -> int:
    """Opens a file without blocking, so that a FIFO causes an error."""
    return os.open(path, flags | os.O_NONBLOCK)


def read_token(file: str) -> str:
    """Returns the token in a file, without one trailing newline."""
    try:
        with open(file, encoding="ascii", opener=open_nonblocking) as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise KmError("settings", f"KM_SERVE_TOKEN_FILE {file} is not a regular file")
            token = stream.read(MAX_TOKEN_FILE_CHARACTERS)
        if mode & stat.S_IROTH:
            log.warning("km: KM_SERVE_TOKEN_FILE %s is readable by every user", file)
    except (OSError, ValueError) as error:
        what = f"KM_SERVE_TOKEN_FILE {file} cannot be read: {type(error).__name__}"
        raise KmError("settings", what) from None
    token = token.removesuffix("\n").removesuffix("\r")
    if not token or not token.isprintable():
        raise KmError("settings", f"KM_SERVE_TOKEN_FILE {file} contains no token")
    return token
