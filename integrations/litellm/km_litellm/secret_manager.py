"""The secret manager for LiteLLM's `key_management_system: custom`, over `km serve`.

It translates LiteLLM's calls into requests. `km serve` decides where a secret is, who may read it and
how long it is cached.

LiteLLM continues if its secret manager fails: a read falls back to the environment, and a key that could
not be stored is handed out anyway. Each failure is therefore logged here as an error, with the name and
the reason and without a value.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import litellm
from litellm.integrations.custom_secret_manager import CustomSecretManager

from .client import Document, KmClient, Team, Timeout
from .protocol import KmError, printable

log = logging.getLogger("km_litellm")

P = ParamSpec("P")
T = TypeVar("T")


class Printable(logging.Filter):
    """Escapes newlines and terminal sequences, because users of LiteLLM choose the aliases."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = printable(record.getMessage()), ()
        return True


log.addFilter(Printable())


class StoredKey:
    """A placeholder for the value of a virtual key, which `km serve` does not return.

    LiteLLM renames a key by reading it and rotating it to the same value. It reads this placeholder and
    passes it on, and the rename is one request. It is not a string, so that it cannot be mistaken for a
    value.
    """


class KmSecretManager(CustomSecretManager):
    """Provider secrets and virtual keys from `km serve`. See `KmClient.from_environment` for the address."""

    def __init__(self, client: KmClient | None = None) -> None:
        super().__init__(secret_manager_name="km")
        self._client = client or KmClient.from_environment()

    def sync_read_secret(
        self, secret_name: str, optional_params: Team = None, timeout: Timeout = None
    ) -> str | None:
        """Returns a provider secret or None. `optional_params` are LiteLLM's own and not used."""
        return self._logged("read", secret_name, self._client.secret, secret_name, timeout=timeout)

    async def async_read_secret(
        self, secret_name: str, optional_params: Team = None, timeout: Timeout = None
    ) -> str | StoredKey | None:
        """Like `sync_read_secret`, but returns a placeholder for a virtual key."""
        if secret_name.startswith(prefix()):
            return StoredKey()
        return await asyncio.to_thread(self.sync_read_secret, secret_name, timeout=timeout)

    async def async_write_secret(
        self,
        secret_name: str,
        secret_value: str,
        description: str | None = None,
        optional_params: Team = None,
        timeout: Timeout = None,
        tags: object = None,
    ) -> Document:
        """Stores a virtual key, at its team's location if `optional_params` has its settings."""
        if tags:
            log.warning("km: the tags of %s are not stored: Vault does not support tags", secret_name)
        more: dict[str, Any] = {"description": description, "team": optional_params}
        more["timeout"] = timeout
        done = await self._change("store", secret_name, self._client.store, secret_value, **more)
        if done.get("skipped"):
            log.warning("km: %s is not stored: km's store_virtual_keys is false", secret_name)
        return done

    async def async_rotate_secret(
        self,
        current_secret_name: str,
        new_secret_name: str,
        new_secret_value: str | StoredKey,
        optional_params: Team = None,
        timeout: Timeout = None,
    ) -> Document:
        """Replaces the value of a virtual key, its name, or both, in one operation."""
        name = current_secret_name
        more: dict[str, Any] = {"team": optional_params, "timeout": timeout}
        to = self._logged("rotate", name, alias, new_secret_name)
        if isinstance(new_secret_value, StoredKey):
            return await self._change("rename", name, self._client.rename, to, **more)
        more["to"] = to if new_secret_name != name else None
        return await self._change("rotate", name, self._client.rotate, new_secret_value, **more)

    async def async_delete_secret(
        self,
        secret_name: str,
        recovery_window_in_days: int | None = None,
        optional_params: Team = None,
        timeout: Timeout = None,
    ) -> Document:
        """Deletes a virtual key. It can be undeleted in Vault.

        A failure is returned and not raised, as by LiteLLM's own secret manager, because LiteLLM deletes
        several keys in a loop that an exception would end.
        """
        more: dict[str, Any] = {"team": optional_params, "timeout": timeout}
        try:
            done = await self._change("delete", secret_name, self._client.delete, **more)
        except KmError as error:
            return {"status": "error", "message": str(error)}
        return {"status": "success"} | done

    async def _change(
        self, what: str, name: str, operation: Callable[..., Document], *given: Any, **more: Any
    ) -> Document:
        """Runs an operation on a virtual key in a thread."""
        key = self._logged(what, name, alias, name)
        return await asyncio.to_thread(self._logged, what, name, operation, key, *given, **more)

    @staticmethod
    def _logged(
        what: str, name: str, operation: Callable[P, T], *given: P.args, **more: P.kwargs
    ) -> T:
        """Runs an operation and logs its failure."""
        try:
            return operation(*given, **more)
        except KmError as error:
            log.error("km: %s %s failed: %s", what, name, error)
            raise


def prefix() -> str:
    """Returns the prefix that LiteLLM adds to the alias of a virtual key."""
    configured: str = litellm._key_management_settings.prefix_for_stored_virtual_keys
    return configured if configured.endswith("/") else f"{configured}/"


def alias(name: str) -> str:
    """Returns the alias in the name of a virtual key, to which km adds its own prefix."""
    key_prefix = prefix()
    if not name.startswith(key_prefix):
        what = f"{name} is not a virtual key: its name does not begin with {key_prefix}"
        raise KmError("usage", what, "provider secrets are written with km write")
    return name.removeprefix(key_prefix)
