"""LiteLLM's proxy as somebody runs it who has a licence, for the guide to its own Vault manager.

The manager refuses to work without one. The flag is set in this process alone, for this test; nothing
of LiteLLM is changed, copied or shipped. See the driver.
"""

from litellm.proxy import proxy_server

proxy_server._license_check.is_premium = lambda: True
proxy_server.premium_user = True

from litellm import run_server

run_server()
