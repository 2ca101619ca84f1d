"""Exports the class: LiteLLM loads it from a file beside its configuration."""

from km_litellm import KmSecretManager as KmSecretManager
