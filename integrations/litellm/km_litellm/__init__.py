"""LiteLLM's secrets and virtual keys in HashiCorp Vault, through `km serve`.

`KmSecretManager` is what LiteLLM loads for `key_management_system: custom`. `km_litellm.live` has the
callback that sets the keys of each attempt.
"""

from .client import AsyncKmClient, KmClient
from .protocol import KmError, Secret
from .secret_manager import KmSecretManager

__all__ = ["AsyncKmClient", "KmClient", "KmError", "KmSecretManager", "Secret"]
