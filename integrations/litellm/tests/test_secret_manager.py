"""The secret manager, called by LiteLLM: by its loader, its reads and its hooks for keys."""

import asyncio
import tempfile
import unittest
from pathlib import Path
from unittest.mock import patch

import litellm
from litellm.proxy.hooks.key_management_event_hooks import KeyManagementEventHooks as Hooks
from litellm.secret_managers.custom_secret_manager_loader import load_custom_secret_manager
from litellm.secret_managers.main import get_secret
from litellm.types.secret_managers.main import KeyManagementSettings

from .stub import Stub

VALUE = "PLANTED-value"
KEYS = "/km/v1/keys"
TEAM = {"namespace": "teams/a", "mount": "kv"}


class SecretManagerTest(unittest.TestCase):
    def setUp(self):
        self.stub = self.enterContext(Stub())
        folder = self.enterContext(tempfile.TemporaryDirectory())
        file = Path(folder, "km_secrets.py")
        file.write_text("from km_litellm import KmSecretManager\n")
        self.settings(custom_secret_manager="km_secrets.KmSecretManager")
        with patch.dict("os.environ", {"KM_SERVE_ADDR": self.stub.address}):
            load_custom_secret_manager(f"{folder}/config.yaml")
        self.manager = litellm.secret_manager_client

    def settings(self, **more):
        given = {"store_virtual_keys": True, "access_mode": "read_and_write"} | more
        litellm._key_management_settings = KeyManagementSettings(**given)

    def hook(self, operation, *given, team=None):
        """Calls a hook as the proxy does; `team` are the team's settings in the database."""

        async def params(team_id):
            return team

        with patch.object(Hooks, "_get_secret_manager_optional_params", params):
            return asyncio.run(operation(*given))

    def test_provider_key_is_read(self):
        self.stub.responds({"value": VALUE})
        self.assertEqual(get_secret("os.environ/OPENAI_API_KEY"), VALUE)
        self.assertEqual(self.stub.requests, [("GET", "/km/v1/secrets/OPENAI_API_KEY", None)])

    def test_provider_key_is_read_asynchronously(self):
        self.stub.responds({"value": VALUE})
        self.assertEqual(asyncio.run(self.manager.async_read_secret("A")), VALUE)

    def test_missing_key_falls_back_to_the_environment_without_an_error(self):
        self.stub.responds_with_error(404, "not_found")
        with patch.dict("os.environ", {"A_KEY": "from-env"}), self.assertNoLogs("km_litellm"):
            self.assertEqual(get_secret("A_KEY"), "from-env")

    def test_alias_is_escaped_in_log_and_error(self):
        hostile = "litellm/a\n\x1b[31m\u202eERROR forged"
        self.stub.responds_with_error(403, "denied")
        with self.assertLogs("km_litellm", "ERROR") as logs, self.assertRaises(Exception) as raised:
            asyncio.run(self.manager.async_write_secret(hostile, VALUE))
        for text in (logs.records[0].getMessage(), str(raised.exception)):
            self.assertTrue(text.isprintable(), repr(text))
        self.assertIn("a\\n\\x1b[31m\\u202eERROR forged", logs.records[0].getMessage())

    def test_failed_read_is_logged(self):
        self.stub.responds_with_error(403, "denied", "the policy refuses it")
        with self.assertLogs("km_litellm", "ERROR") as logs:
            self.assertIsNone(get_secret("A_KEY"))
        self.assertEqual(
            logs.output,
            ["ERROR:km_litellm:km: read A_KEY failed: the policy refuses it (denied; hint: look)"],
        )

    def test_hooks_send_their_requests(self):
        store = Hooks._store_virtual_key_in_secret_manager
        rotate = Hooks._rotate_virtual_key_in_secret_manager
        rename = Hooks._rename_virtual_key_in_secret_manager
        for hook, given, path, body in [
            (store, ("a/b", VALUE, "t"), "", {"alias": "a/b", "value": VALUE}),
            (rotate, ("a", "a", VALUE, "t"), "/a/rotate", {"value": VALUE}),
            (rotate, ("a", "b", VALUE, "t"), "/a/rotate", {"value": VALUE, "to": "b"}),
            (rename, ("a", "b", "t"), "/a/rename", {"to": "b"}),
        ]:
            for team, more in [(None, {}), (TEAM, {"team_settings": TEAM})]:
                self.stub.responds({"path": "p", "version": 1})
                self.hook(hook, *given, team=team)
                self.assertEqual(self.stub.requests.pop(), ("POST", f"{KEYS}{path}", body | more))

    def test_only_the_prefix_of_litellm_is_removed(self):
        for prefix, alias in [("litellm/", "a"), ("keys", "a"), ("", "a"), ("/", "a"), ("a/", "a/a")]:
            self.settings(prefix_for_stored_virtual_keys=prefix)
            self.stub.responds({"path": "p", "version": 1})
            self.hook(Hooks._store_virtual_key_in_secret_manager, alias, VALUE)
            self.assertEqual(self.stub.requests.pop()[2]["alias"], alias, prefix)
        with self.assertLogs("km_litellm", "ERROR"), self.assertRaises(Exception):
            asyncio.run(self.manager.async_write_secret("elsewhere/a", VALUE))
        self.assertEqual(self.stub.requests, [])

    def test_description_is_sent_and_tags_cause_a_warning(self):
        self.settings(description="by LiteLLM", tags={"a": "b"})
        self.stub.responds({"path": "p", "version": 1})
        with self.assertLogs("km_litellm", "WARNING"):
            self.hook(Hooks._store_virtual_key_in_secret_manager, "a", VALUE)
        self.assertEqual(self.stub.requests[0][2]["description"], "by LiteLLM")

    def test_skipped_key_causes_a_warning(self):
        self.stub.responds({"skipped": True})
        with self.assertLogs("km_litellm", "WARNING") as logs:
            self.hook(Hooks._store_virtual_key_in_secret_manager, "a", VALUE)
        self.assertIn("litellm/a is not stored", logs.output[0])

    def test_failed_change_is_logged_and_raised(self):
        store = Hooks._store_virtual_key_in_secret_manager
        rename = Hooks._rename_virtual_key_in_secret_manager
        for hook, given, what in [
            (store, ("a", VALUE), "store litellm/a"),
            (Hooks._rotate_virtual_key_in_secret_manager, ("a", "b", VALUE), "rotate litellm/a"),
            (rename, ("a", "b"), "rename litellm/a"),
        ]:
            self.stub.responds_with_error(409, "conflict", "it is taken")
            with self.assertLogs("km_litellm", "ERROR") as logs:
                with self.assertRaisesRegex(Exception, "it is taken"):
                    self.hook(hook, *given)
            self.assertIn(f"km: {what} failed: it is taken", logs.output[0])
            self.assertNotIn(VALUE, logs.output[0])

    def test_failed_deletion_does_not_prevent_others(self):
        class Key:
            team_id = None

            def __init__(self, alias):
                self.key_alias = alias

        self.stub.responds_with_error(403, "denied")
        self.stub.responds({"deleted": "p"})
        with self.assertLogs("km_litellm", "ERROR") as logs:
            keys = [Key("a"), Key("b")]
            self.hook(Hooks._delete_virtual_keys_from_secret_manager, keys, team=TEAM)
        self.assertIn("delete litellm/a failed", logs.output[0])
        body = {"team_settings": TEAM}
        asked = [("DELETE", f"{KEYS}/a", body), ("DELETE", f"{KEYS}/b", body)]
        self.assertEqual(self.stub.requests, asked)

    def test_placeholder_of_a_stored_key_is_not_a_value(self):
        read = asyncio.run(self.manager.async_read_secret("litellm/a", TEAM))
        self.assertNotIsInstance(read, str)
        with self.assertRaises(TypeError):
            self.hook(Hooks._store_virtual_key_in_secret_manager, "a", read)
        self.assertEqual(self.stub.requests, [])
