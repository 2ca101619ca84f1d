"""Tests of `km_litellm` against a stub of the client, in this process.

They need LiteLLM: `cargo xtask interop` runs them with the one that it installs.
"""
