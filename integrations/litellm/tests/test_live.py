"""The callback, called by LiteLLM's router for the attempts of a request."""

import asyncio
import tempfile
import unittest
from pathlib import Path
from unittest.mock import patch

import litellm
from km_litellm import AsyncKmClient, KmError
from km_litellm.live import KmLive

from .provider import Provider
from .stub import Stub

OLD, NEW = "PLANTED-old", "PLANTED-new"

# As in the guide.
SETTINGS = {
    "retry_policy": {"AuthenticationErrorRetries": 1},
    "allowed_fails_policy": {"AuthenticationErrorAllowedFails": 1000},
}


class LiveTest(unittest.TestCase):
    def setUp(self):
        self.stub = self.enterContext(Stub())
        self.provider = self.enterContext(Provider())
        self.provider.accepted |= {OLD, NEW}
        self.stub.secrets["KEY"] = (OLD, 1)
        self.enterContext(patch.object(litellm, "callbacks", []))

    def entry(self, **more):
        params = {"model": "openai/gpt-4o", "api_key": "os.environ/KEY", "api_base": self.provider.url}
        return {"model_name": "m", "litellm_params": params | more}

    def router(self, *model_list, settings=SETTINGS):
        """A router with the callback, as the proxy makes them from a configuration."""
        model_list = list(model_list or [self.entry()])
        litellm.callbacks.append(KmLive(AsyncKmClient(self.stub.address), model_list=model_list))
        return litellm.Router(model_list=model_list, **settings)

    def completes(self, router, **more):
        return asyncio.run(self.complete(router, **more))

    async def complete(self, router, model="m", **more):
        messages = [{"role": "user", "content": "Hello?"}]
        answer = await router.acompletion(model=model, messages=messages, **more)
        return answer.choices[0].message.content

    def rotate(self):
        """Replaces the key and revokes the old one, which remains in the cache of `km serve`."""
        self.provider.accepted.remove(OLD)
        self.stub.cached["KEY"], self.stub.secrets["KEY"] = (OLD, 1), (NEW, 2)

    def test_each_attempt_uses_the_current_value(self):
        router = self.router()
        self.assertEqual(self.completes(router), "Hello!")
        self.stub.secrets["KEY"] = (NEW, 2)
        self.assertEqual(self.completes(router), "Hello!")
        self.assertEqual(self.provider.keys_used, [OLD, NEW])

    def test_all_references_of_the_deployment_are_set(self):
        self.stub.secrets["BASE"] = (self.provider.url, 1)
        router = self.router(self.entry(api_base="os.environ/BASE"))
        with patch.dict("os.environ", {"BASE": "http://127.0.0.1:9/v1"}):
            self.assertEqual(self.completes(router), "Hello!")

    def test_rejected_key_is_read_again_and_the_attempt_repeated(self):
        router = self.router()
        self.completes(router)
        self.rotate()
        self.assertEqual(self.completes(router), "Hello!")
        self.assertEqual(self.provider.keys_used, [OLD, OLD, NEW])
        paths = [path for _, path, _ in self.stub.requests[2:]]
        expected = ["/km/v1/secrets/KEY?unless_version=1", "/km/v1/secrets/KEY"]
        self.assertEqual(paths, expected)

    def test_rejected_key_of_each_endpoint_is_read_again(self):
        router = self.router()
        self.provider.accepted.clear()
        messages = [{"role": "user", "content": "Hello?"}]
        for endpoint in (
            lambda: router.acompletion(model="m", messages=messages, stream=True),
            lambda: router.aresponses(model="m", input="Hello?"),
            lambda: router.aanthropic_messages(model="m", messages=messages, max_tokens=5),
            lambda: router.aembedding(model="m", input="Hello?"),
        ):
            self.stub.requests.clear()
            with self.assertRaises(litellm.AuthenticationError), self.assertLogs("km_litellm"):
                asyncio.run(endpoint())
            paths = [path for _, path, _ in self.stub.requests]
            self.assertIn("/km/v1/secrets/KEY?unless_version=1", paths)

    def test_rejected_keys_of_concurrent_requests_are_no_failures(self):
        router = self.router()
        self.completes(router)
        self.rotate()

        async def all_complete():
            return await asyncio.gather(*(self.complete(router) for _ in range(20)))

        self.assertEqual(asyncio.run(all_complete()), ["Hello!"] * 20)
        # The deployment is not in cooldown.
        self.assertEqual(self.completes(router), "Hello!")

    def test_attempt_is_repeated_once(self):
        router = self.router()
        self.provider.accepted.clear()
        with self.assertRaises(litellm.AuthenticationError) as raised:
            self.completes(router)
        self.assertNotIn("PLANTED", str(raised.exception))
        self.assertEqual(self.provider.keys_used, [OLD, OLD])

    def test_two_keys_of_a_model_are_distinguished_by_their_identifiers(self):
        self.stub.secrets["OTHER"] = (NEW, 1)
        one = self.entry() | {"model_info": {"id": "one"}}
        other = self.entry(api_key="os.environ/OTHER") | {"model_info": {"id": "other"}}
        router = self.router(one, other)
        for id, key in [("one", OLD), ("other", NEW), ("one", OLD)]:
            # The router accepts the identifier of a deployment as a model.
            self.assertEqual(self.completes(router, model=id), "Hello!")
            self.assertEqual(self.provider.keys_used.pop(), key)

    def test_credentials_of_the_client_are_kept(self):
        self.provider.accepted.add("of the client")
        router = self.router()
        self.assertEqual(self.completes(router, api_key="of the client"), "Hello!")
        self.assertEqual(self.provider.keys_used, ["of the client"])

    def test_client_that_chooses_the_host_receives_no_key(self):
        attacker = self.enterContext(Provider())
        router = self.router()
        for more in ({"api_base": attacker.url}, {"base_url": attacker.url}):
            with self.assertRaises(Exception):
                self.completes(router, **more)
        self.assertFalse({OLD, NEW} & set(attacker.keys_used), attacker.keys_used)

    def test_outage_of_the_sidecar_is_bridged(self):
        router = self.router()
        self.completes(router)
        self.stub.responds_with_error(503, "unavailable", "Vault is sealed")
        with self.assertLogs("km_litellm", "WARNING") as logs:
            self.assertEqual(self.completes(router), "Hello!")
        self.assertIn("the last value of KEY is used: Vault is sealed", logs.output[0])
        self.assertNotIn("PLANTED", logs.output[0])

    def test_key_that_cannot_be_read_is_an_error_without_a_name(self):
        for status, kind in [(403, "denied"), (422, "stored_value"), (503, "unavailable")]:
            router = self.router()
            self.stub.secrets.clear()
            for _ in range(9):
                self.stub.responds_with_error(status, kind)
            with self.assertLogs("km_litellm", "ERROR") as logs:
                with self.assertRaises(litellm.ServiceUnavailableError) as raised:
                    self.completes(router, num_retries=0)
            self.assertIn(kind, str(raised.exception))
            self.assertNotIn("KEY", str(raised.exception))
            self.assertIn("m: no key for an attempt", logs.output[0])
            self.stub.server.responses.clear()
            litellm.callbacks.clear()
        self.assertEqual(self.provider.keys_used, [])

    def test_name_that_is_not_in_vault_keeps_the_value_of_the_environment(self):
        self.stub.secrets.clear()
        with patch.dict("os.environ", {"KEY": NEW}):
            self.assertEqual(self.completes(self.router()), "Hello!")
        self.assertEqual(self.provider.keys_used, [NEW])

    def test_deployments_come_from_the_configuration_file_and_its_includes(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        entry = "{model_name: m, litellm_params: {model: openai/x, api_key: os.environ/KEY}}"
        Path(folder, "models.yaml").write_text(f"model_list: [{entry}]")
        Path(folder, "config.yaml").write_text("include: [models.yaml]")

        async def on_an_event_loop():
            return KmLive(AsyncKmClient(self.stub.address), config_file=f"{folder}/config.yaml")

        self.assertEqual(asyncio.run(on_an_event_loop())._deployments.names(), {"KEY"})

    def test_missing_configuration_file_is_an_error(self):
        with patch("litellm.proxy.proxy_server.user_config_file_path", None):
            with self.assertRaises(KmError) as raised:
                KmLive(AsyncKmClient(self.stub.address))
        self.assertEqual(raised.exception.kind, "settings")
