"""What LiteLLM loads for `key_management_system: custom`: its secret manager, over `km serve`.

It translates between LiteLLM's calls and the door, and decides nothing else: where a secret is, who
may have it and how long it is kept, `km serve` knows.

LiteLLM goes on when its secret manager fails: a read falls back to the environment, and a key whose
storing failed is handed out all the same. So each failure is logged here, as an error, with the name
and the reason and without a value.
"""

import asyncio
import logging

import litellm
from litellm.integrations.custom_secret_manager import CustomSecretManager

from .door import Door, KmError, printable

log = logging.getLogger("km_litellm")


class Printable(logging.Filter):
    """Escapes line endings and terminal sequences: users of LiteLLM choose the aliases."""

    def filter(self, record):
        record.msg, record.args = printable(record.getMessage()), ()
        return True


log.addFilter(Printable())


class StoredKey:
    """Stands for the value of a virtual key, which the door gives to nobody.

    LiteLLM renames a key by reading it and "rotating" it to the same value. It gets this to carry
    from the one to the other, and the rename is done where the key is. It is no string, so that
    nobody takes it for a value.
    """


class KmSecretManager(CustomSecretManager):
    """Provider secrets and virtual keys from `km serve`. See `Door.from_environment` for where."""

    def __init__(self, door=None):
        super().__init__(secret_manager_name="km")
        self._door = door or Door.from_environment()

    def sync_read_secret(self, secret_name, optional_params=None, timeout=None):
        """A provider secret, or None. What LiteLLM passes beside the name are its own settings."""
        return self._told("read", secret_name, self._door.secret, secret_name, timeout=timeout)

    async def async_read_secret(self, secret_name, optional_params=None, timeout=None):
        """The same; for a name below the prefix of virtual keys, what stands for its value."""
        if secret_name.startswith(prefix()):
            return StoredKey()
        return await asyncio.to_thread(self.sync_read_secret, secret_name, timeout=timeout)

    async def async_write_secret(
        self,
        secret_name,
        secret_value,
        description=None,
        optional_params=None,
        timeout=None,
        tags=None,
    ):
        """Stores a virtual key, at its team's place where `optional_params` are its settings."""
        if tags:
            log.warning("km: the tags of %s are not stored: Vault has none", secret_name)
        more = {"description": description, "team": optional_params, "timeout": timeout}
        done = await self._done("store", secret_name, self._door.store, secret_value, **more)
        if done.get("skipped"):
            log.warning("km: %s is not stored: km's store_virtual_keys is false", secret_name)
        return done

    async def async_rotate_secret(
        self,
        current_secret_name,
        new_secret_name,
        new_secret_value,
        optional_params=None,
        timeout=None,
    ):
        """Gives a virtual key a new value, a new name, or both, in one operation of `km serve`."""
        name, more = current_secret_name, {"team": optional_params, "timeout": timeout}
        to = self._told("rotate", name, alias, new_secret_name)
        if isinstance(new_secret_value, StoredKey):
            return await self._done("rename", name, self._door.rename, to, **more)
        more["to"] = to if new_secret_name != name else None
        return await self._done("rotate", name, self._door.rotate, new_secret_value, **more)

    async def async_delete_secret(
        self, secret_name, recovery_window_in_days=None, optional_params=None, timeout=None
    ):
        """Deletes a virtual key; it can be undeleted in Vault.

        A failure is told in the answer, as by LiteLLM's own manager: LiteLLM deletes several keys one
        by one, and an exception for one would leave the rest.
        """
        more = {"team": optional_params, "timeout": timeout}
        try:
            done = await self._done("delete", secret_name, self._door.delete, **more)
        except KmError as error:
            return {"status": "error", "message": str(error)}
        return {"status": "success"} | done

    async def _done(self, what, name, operation, *given, **more):
        """Has an operation on a virtual key done."""
        key = self._told(what, name, alias, name)
        return await asyncio.to_thread(self._told, what, name, operation, key, *given, **more)

    @staticmethod
    def _told(what, name, operation, *given, **more):
        """Does it, and logs why it failed before LiteLLM sees that."""
        try:
            return operation(*given, **more)
        except KmError as error:
            log.error("km: %s %s failed: %s", what, name, error)
            raise


def prefix():
    """What LiteLLM puts before the alias of a virtual key."""
    set_to = litellm._key_management_settings.prefix_for_stored_virtual_keys
    return set_to if set_to.endswith("/") else f"{set_to}/"


def alias(name):
    """The alias in the name of a virtual key: km puts its own prefix before it."""
    before = prefix()
    if not name.startswith(before):
        what = f"{name} is no virtual key: its name doesn't begin with {before}"
        raise KmError("usage", what, "provider secrets are written with km write")
    return name.removeprefix(before)
