"""LiteLLM loads a class from a file beside its configuration."""

from km_litellm import KmSecretManager as KmSecretManager
