"""The values of the names that attempts use, from `km serve`.

`km serve` is the cache and is asked for each attempt. Only the last value of each name is kept, to know
the version that a provider rejected, and to bridge a time in which `km serve` cannot be asked.
"""

import logging
import time
from collections.abc import Callable
from typing import Protocol

from .protocol import KmError, Secret

log = logging.getLogger("km_litellm")

# How long a value is used while km serve cannot be asked: the default of its KM_MAX_STALE.
MAX_STALE_SECONDS = 3600.0

# How long a name is not asked for again after a failure, if there is a last value.
PAUSE_SECONDS = 1.0

# How long a request may take if there is a last value. km serve returns an older value after 1 s.
TIMEOUT_SECONDS = 2.0

# The kinds of the errors after which a value may not be used any more. The others mean that Vault, or
# `km serve`, could not be asked.
DEFINITE = frozenset(("denied", "stored_value", "usage"))


class Client(Protocol):
    """What reads the values: an `AsyncKmClient`."""

    async def read(
        self,
        name: str,
        unless_version: int | None = None,
        refresh: bool = False,
        timeout: float | None = None,
    ) -> Secret | None: ...


class Last:
    """The last value of a name."""

    def __init__(self, secret: Secret, usable_until: float) -> None:
        self.secret = secret
        self.usable_until = usable_until
        # Set during an outage.
        self.paused_until: float | None = None


class Values:
    """The current values, from a client of `km serve`.

    A value is used for at most `max_stale` seconds after `km serve` returned it as current.
    """

    def __init__(
        self,
        client: Client,
        max_stale: float = MAX_STALE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._max_stale = max_stale
        self._clock = clock
        # A None is a name that Vault does not have, although it had it before.
        self._last: dict[str, Last | None] = {}

    async def current(self, name: str) -> str | None:
        """Returns the value of a name, or None if Vault has never had it. Raises `KmError`."""
        last = self._last.get(name)
        if last and last.paused_until is not None and self._clock() < last.paused_until:
            return self._in_outage(name, None)
        try:
            secret = await self._client.read(name, timeout=TIMEOUT_SECONDS if last else None)
        except KmError as error:
            if error.kind in DEFINITE:
                self._end(name)
                raise
            return self._in_outage(name, error)
        return self._store(name, secret)

    async def reject(self, name: str, value: str | None) -> None:
        """Reads a name from Vault again, because a provider rejected this value of it."""
        last = self._last.get(name)
        if last is None or last.secret.value != value:
            return
        version = last.secret.version
        try:
            secret = await self._client.read(name, unless_version=version, refresh=version is None)
            # Another attempt may have been faster.
            if self._is_last(name, value):
                self._store(name, secret)
                report(name, version, None if secret is None else secret.version)
        except KmError as error:
            log.warning("km: %s was rejected, and cannot be refreshed: %s", name, error)

    def _is_last(self, name: str, value: str | None) -> bool:
        """Returns whether no newer value is known, by another attempt."""
        last = self._last.get(name)
        return last is not None and last.secret.value == value

    def _store(self, name: str, secret: Secret | None) -> str | None:
        last = self._last.get(name)
        if secret is None:
            if name in self._last:
                self._end(name)
                raise KmError("not_found", f"{name} has been deleted")
            return None
        if last and last.paused_until is not None:
            log.warning("km: %s is read from km serve again", name)
        now = self._clock()
        # A stale value does not prolong the time: km serve counts it from the same moment.
        until = now + self._max_stale if not secret.stale else last.usable_until if last else now
        self._last[name] = Last(secret, until)
        return secret.value

    def _in_outage(self, name: str, error: KmError | None) -> str:
        """Returns the last value, or raises the error."""
        last, now = self._last.get(name), self._clock()
        if last is None or now >= last.usable_until:
            raise error or KmError("unavailable", "the last value is too old")
        if error is not None:
            if last.paused_until is None:
                log.warning("km: the last value of %s is used: %s", name, error)
            last.paused_until = now + PAUSE_SECONDS
        return last.secret.value

    def _end(self, name: str) -> None:
        self._last[name] = None


def report(name: str, version: int | None, now: int | None) -> None:
    if now == version:
        log.warning("km: %s: the provider rejected version %s, which is the newest", name, version)
    else:
        log.info("km: %s: version %s was rejected, and version %s follows", name, version, now)
