"""tests/data/malformed is what tests/make_malformed.py writes."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def files_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class MakeMalformed(unittest.TestCase):
    def test_writes_the_files_that_are_checked_in(self):
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run([sys.executable, "-B", TESTS / "make_malformed.py", scratch], check=True)
            made, kept = files_in(Path(scratch)), files_in(TESTS / "data/malformed")
        self.assertEqual(made.keys(), kept.keys())
        for name in made:
            self.assertEqual(made[name], kept[name], name)

    def test_names_a_file_after_its_code(self):
        manifest = (TESTS / "data/malformed/manifest.txt").read_text(encoding="utf-8").splitlines()
        self.assertGreater(len(manifest), 32)
        for line in manifest:
            name, _, code, found_by, message = line.split("\t")
            self.assertEqual(name.split("-")[0], code)
            self.assertIn(found_by, ("structure", "data", "values"))
            self.assertTrue(message)


if __name__ == "__main__":
    unittest.main()
