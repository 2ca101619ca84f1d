"""The values of names: what is asked of `km serve`, and what is used if it cannot be asked."""

import asyncio
import unittest

from km_litellm.protocol import KmError, Secret
from km_litellm.values import PAUSE_SECONDS, TIMEOUT_SECONDS, Values

NAME = "KEY"
OLD, NEW = "PLANTED-old", "PLANTED-new"


class Client:
    """A client of `km serve` that returns or raises what is prepared."""

    def __init__(self):
        self.results = []
        self.requests = []
        self.timeouts = []

    async def read(self, name, unless_version=None, refresh=False, timeout=None):
        self.requests.append((name, unless_version, refresh))
        self.timeouts.append(timeout)
        await asyncio.sleep(0)
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


class ValuesTest(unittest.TestCase):
    def setUp(self):
        self.now = 100.0
        self.client = Client()
        self.values = Values(self.client, max_stale=60, clock=lambda: self.now)

    def current(self, *results):
        self.client.results += results
        return asyncio.run(self.values.current(NAME))

    def fails(self, kind, *results):
        with self.assertRaises(KmError) as raised:
            self.current(*results)
        self.assertEqual(raised.exception.kind, kind)
        self.assertNotIn("PLANTED", str(raised.exception))

    def reject(self, value, *results):
        self.client.results += results
        asyncio.run(self.values.reject(NAME, value))

    def test_each_attempt_asks_and_uses_the_result(self):
        for secret in (Secret(OLD, 1), Secret(OLD, 1), Secret(NEW, 2)):
            self.assertEqual(self.current(secret), secret.value)
        self.assertEqual(self.client.requests, [(NAME, None, False)] * 3)

    def test_name_that_was_never_there_is_none(self):
        self.assertIsNone(self.current(None))
        self.assertEqual(self.current(Secret(NEW, 1)), NEW)

    def test_deleted_name_is_an_error_until_it_is_back(self):
        self.current(Secret(OLD, 1))
        self.fails("not_found", None)
        self.fails("not_found", None)
        self.fails("unavailable", KmError("unavailable", "down"))
        self.assertEqual(self.current(Secret(NEW, 3)), NEW)

    def test_definite_error_ends_the_last_value(self):
        for kind in ("denied", "stored_value"):
            self.current(Secret(OLD, 1))
            self.fails(kind, KmError(kind, "no"))
            self.fails("unavailable", KmError("unavailable", "down"))

    def test_last_value_bridges_an_outage_for_a_limited_time(self):
        for kind in ("unavailable", "auth", "settings", "internal"):
            self.current(Secret(OLD, 1))
            with self.assertLogs("km_litellm", "WARNING") as logs:
                self.assertEqual(self.current(KmError(kind, "down")), OLD)
                self.now += 59
                self.assertEqual(self.current(KmError(kind, "down")), OLD)
            self.assertEqual(len(logs.output), 1)
            self.assertNotIn("PLANTED", logs.output[0])
            self.now += 1
            self.fails(kind, KmError(kind, "down"))
            with self.assertLogs("km_litellm", "WARNING"):
                self.current(Secret(NEW, 2))

    def test_outage_causes_one_request_a_second(self):
        self.current(Secret(OLD, 1))
        self.current(KmError("unavailable", "down"))
        for _ in range(50):
            self.assertEqual(self.current(), OLD)
        self.assertEqual(len(self.client.requests), 2)
        self.now += PAUSE_SECONDS
        self.assertEqual(self.current(Secret(NEW, 2)), NEW)

    def test_sidecar_that_hangs_delays_attempts_less_if_there_is_a_last_value(self):
        self.current(Secret(OLD, 1))
        self.current(Secret(OLD, 1))
        self.assertEqual(self.client.timeouts, [None, TIMEOUT_SECONDS])

    def test_stale_value_does_not_prolong_the_time(self):
        self.current(Secret(OLD, 1))
        self.now += 50
        self.assertEqual(self.current(Secret(OLD, 1, stale=True)), OLD)
        self.now += 10
        self.fails("unavailable", KmError("unavailable", "down"))

    def test_no_value_is_kept_without_max_stale(self):
        self.values = Values(self.client, max_stale=0, clock=lambda: self.now)
        self.current(Secret(OLD, 1))
        self.fails("unavailable", KmError("unavailable", "down"))

    def test_rejected_version_is_read_again(self):
        self.current(Secret(OLD, 1))
        with self.assertLogs("km_litellm", "INFO") as logs:
            self.reject(OLD, Secret(NEW, 2))
        self.assertEqual(self.client.requests[1:], [(NAME, 1, False)])
        self.assertNotIn("PLANTED", logs.output[0])
        # The rejection of the old value by another attempt needs no request.
        self.reject(OLD)
        self.assertEqual(len(self.client.requests), 2)

    def test_value_without_a_version_is_refreshed(self):
        self.current(Secret(OLD, None))
        self.reject(OLD, Secret(NEW, 1))
        self.assertEqual(self.client.requests[1:], [(NAME, None, True)])

    def test_rejection_of_an_unknown_value_needs_no_request(self):
        self.reject(OLD)
        self.current(Secret(NEW, 1))
        for value in (OLD, None):
            self.reject(value)
        self.assertEqual(len(self.client.requests), 1)

    def test_rejection_of_the_newest_version_is_logged(self):
        self.current(Secret(OLD, 1))
        with self.assertLogs("km_litellm", "WARNING") as logs:
            self.reject(OLD, Secret(OLD, 1))
        self.assertIn("which is the newest", logs.output[0])

    def test_refresh_that_fails_keeps_the_value(self):
        self.current(Secret(OLD, 1))
        with self.assertLogs("km_litellm", "WARNING") as logs:
            self.reject(OLD, KmError("unavailable", "down"))
        self.assertNotIn("PLANTED", logs.output[0])
        self.assertEqual(self.current(KmError("unavailable", "down")), OLD)

    def test_newer_value_of_another_attempt_is_not_replaced_by_a_refresh(self):
        self.current(Secret(OLD, 1))

        async def both():
            refresh = self.values.reject(NAME, OLD)
            await asyncio.gather(self.values.current(NAME), refresh)

        # The read returns first; the refresh returns what was current before.
        self.client.results += [Secret(NEW, 2), Secret(OLD, 1)]
        asyncio.run(both())
        self.reject(OLD)
        self.assertEqual(len(self.client.requests), 3)
