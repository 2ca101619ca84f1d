"""The door alone: addresses, tokens, paths, answers and errors."""

import os
import tempfile
import unittest
import unittest.mock
from pathlib import Path

from km_litellm import Door, KmError

from .stub import Stub

VALUE = "PLANTED-value"
TOKEN = "PLANTED-token"


class DoorTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.stub = self.enterContext(Stub())
        self.door = Door(self.stub.address, TOKEN)

    def fails(self, kind, operation, *given):
        """It raises that kind, in words that hold no secret. Returns them."""
        with self.assertRaises(KmError) as raised:
            operation(*given)
        self.assertEqual(raised.exception.kind, kind)
        said = str(raised.exception)
        self.assertNotIn("PLANTED", said)
        self.assertIsNone(raised.exception.__cause__)
        return said

    def test_a_secret_is_read(self):
        self.stub.says({"value": VALUE, "version": 3, "age_seconds": 0, "stale": False})
        self.assertEqual(self.door.secret("OPENAI_API_KEY"), VALUE)
        self.assertEqual(self.stub.asked, [("GET", "/km/v1/secrets/OPENAI_API_KEY", None)])
        self.assertEqual(self.stub.tokens, [TOKEN])

    def test_a_name_is_one_segment(self):
        for name, segment in [
            ("a/b", "a%2Fb"),
            ("a?b#c", "a%3Fb%23c"),
            ("50%", "50%25"),
            ("a%2Fb", "a%252Fb"),
            ("ä b", "%C3%A4%20b"),
            ("../x", "..%2Fx"),
        ]:
            self.stub.says({"value": VALUE})
            self.door.secret(name)
            self.assertEqual(self.stub.asked.pop()[1], f"/km/v1/secrets/{segment}", name)

    def test_what_is_no_name_is_not_asked_for(self):
        for name in ("", ".", "..", "\ud800"):
            self.fails("usage", self.door.secret, name)
        self.assertEqual(self.stub.asked, [])

    def test_none_of_that_name_is_none(self):
        self.stub.refuses(404, "not_found")
        self.assertIsNone(self.door.secret("NOTHING"))

    def test_each_other_refusal_is_an_error_of_its_kind(self):
        for status, kind in [
            (400, "settings"),
            (401, "auth"),
            (403, "denied"),
            (409, "conflict"),
            (422, "stored_value"),
            (503, "unavailable"),
        ]:
            self.stub.refuses(status, kind, "sealed", "unseal it")
            said = self.fails(kind, self.door.secret, "A")
            self.assertEqual(said, f"sealed ({kind}; hint: unseal it)")

    def test_what_is_no_answer_of_km_is_an_error(self):
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
            self.stub.says(document, status)
            self.fails("unavailable", self.door.secret, "A")

    def test_the_operations_on_keys(self):
        team = {"namespace": "teams/a", "mount": None}
        for operation, given, asked in [
            (
                self.door.store,
                {"alias": "a/b", "value": VALUE, "description": "d", "team": team},
                ("POST", "", {"alias": "a/b", "value": VALUE, "description": "d"}),
            ),
            (
                self.door.rotate,
                {"alias": "a/b", "value": VALUE, "team": team},
                ("POST", "/a%2Fb/rotate", {"value": VALUE}),
            ),
            (
                self.door.rotate,
                {"alias": "a", "value": VALUE, "to": "b", "team": team},
                ("POST", "/a/rotate", {"value": VALUE, "to": "b"}),
            ),
            (
                self.door.rename,
                {"alias": "a", "to": "b", "team": team},
                ("POST", "/a/rename", {"to": "b"}),
            ),
            (self.door.delete, {"alias": "a", "team": team}, ("DELETE", "/a", {})),
        ]:
            self.stub.says({"path": "p", "version": 1})
            self.assertEqual(operation(**given), {"path": "p", "version": 1})
            method, path, body = asked
            # A null of LiteLLM's is passed on: it means something to km.
            expected = (method, f"/km/v1/keys{path}", body | {"team_settings": team})
            self.assertEqual(self.stub.asked.pop(), expected)

    def test_without_a_team_there_are_no_settings_of_one(self):
        self.stub.says({"deleted": "p"})
        self.door.delete("a")
        self.assertEqual(self.stub.asked, [("DELETE", "/km/v1/keys/a", {})])

    def test_a_socket_and_the_environment(self):
        file = self.folder / "token"
        for text in (f"{TOKEN}", f"{TOKEN}\n", f"{TOKEN}\r\n"):
            file.write_text(text, newline="")
            with Stub(f"{self.folder}/km.sock") as stub:
                for address in ({"KM_SERVE_ADDR": stub.address}, {"XDG_RUNTIME_DIR": self.folder}):
                    stub.says({"value": VALUE})
                    door = Door.from_environment(address | {"KM_SERVE_TOKEN_FILE": f"{file}"})
                    self.assertEqual(door.secret("A"), VALUE)
                self.assertEqual(stub.tokens, [TOKEN, TOKEN])
            (self.folder / "km.sock").unlink()

    def test_a_proxy_of_the_environment_is_not_used(self):
        with unittest.mock.patch.dict("os.environ", {"HTTP_PROXY": "http://127.0.0.1:9"}):
            self.stub.says({"value": VALUE})
            self.assertEqual(Door(self.stub.address).secret("A"), VALUE)

    def test_settings_that_can_not_be_are_refused(self):
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
            self.fails("settings", Door.from_environment, environment)

    def test_loopback_addresses_are_accepted(self):
        for address in ("http://127.0.0.1:8210", "http://localhost:8210/", "http://[::1]:8210"):
            Door(address, TOKEN)

    def test_token_file_that_every_user_can_read_causes_a_warning(self):
        file = self.folder / "token"
        file.write_text(TOKEN)
        for mode in (0o600, 0o640):
            file.chmod(mode)
            with self.assertNoLogs("km_litellm"):
                Door(self.stub.address, token_file=file)
        file.chmod(0o644)
        with self.assertLogs("km_litellm", "WARNING") as logs:
            Door(self.stub.address, token_file=file)
        self.assertIn("readable by every user", logs.output[0])
        self.assertNotIn("PLANTED", logs.output[0])

    def test_token_that_was_rotated_is_read_again_once(self):
        file = self.folder / "token"
        file.write_text("PLANTED-old")
        file.chmod(0o600)
        door = Door(self.stub.address, token_file=file)
        file.write_text("PLANTED-new")
        self.stub.refuses(401, "auth")
        self.stub.says({"value": VALUE})
        self.assertEqual(door.secret("A"), VALUE)
        self.stub.says({"path": "p", "version": 1})
        door.store("a", VALUE)
        self.assertEqual(self.stub.tokens, ["PLANTED-old", "PLANTED-new", "PLANTED-new"])
        # The same token is not sent again, and another one only once.
        self.stub.refuses(401, "auth")
        self.fails("auth", door.secret, "A")
        file.write_text("PLANTED-third")
        self.stub.refuses(401, "auth")
        self.stub.refuses(401, "auth")
        self.fails("auth", door.secret, "A")
        self.assertEqual(len(self.stub.tokens), 6)

    def test_token_file_that_is_gone_after_a_rejection_is_an_error(self):
        file = self.folder / "token"
        file.write_text(TOKEN)
        door = Door(self.stub.address, token_file=file)
        file.unlink()
        self.stub.refuses(401, "auth")
        self.fails("settings", door.secret, "A")

    def test_token_that_is_not_from_a_file_is_not_sent_again(self):
        self.stub.refuses(401, "auth")
        self.fails("auth", self.door.secret, "A")
        self.assertEqual(len(self.stub.tokens), 1)

    def test_nobody_there_is_unavailable(self):
        door = Door(f"unix:{self.folder}/nobody.sock", TOKEN)
        self.assertIn("can't be reached", self.fails("unavailable", door.secret, "A"))

    def test_an_answer_that_breaks_off_is_unavailable(self):
        self.stub.server.answers.append((200, b"{"))
        self.fails("unavailable", self.door.store, "a", VALUE)
