"""The own door of `km serve`: one request, and an answer or an error.

It knows nothing of LiteLLM. No error of it holds a value, a token or a body that it doesn't know.
"""

import ipaddress
import logging
import os
import stat
from urllib.parse import quote

import httpx

log = logging.getLogger("km_litellm")

UNIX = "unix:"

# km serve has no larger one.
MAX_TOKEN_FILE_CHARACTERS = 4096

UNAUTHORIZED = 401

# km serve answers within 10 s whatever happens, and says what became of it.
TIMEOUT_SECONDS = 15.0


class KmError(Exception):
    """What `km serve` refused or could not do, or why it can't be asked.

    `kind` is one of its kinds (`usage`, `settings`, `auth`, `unavailable`, `denied`, `not_found`,
    `conflict`, `stored_value`, `internal`).
    """

    def __init__(self, kind, message, hint=""):
        text = f"{message} ({kind}; hint: {hint})" if hint else f"{message} ({kind})"
        super().__init__(printable(text))
        self.kind = kind


class Door:
    """A `km serve` at `unix:/path/of.sock` or `http://127.0.0.1:8210`.

    With a token file, the token is read again when `km serve` rejects it. The methods may be called
    from any thread. Each raises `KmError`.
    """

    def __init__(self, address, token=None, token_file=None):
        base_url, socket = parsed(address)
        self._token_file = token_file
        self._token = token_of(token_file) if token_file else token
        self._client = httpx.Client(
            base_url=base_url,
            transport=httpx.HTTPTransport(uds=socket),
            timeout=TIMEOUT_SECONDS,
            # No proxy of the environment: the secrets stay on this machine.
            trust_env=False,
            follow_redirects=False,
        )

    @classmethod
    def from_environment(cls, environment=os.environ):
        """The door of `KM_SERVE_ADDR` and `KM_SERVE_TOKEN_FILE`; without them, where `km serve`
        listens without options."""
        address = environment.get("KM_SERVE_ADDR")
        if not address:
            directory = environment.get("XDG_RUNTIME_DIR")
            if not directory:
                hint = "set it to the --listen of km serve, as in unix:/run/km.sock"
                raise KmError("settings", "neither KM_SERVE_ADDR nor XDG_RUNTIME_DIR is set", hint)
            address = f"{UNIX}{directory}/km.sock"
        return cls(address, token_file=environment.get("KM_SERVE_TOKEN_FILE"))

    def secret(self, name, timeout=None):
        """The value of a provider secret, or None when there is none of that name."""
        try:
            answer = self._ask("GET", f"/km/v1/secrets/{encoded(name)}", timeout=timeout)
        except KmError as error:
            if error.kind == "not_found":
                return None
            raise
        value = answer.get("value")
        if not isinstance(value, str):
            raise malformed()
        return value

    def store(self, alias, value, description=None, team=None, timeout=None):
        """Stores a virtual key; answers `{"path", "version"}`, or `{"skipped": True}`."""
        body = {"alias": alias, "value": value, "description": description}
        return self._ask("POST", "/km/v1/keys", body, team, timeout)

    def rotate(self, alias, value, to=None, team=None, timeout=None):
        """Gives a virtual key a new value, and a new alias if there is one."""
        path = f"/km/v1/keys/{encoded(alias)}/rotate"
        return self._ask("POST", path, {"value": value, "to": to}, team, timeout)

    def rename(self, alias, to, team=None, timeout=None):
        """Gives a virtual key a new alias; its value doesn't leave the server."""
        return self._ask("POST", f"/km/v1/keys/{encoded(alias)}/rename", {"to": to}, team, timeout)

    def delete(self, alias, team=None, timeout=None):
        """Deletes the latest version of a virtual key."""
        return self._ask("DELETE", f"/km/v1/keys/{encoded(alias)}", {}, team, timeout)

    def _ask(self, method, path, body=None, team=None, timeout=None):
        if body is not None:
            body = {name: given for name, given in body.items() if given is not None}
            # They go there as LiteLLM has them: what they mean, km decides.
            body |= {} if team is None else {"team_settings": team}
        token = self._token
        answer = self._send(method, path, body, timeout, token)
        if answer.status_code == UNAUTHORIZED and self._read_token_again(token):
            answer = self._send(method, path, body, timeout, self._token)
        return answered(answer)

    def _send(self, method, path, body, timeout, token):
        headers = {} if token is None else {"X-Vault-Token": token}
        timeout = timeout if timeout is not None else TIMEOUT_SECONDS
        try:
            return self._client.request(method, path, json=body, timeout=timeout, headers=headers)
        except httpx.ConnectError as error:
            raise KmError("unavailable", f"km serve can't be reached: {error}") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # The words of some hold what was sent.
            what = f"the exchange with km serve failed: {type(error).__name__}"
            raise KmError("unavailable", what) from None

    def _read_token_again(self, rejected):
        """Reads the token file again. Returns whether there is another token than the rejected one."""
        if self._token_file:
            self._token = token_of(self._token_file)
        return self._token != rejected


def parsed(address):
    """The base URL and the socket of an address. No other machine can be at its end."""
    if address.startswith(UNIX):
        return "http://km", address.removeprefix(UNIX)
    try:
        url = httpx.URL(address)
        is_ours = url.scheme == "http" and not url.userinfo and url.raw_path in (b"", b"/")
        if is_ours and is_loopback(url.host):
            return url, None
    except httpx.InvalidURL:
        pass
    what = "KM_SERVE_ADDR is neither unix:PATH nor http:// with a loopback address"
    raise KmError("settings", what, "name the --listen address of km serve on this machine")


def is_loopback(host):
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def printable(text):
    """The text on one line, with escapes for characters that are invisible or act on a terminal."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def answered(answer):
    """The document of an answer."""
    try:
        document = answer.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise malformed(answer.status_code)
    if answer.is_success:
        return document
    error = document.get("error")
    if not isinstance(error, dict) or not all(isinstance(text, str) for text in error.values()):
        raise malformed(answer.status_code)
    kind, message = error.get("kind", "internal"), error.get("message", "no reason is given")
    raise KmError(kind, message, error.get("hint", ""))


def malformed(status=200):
    what = f"the answer, with status {status}, is not one of km serve"
    return KmError("unavailable", what, "is it km serve that listens there?")


def encoded(name):
    """A name as one segment of a path."""
    if name in ("", ".", ".."):
        raise KmError("usage", f"{name!r} is no name")
    try:
        return quote(name, safe="")
    except UnicodeEncodeError:
        raise KmError("usage", "the name is no text") from None


def opened(path, flags):
    """Opens a file without blocking, so that a FIFO is an error and not a hang."""
    return os.open(path, flags | os.O_NONBLOCK)


def token_of(file):
    """The token in a file, without one trailing line ending."""
    try:
        with open(file, encoding="ascii", opener=opened) as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise KmError("settings", f"KM_SERVE_TOKEN_FILE {file} is not a regular file")
            token = stream.read(MAX_TOKEN_FILE_CHARACTERS)
        if mode & stat.S_IROTH:
            log.warning("km: KM_SERVE_TOKEN_FILE %s is readable by every user", file)
    except (OSError, ValueError) as error:
        what = f"KM_SERVE_TOKEN_FILE {file} can't be read: {type(error).__name__}"
        raise KmError("settings", what) from None
    token = token.removesuffix("\n").removesuffix("\r")
    if not token or not token.isprintable():
        raise KmError("settings", f"KM_SERVE_TOKEN_FILE {file} holds no token")
    return token
