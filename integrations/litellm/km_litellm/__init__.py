"""LiteLLM's secrets and virtual keys in HashiCorp Vault, through `km serve`.

`KmSecretManager` is what LiteLLM loads for `key_management_system: custom`.
"""

from .door import Door, KmError
from .manager import KmSecretManager

__all__ = ["Door", "KmError", "KmSecretManager"]
