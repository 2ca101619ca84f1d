"""The wheel: what a package index and a type checker see of it."""

import contextlib
import os
import pathlib
import re
import tempfile
import unittest
import zipfile
from email import message_from_bytes

from flit_core import buildapi

PACKAGE = pathlib.Path(__file__).resolve().parent.parent
REPOSITORY = PACKAGE.parent.parent


class Wheel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as directory, contextlib.chdir(PACKAGE):
            wheel = buildapi.build_wheel(directory)
            with zipfile.ZipFile(os.path.join(directory, wheel)) as archive:
                cls.files = {name: archive.read(name) for name in archive.namelist()}
        (cls.info,) = {name.split("/")[0] for name in cls.files if ".dist-info/" in name}
        cls.metadata = message_from_bytes(cls.files[f"{cls.info}/METADATA"])

    def test_licences_are_those_of_the_repository(self):
        self.assertEqual(self.metadata["License-Expression"], "MIT OR Apache-2.0")
        for name in ("LICENSE-APACHE", "LICENSE-MIT"):
            self.assertIn(name, self.metadata.get_all("License-File"))
            text = self.files[f"{self.info}/licenses/{name}"]
            self.assertEqual(text, (REPOSITORY / name).read_bytes(), name)

    def test_types_are_announced(self):
        self.assertIn("km_litellm/py.typed", self.files)
        self.assertIn("Typing :: Typed", self.metadata.get_all("Classifier"))

    def test_urls_and_links_of_the_readme_are_absolute(self):
        urls = dict(url.split(", ") for url in self.metadata.get_all("Project-URL"))
        self.assertEqual(set(urls), {"Documentation", "Repository", "Changelog", "Issues"})
        links = re.findall(r"\]\(([^)]*)\)", self.metadata.get_payload())
        self.assertTrue(links)
        for link in [*urls.values(), *links]:
            self.assertRegex(link, "^(https://|#)")

    def test_wheel_has_no_tests(self):
        packages = {name.split("/")[0] for name in self.files}
        self.assertEqual(packages, {"km_litellm", self.info})


if __name__ == "__main__":
    unittest.main()
