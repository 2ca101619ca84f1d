"""The client: addresses, tokens, paths, responses and errors."""

import asyncio
import os
import tempfile
import unittest
import unittest.mock
from pathlib import Path

from km_litellm import AsyncKmClient, KmClient, KmError, Secret

from .stub import Stub

VALUE = "PLANTED-value"
TOKEN = "PLANTED-token"


class ClientTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.stub = self.enterContext(Stub())
        self.client = KmClient(self.stub.address, TOKEN)

    def fails(self, kind, operation, *given):
        """Asserts that it raises this kind with a message without secrets. Returns the message."""
        with self.assertRaises(KmError) as raised:
            operation(*given)
        self.assertEqual(raised.exception.kind, kind)
        message = str(raised.exception)
        self.assertNotIn("PLANTED", message)
        self.assertIsNone(raised.exception.__cause__)
        return message

    def test_secret_is_read(self):
        self.stub.responds({"value": VALUE, "version": 3, "age_seconds": 0, "stale": False})
        self.assertEqual(self.client.secret("OPENAI_API_KEY"), VALUE)
        self.assertEqual(self.stub.requests, [("GET", "/km/v1/secrets/OPENAI_API_KEY", None)])
        self.assertEqual(self.stub.tokens, [TOKEN])

    def test_secret_is_read_with_its_version(self):
        path = "/km/v1/secrets/A"
        for given, requested in [
            ({}, path),
            ({"unless_version": 3}, f"{path}?unless_version=3"),
            ({"refresh": True}, f"{path}?refresh=true"),
        ]:
            for stale in (False, True):
                for read in (self.client.read, self.asynchronously):
                    self.stub.responds({"value": VALUE, "version": 3, "stale": stale})
                    self.assertEqual(read("A", **given), Secret(VALUE, 3, stale))
                    self.assertEqual(self.stub.requests.pop(), ("GET", requested, None))

    def asynchronously(self, name, **given):
        return asyncio.run(AsyncKmClient(self.stub.address, TOKEN).read(name, **given))

    def test_representation_of_a_secret_has_no_value(self):
        self.assertNotIn("PLANTED", repr(Secret(VALUE, 3)))

    def test_failed_refresh_is_logged_without_the_value(self):
        error = {"kind": "unavailable", "message": "PLANTED"}
        self.stub.responds({"value": VALUE, "version": 3, "refresh_error": error})
        with self.assertLogs("km_litellm", "WARNING") as logs:
            self.assertEqual(self.client.read("A", unless_version=3).version, 3)
        self.assertIn("unavailable", logs.output[0])
        self.assertNotIn("PLANTED", logs.output[0])

    def test_asynchronous_errors_are_those_of_the_client(self):
        self.stub.responds_with_error(404, "not_found")
        self.assertIsNone(self.asynchronously("A"))
        for kind, status in [("denied", 403), ("unavailable", 503)]:
            self.stub.responds_with_error(status, kind)
            self.fails(kind, self.asynchronously, "A")
        for document in ({"value": 1}, {"value": VALUE, "version": "1"}, "PLANTED"):
            self.stub.responds(document)
            self.fails("unavailable", self.asynchronously, "A")
        nobody = AsyncKmClient(f"unix:{self.folder}/nobody.sock", TOKEN)
        self.assertIn("cannot connect", self.fails("unavailable", asyncio.run, nobody.read("A")))

    def test_asynchronous_client_reads_a_rotated_token_again_once(self):
        file = self.folder / "token"
        file.write_text("PLANTED-old")
        file.chmod(0o600)
        client = AsyncKmClient(self.stub.address, token_file=file)
        file.write_text("PLANTED-new")
        for rejections in (1, 2):
            for _ in range(rejections):
                self.stub.responds_with_error(401, "auth")
            self.stub.secrets["A"] = (VALUE, 1)
            if rejections == 1:
                self.assertEqual(asyncio.run(client.read("A")).value, VALUE)
            else:
                self.fails("auth", asyncio.run, client.read("A"))
        self.assertEqual(self.stub.tokens, ["PLANTED-old", "PLANTED-new", "PLANTED-new"])

    def test_asynchronous_client_reuses_its_connection(self):
        self.stub.secrets["A"] = (VALUE, 1)

        async def read_twice(client):
            return [(await client.read("A")).value for _ in range(2)]

        client = AsyncKmClient(self.stub.address, TOKEN)
        # Also from another event loop.
        for _ in range(2):
            self.assertEqual(asyncio.run(read_twice(client)), [VALUE, VALUE])
        self.assertEqual(self.stub.connections(), 2)

    def test_name_is_encoded_as_one_segment(self):
        for name, segment in [
            ("a/b", "a%2Fb"),
            ("a?b#c", "a%3Fb%23c"),
            ("50%", "50%25"),
            ("a%2Fb", "a%252Fb"),
            ("ä b", "%C3%A4%20b"),
            ("../x", "..%2Fx"),
        ]:
            self.stub.responds({"value": VALUE})
            self.client.secret(name)
            self.assertEqual(self.stub.requests.pop()[1], f"/km/v1/secrets/{segment}", name)

    def test_invalid_name_is_not_requested(self):
        for name in ("", ".", "..", "\ud800"):
            self.fails("usage", self.client.secret, name)
        self.assertEqual(self.stub.requests, [])

    def test_missing_name_is_none(self):
        self.stub.responds_with_error(404, "not_found")
        self.assertIsNone(self.client.secret("NOTHING"))

    def test_error_response_has_its_kind(self):
        for status, kind in [
            (400, "settings"),
            (401, "auth"),
            (403, "denied"),
            (409, "conflict"),
            (422, "stored_value"),
            (503, "unavailable"),
        ]:
            self.stub.responds_with_error(status, kind, "sealed", "unseal it")
            message = self.fails(kind, self.client.secret, "A")
            self.assertEqual(message, f"sealed ({kind}; hint: unseal it)")

    def test_invalid_response_is_an_error(self):
        for status, document in [
            (200, "PLANTED"),
            (200, "[]"),
            (200, {"value": 1}),
            (200, {}),
            (404, "PLANTED"),
            (404, {"errors": ["PLANTED"]}),
            (404, {"error": {"kind": 1}}),
            (302, {}),
        ]:
            self.stub.responds(document, status)
            self.fails("unavailable", self.client.secret, "A")

    def test_operations_on_keys_send_their_requests(self):
        team = {"namespace": "teams/a", "mount": None}
        for operation, given, asked in [
            (
                self.client.store,
                {"alias": "a/b", "value": VALUE, "description": "d", "team": team},
                ("POST", "", {"alias": "a/b", "value": VALUE, "description": "d"}),
            ),
            (
                self.client.rotate,
                {"alias": "a/b", "value": VALUE, "team": team},
                ("POST", "/a%2Fb/rotate", {"value": VALUE}),
            ),
            (
                self.client.rotate,
                {"alias": "a", "value": VALUE, "to": "b", "team": team},
                ("POST", "/a/rotate", {"value": VALUE, "to": "b"}),
            ),
            (
                self.client.rename,
                {"alias": "a", "to": "b", "team": team},
                ("POST", "/a/rename", {"to": "b"}),
            ),
            (self.client.delete, {"alias": "a", "team": team}, ("DELETE", "/a", {})),
        ]:
            self.stub.responds({"path": "p", "version": 1})
            self.assertEqual(operation(**given), {"path": "p", "version": 1})
            method, path, body = asked
            # A null is passed on, because it has a meaning for km.
            expected = (method, f"/km/v1/keys{path}", body | {"team_settings": team})
            self.assertEqual(self.stub.requests.pop(), expected)

    def test_key_without_a_team_has_no_team_settings(self):
        self.stub.responds({"deleted": "p"})
        self.client.delete("a")
        self.assertEqual(self.stub.requests, [("DELETE", "/km/v1/keys/a", {})])

    def test_socket_and_token_file_come_from_the_environment(self):
        file = self.folder / "token"
        for text in (f"{TOKEN}", f"{TOKEN}\n", f"{TOKEN}\r\n"):
            file.write_text(text, newline="")
            with Stub(f"{self.folder}/km.sock") as stub:
                for address in ({"KM_SERVE_ADDR": stub.address}, {"XDG_RUNTIME_DIR": self.folder}):
                    stub.responds({"value": VALUE})
                    client = KmClient.from_environment(address | {"KM_SERVE_TOKEN_FILE": f"{file}"})
                    self.assertEqual(client.secret("A"), VALUE)
                self.assertEqual(stub.tokens, [TOKEN, TOKEN])
            (self.folder / "km.sock").unlink()

    def test_proxy_of_the_environment_is_not_used(self):
        with unittest.mock.patch.dict("os.environ", {"HTTP_PROXY": "http://127.0.0.1:9"}):
            self.stub.responds({"value": VALUE})
            self.assertEqual(KmClient(self.stub.address).secret("A"), VALUE)

    def test_invalid_settings_are_refused(self):
        empty = self.folder / "empty"
        empty.write_text("\n")
        lines = self.folder / "lines"
        lines.write_text("PLANTED\nPLANTED")
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        for environment in [
            {},
            {"KM_SERVE_ADDR": "https://vault.example"},
            {"KM_SERVE_ADDR": "http://vault.example"},
            {"KM_SERVE_ADDR": "http://10.0.0.1:8210"},
            {"KM_SERVE_ADDR": "http://0.0.0.0:8210"},
            {"KM_SERVE_ADDR": "http://localhost.example:8210"},
            {"KM_SERVE_ADDR": "http://127.0.0.1.example:8210"},
            {"KM_SERVE_ADDR": "http://127.0.0.1@example:8210"},
            {"KM_SERVE_ADDR": "http://u:p@127.0.0.1:8210"},
            {"KM_SERVE_ADDR": "http://127.0.0.1:8210/path"},
            {"KM_SERVE_ADDR": "https://127.0.0.1:8210"},
            {"KM_SERVE_ADDR": "http://127.0.0.1:port"},
            {"KM_SERVE_ADDR": "http://"},
            {"KM_SERVE_ADDR": "/run/km.sock"},
            {"KM_SERVE_ADDR": "unix:/x", "KM_SERVE_TOKEN_FILE": f"{self.folder}/none"},
            {"KM_SERVE_ADDR": "unix:/x", "KM_SERVE_TOKEN_FILE": f"{empty}"},
            {"KM_SERVE_ADDR": "unix:/x", "KM_SERVE_TOKEN_FILE": f"{lines}"},
            {"KM_SERVE_ADDR": "unix:/x", "KM_SERVE_TOKEN_FILE": f"{fifo}"},
            {"KM_SERVE_ADDR": "unix:/x", "KM_SERVE_TOKEN_FILE": f"{self.folder}"},
        ]:
            self.fails("settings", KmClient.from_environment, environment)

    def test_loopback_addresses_are_accepted(self):
        for address in ("http://127.0.0.1:8210", "http://localhost:8210/", "http://[::1]:8210"):
            KmClient(address, TOKEN)

    def test_token_file_that_every_user_can_read_causes_a_warning(self):
        file = self.folder / "token"
        file.write_text(TOKEN)
        for mode in (0o600, 0o640):
            file.chmod(mode)
            with self.assertNoLogs("km_litellm"):
                KmClient(self.stub.address, token_file=file)
        file.chmod(0o644)
        with self.assertLogs("km_litellm", "WARNING") as logs:
            KmClient(self.stub.address, token_file=file)
        self.assertIn("readable by every user", logs.output[0])
        self.assertNotIn("PLANTED", logs.output[0])

    def test_token_that_was_rotated_is_read_again_once(self):
        file = self.folder / "token"
        file.write_text("PLANTED-old")
        file.chmod(0o600)
        client = KmClient(self.stub.address, token_file=file)
        file.write_text("PLANTED-new")
        self.stub.responds_with_error(401, "auth")
        self.stub.responds({"value": VALUE})
        self.assertEqual(client.secret("A"), VALUE)
        self.stub.responds({"path": "p", "version": 1})
        client.store("a", VALUE)
        self.assertEqual(self.stub.tokens, ["PLANTED-old", "PLANTED-new", "PLANTED-new"])
        # The same token is not sent again, and a changed one once.
        self.stub.responds_with_error(401, "auth")
        self.fails("auth", client.secret, "A")
        file.write_text("PLANTED-third")
        self.stub.responds_with_error(401, "auth")
        self.stub.responds_with_error(401, "auth")
        self.fails("auth", client.secret, "A")
        self.assertEqual(len(self.stub.tokens), 6)

    def test_token_file_that_is_gone_after_a_rejection_is_an_error(self):
        file = self.folder / "token"
        file.write_text(TOKEN)
        client = KmClient(self.stub.address, token_file=file)
        file.unlink()
        self.stub.responds_with_error(401, "auth")
        self.fails("settings", client.secret, "A")

    def test_token_that_is_not_from_a_file_is_not_sent_again(self):
        self.stub.responds_with_error(401, "auth")
        self.fails("auth", self.client.secret, "A")
        self.assertEqual(len(self.stub.tokens), 1)

    def test_refused_connection_is_unavailable(self):
        client = KmClient(f"unix:{self.folder}/nobody.sock", TOKEN)
        self.assertIn("cannot connect", self.fails("unavailable", client.secret, "A"))

    def test_truncated_response_is_unavailable(self):
        self.stub.server.responses.append((200, b"{"))
        self.fails("unavailable", self.client.store, "a", VALUE)
