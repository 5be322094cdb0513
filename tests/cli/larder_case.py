"""What the tests of the program larder share: samples of every kind of file, a directory to themselves, ways to run it."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

PROGRAM = Path(os.environ["LARDER_COMMAND"])


class LarderCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.samples = Path(scratch.name)
        subprocess.run([os.environ["WRITE_SAMPLES"], cls.samples], check=True)

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.work = Path(scratch.name)

    def take(self, name, to=None):
        """A copy of a sample in self.work, where the program runs."""
        return Path(shutil.copyfile(self.samples / name, self.work / (to or name)))

    def larder(self, *arguments, **options):
        options = {"capture_output": True, "text": True, "errors": "surrogateescape", "cwd": self.work, **options}
        return subprocess.run([PROGRAM, *arguments], **options)

    def flip(self, path, offset, bit=0):
        with open(path, "r+b") as file:
            file.seek(offset, 2 if offset < 0 else 0)
            byte = file.read(1)[0]
            file.seek(-1, 1)
            file.write(bytes([byte ^ 1 << bit]))

    def assert_fine(self, result):
        """Returns what it printed."""
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)
        return result.stdout

    def fine_json(self, *arguments):
        return json.loads(self.assert_fine(self.larder(*arguments, "--json")))

    def assert_complaint(self, result, status, *words):
        """One line on stderr with all the words in it."""
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertRegex(result.stderr, r"\Alarder: [^\n]+\n\Z")
        for word in words:
            self.assertIn(word, result.stderr)
