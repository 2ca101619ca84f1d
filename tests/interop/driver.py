"""Calls LiteLLM's Vault secret manager and key hooks for the interop suite.

Reads one JSON request per line from stdin, calls LiteLLM, and writes one JSON response per line to
stdout: `{"answer": ...}` with the result, or `{"raised": "..."}` with the exception. It makes no
decisions: all requests to Vault are made by the package as installed.

A request has an operation below, its arguments, the environment (`env`), LiteLLM's
`key_management_settings` (`settings`), and the metadata of the key's team (`team`; absent: the key has
no team; null: the team cannot be looked up). `manager` names a secret manager that is kept between
requests; without it each request gets a new one. With `km_serve`, an address, it is this project's
class for LiteLLM's `custom` system.

Three things that the start of the proxy sets are set here, in this process only:

- `premium_user`, which the constructor of the secret manager requires. The class is in the part of the
  package under the MIT licence. The flag is set for this compatibility test only; nothing of LiteLLM is
  changed, copied or shipped.
- `prisma_client`, which is not a database here: a team in the proxy's cache is found, and any other
  cannot be looked up.
- the team in `user_api_key_cache`, where the proxy stores it too.
"""

import asyncio
import json
import logging
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "integrations" / "litellm"))

# Otherwise the import downloads a price list.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
ENVIRONMENT = dict(os.environ)

# Keeps LiteLLM's output apart from the responses.
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)

import litellm
from km_litellm import KmClient, KmSecretManager
from litellm.proxy import proxy_server
from litellm.proxy._types import (
    GenerateKeyRequest,
    GenerateKeyResponse,
    KeyRequest,
    LiteLLM_TeamTableCachedObj,
    LiteLLM_VerificationToken,
    RegenerateKeyRequest,
    UpdateKeyRequest,
    UserAPIKeyAuth,
)
from litellm.proxy.hooks.key_management_event_hooks import KeyManagementEventHooks as Hooks
from litellm.secret_managers.hashicorp_secret_manager import HashicorpSecretManager
from litellm.secret_managers.main import get_secret
from litellm.types.secret_managers.main import KeyManagementSettings
from litellm.types.secret_managers.main import KeyManagementSystem as System

TEAM = "a-team"
ADMIN = UserAPIKeyAuth()
managers = {}


def team_id(request):
    return TEAM if "team" in request else None


def row(request):
    """Returns the key as in the proxy's database before the operation."""
    return LiteLLM_VerificationToken(
        token=request.get("token_id"), key_alias=request.get("alias"), team_id=team_id(request)
    )


# The hooks that the proxy calls after /key/generate, /key/regenerate, /key/update and /key/delete.


async def store(manager, request):
    asked = GenerateKeyRequest(key_alias=request.get("alias"), team_id=team_id(request))
    done = GenerateKeyResponse(key=request["value"], token_id=request.get("token_id"))
    await Hooks.async_key_generated_hook(asked, done, ADMIN)


async def rotate(manager, request):
    asked = RegenerateKeyRequest(key_alias=request.get("to"))
    alias = request.get("to") or request.get("alias")
    # A token ID is the hash of the key, so that a new key has a new one.
    done = GenerateKeyResponse(key=request["value"], token_id="the-new-hash", key_alias=alias)
    await Hooks.async_key_rotated_hook(asked, row(request), done, ADMIN)


async def rename(manager, request):
    asked = UpdateKeyRequest(key="unused", key_alias=request["to"])
    await Hooks.async_key_updated_hook(asked, row(request), None, ADMIN)


async def delete(manager, request):
    await Hooks.async_key_deleted_hook(KeyRequest(keys=["unused"]), [row(request)], {}, ADMIN)


async def read(manager, request):
    """Returns the stored key, looked up like the rename hook does."""
    settings = await Hooks._get_secret_manager_optional_params(team_id(request))
    return await manager.async_read_secret(Hooks._get_secret_name(request["alias"]), settings)


# The secret manager itself, and the reader of provider keys.


async def manager_read(manager, request):
    return await manager.async_read_secret(request["name"], request.get("params"))


async def manager_write(manager, request):
    return await manager.async_write_secret(
        request["name"], request["value"], request.get("description"), request.get("params")
    )


async def manager_rotate(manager, request):
    return await manager.async_rotate_secret(
        request["name"], request["to"], request["value"], request.get("params")
    )


async def manager_delete(manager, request):
    return await manager.async_delete_secret(request["name"], optional_params=request.get("params"))


async def provider_key(manager, request):
    return get_secret(request["name"])


# The loader of configurations.


async def references(manager, request):
    """Returns the names that each configuration references, or LiteLLM's error."""
    return [await referenced(file) for file in request["files"]]


async def referenced(file):
    try:
        config = await proxy_server.ProxyConfig()._get_config_from_file(file)
    except Exception as error:
        return {"raised": f"{type(error).__name__}: {error}"}
    return {"names": sorted(set(names_in(config)))}


def names_in(value):
    """Yields the names in all values that begin with `os.environ/` and have more than the prefix."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from names_in(item)
    elif isinstance(value, str) and value.startswith(PREFIX) and value != PREFIX:
        yield value.removeprefix(PREFIX)


PREFIX = "os.environ/"

OPERATIONS = {
    operation.__name__: operation
    for operation in (
        store,
        rotate,
        rename,
        delete,
        read,
        manager_read,
        manager_write,
        manager_rotate,
        manager_delete,
        provider_key,
        references,
    )
}


def manager_for(request):
    """Returns the secret manager, and sets it for the hooks. Its constructor reads the environment."""
    km_serve = request.get("km_serve")
    litellm._key_management_system = System.CUSTOM if km_serve else System.HASHICORP_VAULT
    name = request.get("manager")
    make = HashicorpSecretManager if km_serve is None else lambda: KmSecretManager(KmClient(km_serve))
    manager = managers.get(name) or make()
    litellm.secret_manager_client = manager
    if name is not None:
        managers[name] = manager
    return manager


async def answer(request):
    os.environ.clear()
    os.environ.update(ENVIRONMENT | request["env"])
    litellm._key_management_settings = KeyManagementSettings(**request["settings"])
    proxy_server.user_api_key_cache.flush_cache()
    if request.get("team") is not None:
        team = LiteLLM_TeamTableCachedObj(team_id=TEAM, metadata=request["team"])
        await proxy_server.user_api_key_cache.async_set_cache(
            key=f"team_id:{TEAM}", value=team, model_type=LiteLLM_TeamTableCachedObj
        )
    return await OPERATIONS[request["op"]](manager_for(request), request)


def main():
    # Its log would contain secrets.
    logging.disable(logging.CRITICAL)
    proxy_server.premium_user = True
    proxy_server.prisma_client = object()
    loop = asyncio.new_event_loop()
    for line in sys.stdin:
        try:
            result = {"answer": loop.run_until_complete(answer(json.loads(line)))}
        except Exception as error:
            result = {"raised": f"{type(error).__name__}: {error}"}
        print(json.dumps(result), file=answers, flush=True)


main()
