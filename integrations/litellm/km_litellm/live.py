"""Keys that follow Vault without a restart: a callback of LiteLLM, over `km serve`.

LiteLLM calls it for each attempt that its router makes. It sets the parameters of the attempt's
deployment whose configuration is `os.environ/NAME` to the current values. When a provider answers 401, it
makes `km serve` read the rejected version again; the attempt itself is repeated by LiteLLM, according to
the `retry_policy` of the guide.

No log and no error contains a value.
"""

import asyncio
import logging

import litellm
from litellm.integrations.custom_logger import CustomLogger

from .client import AsyncKmClient
from .deployments import Deployments, Entry, Kwargs, configured_model_list
from .protocol import KmError
from .values import MAX_STALE_SECONDS, Client, Values

log = logging.getLogger("km_litellm")


class KmLive(CustomLogger):
    """Sets the keys of each attempt. See `AsyncKmClient.from_environment` for the address of `km serve`.

    The deployments are those of the proxy's configuration file, of `config_file`, or of `model_list` if
    there is no file. While `km serve` cannot be asked, the last values are used for `max_stale` seconds.
    """

    def __init__(
        self,
        client: Client | None = None,
        config_file: str | None = None,
        model_list: list[Entry] | None = None,
        max_stale: float = MAX_STALE_SECONDS,
    ) -> None:
        super().__init__()
        self._values = Values(client or AsyncKmClient.from_environment(), max_stale)
        if model_list is None:
            model_list = configured_model_list(config_file)
        self._deployments = Deployments(model_list)
        log.info("km: %d names are read for each attempt", len(self._deployments.names()))

    async def async_pre_call_deployment_hook(
        self, kwargs: Kwargs, call_type: object
    ) -> Kwargs | None:
        """Returns the parameters of the attempt with the current values."""
        deployment = self._deployments.of(kwargs)
        if deployment is None or not deployment.references:
            return None
        names = deployment.references
        try:
            values = await asyncio.gather(*map(self._values.current, names.values()))
        except KmError as error:
            log.error("km: %s: no key for an attempt: %s", deployment.model_name, error)
            raise unavailable(kwargs, error) from None
        # A name that Vault does not have keeps the value that LiteLLM resolved at its start.
        return kwargs | {param: value for param, value in zip(names, values) if value is not None}

    async def async_post_call_failure_deployment_hook(
        self,
        request_data: Kwargs,
        exception: Exception,
        call_type: object,
        fallback_depth: int | None = None,
    ) -> None:
        """After a 401, reads the names of the attempt again, for the next attempt."""
        if not isinstance(exception, litellm.AuthenticationError):
            return
        deployment = self._deployments.of(request_data)
        if deployment is not None:
            names = deployment.references.items()
            await asyncio.gather(
                *(self._values.reject(name, request_data.get(param)) for param, name in names)
            )


def unavailable(kwargs: Kwargs, error: KmError) -> Exception:
    """Returns the error of an attempt without a key. It is LiteLLM's for an unavailable provider, so that
    other deployments are tried."""
    error_of_litellm: Exception = litellm.ServiceUnavailableError(
        message=f"km: the key of this deployment cannot be read ({error.kind})",
        llm_provider=kwargs.get("custom_llm_provider") or "",
        model=kwargs.get("model") or "",
    )
    return error_of_litellm
