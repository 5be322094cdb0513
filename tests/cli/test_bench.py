"""tools/bench from end to end, with small sizes: whether it measures and reports, not how fast anything is."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent.parent / "tools/bench"
PROGRAM = os.environ["LARDER_BENCH"]


class Bench(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.directory = Path(scratch.name)

    def bench(self, *arguments):
        return subprocess.run([sys.executable, BENCH, "--program", PROGRAM, "--output", self.directory / "out",
                               "--directory", self.directory / "files", *arguments],
                              capture_output=True, text=True, timeout=280)

    def test_every_row_has_numbers(self):
        done = self.bench("--smoke")
        self.assertEqual(done.returncode, 0, done.stderr)
        results = json.loads((self.directory / "out/results.json").read_text())
        page = (self.directory / "out/results.md").read_text()
        rows = [row for group in results["groups"].values() for row in group["rows"]]
        self.assertIn("dump-disk", [row["row"] for row in rows])
        for row in rows:
            with self.subTest(row["row"]):
                self.assertGreaterEqual(row["value"], 0)
                self.assertGreaterEqual(row["spread"], 0)
                self.assertTrue(row["ratio"] == "absolute" or row["floor"] > 0)
                self.assertIn(row["verdict"], ("holds", "misses", "noisy", "for information"))
                self.assertEqual(page.count(f"| {row['row']} |"), 1)
                for peer, value in row["peers"].items():
                    if peer in results["peers"]:
                        self.assertEqual(value is None, results["peers"][peer] is None)
                    elif value is not None:  # a library that was there when larder_bench was built
                        self.assertGreaterEqual(value, 0)
        if results["peers"]["joblib"] is None:
            self.assertIn("joblib is not installed", page)
        self.assertEqual(list((self.directory / "files").iterdir()), [], "the files it measured with are gone")

    def test_a_group_can_be_chosen(self):
        self.assertEqual(self.bench("--smoke", "--only", "hash").returncode, 0)
        results = json.loads((self.directory / "out/results.json").read_text())
        self.assertEqual(list(results["groups"]), ["hash"])

    def test_an_unknown_group_is_refused_by_name(self):
        refused = self.bench("--only", "nonsense")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("there is no group nonsense; there are dump", refused.stderr)

    def test_single_calls_can_be_shown(self):
        shown = self.bench("--smoke", "--calls")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        for call in "munmap", "a look at one number", "look again", "give it its name":
            rows = [line.strip("| ").split(" | ") for line in shown.stdout.splitlines() if line.startswith(f"| {call} |")]
            self.assertGreaterEqual(len(rows), 1)
            for row in rows:
                self.assertGreater(float(row[-1]), 0, row)
        self.assertEqual(list((self.directory / "files").iterdir()), [], "the files it measured with are gone")

    def test_rows_can_be_listed(self):
        self.assertIn("hash-sealed", self.bench("--list").stdout)


if __name__ == "__main__":
    unittest.main()
