"""LiteLLM's secrets and virtual keys in HashiCorp Vault, through `km serve`.

`KmSecretManager` is what LiteLLM loads for `key_management_system: custom`.
"""

from .client import KmClient, KmError
from .secret_manager import KmSecretManager

__all__ = ["KmClient", "KmError", "KmSecretManager"]
