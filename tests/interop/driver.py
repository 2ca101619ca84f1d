"""Drives LiteLLM's own Vault secret manager and key hooks for the interop suite.

Reads one JSON request a line on stdin, calls LiteLLM, and writes one JSON answer a line on stdout:
`{"answer": ...}`, what LiteLLM returned, or `{"raised": "..."}`, what it raised. It decides nothing:
what is done to Vault is done by the package as it was installed.

A request names an operation below, its arguments, the environment (`env`), LiteLLM's
`key_management_settings` (`settings`), and the metadata of the key's team (`team`; absent: the key is
no team's; null: its team can't be looked up). `manager` names a manager that is kept between
requests; without it each request has a fresh one. With `door` it is our own class for LiteLLM's
`custom` system, over the `km serve` that listens there.

Three things that the proxy's start would set are set here, in this process alone:

- `premium_user`. The manager's constructor refuses to work without it. The class stands in the part
  of the package that is under the MIT licence. The flag is set for this test of compatibility only;
  nothing of LiteLLM is changed, copied or shipped.
- `prisma_client`, which is no database here: a team that is in the proxy's cache is found there, and
  any other can't be looked up.
- the team in `user_api_key_cache`, where the proxy keeps it too.
"""

import asyncio
import json
import logging
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "integrations" / "litellm"))

# Without it the import asks the network for a list of prices.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
ENVIRONMENT = dict(os.environ)

# Nothing that LiteLLM prints gets among the answers.
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
    """The key as the proxy's database has it before the operation."""
    return LiteLLM_VerificationToken(
        token=request.get("token_id"), key_alias=request.get("alias"), team_id=team_id(request)
    )


# What the proxy calls after /key/generate, /key/regenerate, /key/update and /key/delete.


async def store(manager, request):
    asked = GenerateKeyRequest(key_alias=request.get("alias"), team_id=team_id(request))
    done = GenerateKeyResponse(key=request["value"], token_id=request.get("token_id"))
    await Hooks.async_key_generated_hook(asked, done, ADMIN)


async def rotate(manager, request):
    asked = RegenerateKeyRequest(key_alias=request.get("to"))
    alias = request.get("to") or request.get("alias")
    # A token id is the hash of its key: a new key has a new one.
    done = GenerateKeyResponse(key=request["value"], token_id="the-new-hash", key_alias=alias)
    await Hooks.async_key_rotated_hook(asked, row(request), done, ADMIN)


async def rename(manager, request):
    asked = UpdateKeyRequest(key="unused", key_alias=request["to"])
    await Hooks.async_key_updated_hook(asked, row(request), None, ADMIN)


async def delete(manager, request):
    await Hooks.async_key_deleted_hook(KeyRequest(keys=["unused"]), [row(request)], {}, ADMIN)


async def read(manager, request):
    """The stored key, found as the hook that renames finds it."""
    settings = await Hooks._get_secret_manager_optional_params(team_id(request))
    return await manager.async_read_secret(Hooks._get_secret_name(request["alias"]), settings)


# The manager itself, and the door for provider keys.


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


# The loader of configurations, which no secret manager takes part in.


async def references(manager, request):
    """The names that each configuration refers to, or why LiteLLM refuses it."""
    return [await referenced(file) for file in request["files"]]


async def referenced(file):
    try:
        config = await proxy_server.ProxyConfig()._get_config_from_file(file)
    except Exception as error:
        return {"raised": f"{type(error).__name__}: {error}"}
    return {"names": sorted(set(names_in(config)))}


def names_in(value):
    """The names in all values that begin with `os.environ/`; a prefix alone names nothing."""
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
    """The constructor reads the environment. The hooks use what is made here."""
    door = request.get("door")
    litellm._key_management_system = System.CUSTOM if door else System.HASHICORP_VAULT
    name = request.get("manager")
    make = HashicorpSecretManager if door is None else lambda: KmSecretManager(KmClient(door))
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
    # What it would log holds the secrets that it was given.
    logging.disable(logging.CRITICAL)
    proxy_server.premium_user = True
    proxy_server.prisma_client = object()
    loop = asyncio.new_event_loop()
    for line in sys.stdin:
        try:
            said = {"answer": loop.run_until_complete(answer(json.loads(line)))}
        except Exception as error:
            said = {"raised": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), file=answers, flush=True)


main()
