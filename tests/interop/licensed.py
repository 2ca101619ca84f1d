"""Runs LiteLLM's proxy as with a licence, for the guide to its own Vault secret manager.

The flag is set in this process only, for this test. Nothing of LiteLLM is changed, copied or shipped. See
the driver.
"""

from litellm.proxy import proxy_server

proxy_server._license_check.is_premium = lambda: True
proxy_server.premium_user = True

from litellm import run_server

run_server()
