"""The deployments of a configuration, and which attempts are theirs."""

import unittest

from km_litellm.deployments import Deployment, Deployments
from km_litellm.protocol import KmError


def entry(name="m", id=None, **params):
    given = {"model_name": name, "litellm_params": {"model": "openai/gpt-4o"} | params}
    return given | ({} if id is None else {"model_info": {"id": id}})


def attempt(name="m", info=None, **params):
    """The parameters of an attempt, as the router makes them."""
    return {
        "model": "openai/gpt-4o",
        "metadata": {"deployment_model_name": name},
        "model_info": {"id": "hash"} if info is None else info,
    } | params


KEY = {"api_key": "os.environ/KEY"}


class DeploymentsTest(unittest.TestCase):
    def references(self, model_list, kwargs):
        deployment = Deployments(model_list).of(kwargs)
        return deployment and deployment.references

    def test_references_are_texts_with_the_prefix_that_the_router_does_not_read(self):
        params = {
            "api_key": "os.environ/KEY",
            "aws_secret_access_key": "os.environ/AWS/SECRET",
            "api_base": "https://api.example/os.environ/X",
            "organization": "os.environ/",
            "rpm": "os.environ/RPM",
            "timeout": "os.environ/TIMEOUT",
            "max_tokens": 5,
            "extra_headers": {"x": "os.environ/NESTED"},
        }
        expected = {"api_key": "KEY", "aws_secret_access_key": "AWS/SECRET"}
        self.assertEqual(Deployment.of(entry(**params)).references, expected)
        self.assertEqual(Deployments([entry(**params), entry("n", **KEY)]).names(), {"KEY", "AWS/SECRET"})

    def test_attempt_of_a_deployment_has_its_references(self):
        for metadata in ("metadata", "litellm_metadata"):
            kwargs = attempt()
            kwargs[metadata] = kwargs.pop("metadata")
            self.assertEqual(self.references([entry(**KEY)], kwargs), {"api_key": "KEY"})

    def test_attempt_of_another_deployment_has_none(self):
        for kwargs in [
            attempt("other"),
            attempt(model="anthropic/claude"),
            attempt(model=None),
            {"model": "openai/gpt-4o"},
            {"model": "openai/gpt-4o", "metadata": None, "litellm_metadata": "m"},
        ]:
            self.assertIsNone(self.references([entry(**KEY)], kwargs), kwargs)

    def test_attempt_that_goes_to_another_host_gets_no_key(self):
        there = "https://there.example/v1"
        for param in ("api_base", "base_url", "aws_bedrock_runtime_endpoint", "aws_sts_endpoint"):
            elsewhere = attempt(**{param: "https://attacker.example/v1"})
            self.assertIsNone(self.references([entry(**KEY)], elsewhere), param)
            configured = [entry(**KEY, **{param: there})]
            self.assertIsNone(self.references(configured, elsewhere), param)
            self.assertIsNone(self.references(configured, attempt()), param)
            self.assertEqual(self.references(configured, attempt(**{param: there})), {"api_key": "KEY"})

    def test_host_that_is_a_reference_is_set_with_the_key(self):
        both = KEY | {"api_base": "os.environ/BASE"}
        for base in (None, "https://at-the-start.example"):
            found = self.references([entry(**both)], attempt(api_base=base))
            self.assertEqual(found, {"api_key": "KEY", "api_base": "BASE"})

    def test_credentials_of_the_client_are_kept(self):
        info = {"id": "another hash", "original_model_id": "hash"}
        self.assertIsNone(self.references([entry(**KEY)], attempt(info=info, api_key="of the client")))

    def test_wildcard_serves_the_models_of_its_pattern(self):
        model_list = [entry("openai/*", model="openai/*", **KEY)]
        for model, expected in [
            ("openai/gpt-4o", {"api_key": "KEY"}),
            ("openai/", {"api_key": "KEY"}),
            ("anthropic/openai/gpt-4o", None),
            (None, None),
        ]:
            found = self.references(model_list, attempt("openai/*", model=model))
            self.assertEqual(found, expected, model)

    def test_identifiers_distinguish_deployments(self):
        model_list = [
            entry(api_key="os.environ/NONE"),
            entry(id="one", api_key="os.environ/ONE"),
            entry(id=2, api_key="os.environ/TWO"),
        ]
        for id, name in [("one", "ONE"), ("2", "TWO"), ("hash", "NONE")]:
            self.assertEqual(self.references(model_list, attempt(info={"id": id})), {"api_key": name})

    def test_upstreams_distinguish_deployments(self):
        model_list = [
            entry(api_base="https://one.example", api_key="os.environ/ONE"),
            entry(api_base="https://two.example", api_key="os.environ/TWO"),
        ]
        found = self.references(model_list, attempt(api_base="https://two.example"))
        self.assertEqual(found, {"api_key": "TWO"})

    def test_deployments_that_differ_only_in_their_names_are_refused(self):
        with self.assertRaises(KmError) as raised:
            Deployments([entry(api_key="os.environ/ONE"), entry(api_key="os.environ/TWO")])
        self.assertEqual(raised.exception.kind, "settings")
        self.assertIn("model_info.id", str(raised.exception))
        # The same name twice is load balancing with weights.
        Deployments([entry(weight=1, **KEY), entry(weight=2, **KEY)])
