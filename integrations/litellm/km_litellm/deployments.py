"""The deployments of LiteLLM's configuration, and the names that their parameters reference.

LiteLLM resolves `os.environ/NAME` once, at its start, and does not keep the name. It is therefore taken
from the configuration again, and an attempt is matched with its deployment there.

A parameter is only set for an attempt that goes where its deployment goes: the model and each parameter
that selects the host must be those of the configuration. Otherwise a client that may choose the host
would receive the key.
"""

import asyncio
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeGuard

from litellm.types import router

from .protocol import KmError

PREFIX = "os.environ/"

# An entry of `model_list`.
Entry = dict[str, Any]

# The parameters of an attempt.
Kwargs = dict[str, Any]

# The parameters that select the host to which credentials are sent.
UPSTREAM = (
    "api_base",
    "base_url",
    "aws_bedrock_control_plane_endpoint",
    "aws_bedrock_runtime_endpoint",
    "aws_sts_endpoint",
    "deployment_url",
    "s3_endpoint_url",
    "sagemaker_base_url",
)

# The parameters that LiteLLM's router reads by itself, before an attempt and not as text.
OF_THE_ROUTER = frozenset(
    ("max_parallel_requests", "max_retries", "model", "order", "rpm", "stream_timeout")
    + ("timeout", "tpm", "weight")
)


@dataclass(frozen=True)
class Deployment:
    """An entry of `model_list`. `references` has the name for each parameter."""

    model_name: str | None
    id: str | None
    model: str | None
    upstream: dict[str, Any]
    references: dict[str, str]

    @classmethod
    def of(cls, entry: Entry) -> "Deployment":
        params = entry.get("litellm_params") or {}
        references = {
            param: value.removeprefix(PREFIX)
            for param, value in params.items()
            if is_reference(value) and param not in OF_THE_ROUTER and not is_pointer(param)
        }
        model = params.get("model")
        return cls(
            model_name=entry.get("model_name"),
            id=declared_id(entry),
            model=None if is_reference(model) else model,
            upstream={param: params.get(param) for param in UPSTREAM if param not in references},
            references=references,
        )

    def serves(self, kwargs: Kwargs) -> bool:
        """Returns whether an attempt goes to the model and the host of this deployment."""
        return self.serves_model(kwargs.get("model")) and all(
            kwargs.get(param) == value for param, value in self.upstream.items()
        )

    def serves_model(self, model: str | None) -> bool:
        if self.model is None or "*" not in self.model:
            return self.model in (None, model)
        # LiteLLM fills the wildcards in from the request.
        pattern = ".*".join(map(re.escape, self.model.split("*")))
        return isinstance(model, str) and re.fullmatch(pattern, model) is not None

    def is_confused_with(self, other: "Deployment") -> bool:
        """Returns whether nothing distinguishes them in an attempt, although their names differ."""
        same = ("model_name", "id", "model", "upstream")
        return self.references != other.references and all(
            getattr(self, field) == getattr(other, field) for field in same
        )


class Deployments:
    """The deployments with references."""

    def __init__(self, model_list: Iterable[Entry]) -> None:
        self._of_model: dict[str | None, list[Deployment]] = {}
        self._ids = {declared_id(entry) for entry in model_list} - {None}
        for deployment in map(Deployment.of, model_list):
            others = self._of_model.setdefault(deployment.model_name, [])
            if any(map(deployment.is_confused_with, others)):
                what = f"deployments of {deployment.model_name} differ only in the names of their keys"
                raise KmError("settings", what, "give each a model_info.id")
            others.append(deployment)

    def of(self, kwargs: Kwargs) -> Deployment | None:
        """Returns the deployment of an attempt, or None if its parameters are not to be set."""
        info = kwargs.get("model_info") or {}
        # The request has credentials of its client.
        if "original_model_id" in info:
            return None
        attempted_id = f"{info.get('id')}"
        for deployment in self._of_model.get(deployment_name(kwargs), ()):
            is_same = deployment.id == attempted_id if deployment.id else attempted_id not in self._ids
            if is_same and deployment.serves(kwargs):
                return deployment
        return None

    def names(self) -> set[str]:
        """Returns all referenced names."""
        deployments = (deployment for some in self._of_model.values() for deployment in some)
        return {name for deployment in deployments for name in deployment.references.values()}


def is_reference(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value.startswith(PREFIX) and value != PREFIX


def is_pointer(param: str) -> bool:
    """Returns whether LiteLLM itself resolves the parameter when it uses it."""
    return getattr(router, "holds_secret_pointer", lambda param: False)(param)


def declared_id(entry: Entry) -> str | None:
    declared = (entry.get("model_info") or {}).get("id")
    return None if declared is None else str(declared)


def deployment_name(kwargs: Kwargs) -> str | None:
    """Returns the `model_name` that the router has written into the metadata of an attempt."""
    for metadata in (kwargs.get("litellm_metadata"), kwargs.get("metadata")):
        if isinstance(metadata, dict) and "deployment_model_name" in metadata:
            name: str | None = metadata["deployment_model_name"]
            return name
    return None


def configured_model_list(file: str | None = None) -> list[Entry]:
    """Returns the `model_list` of a configuration file, by default of the proxy's, with the files that it
    includes."""
    # Only the proxy needs its packages.
    from litellm.proxy import proxy_server

    file = file or proxy_server.user_config_file_path
    if not file:
        what = "LiteLLM has no configuration file"
        raise KmError("settings", what, "give KmLive the model_list")
    # The loader is asynchronous, and the proxy calls this on its event loop.
    with ThreadPoolExecutor(max_workers=1) as threads:
        load = proxy_server.ProxyConfig()._get_config_from_file(file)
        return threads.submit(asyncio.run, load).result().get("model_list") or []
