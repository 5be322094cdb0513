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
sys.dont_write_bytecode = True
sys.path.insert(0, str(BENCH.parent / "benchmarks"))

import machine  # noqa: E402
from known_peers import is_installed, name_of  # noqa: E402


class Bench(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.directory = Path(scratch.name)

    def bench(self, *arguments, **environment):
        return subprocess.run([sys.executable, BENCH, "--program", PROGRAM, "--output", self.directory / "out",
                               "--directory", self.directory / "files", *arguments],
                              capture_output=True, text=True, env=os.environ | environment)

    def results(self):
        return json.loads((self.directory / "out/results.json").read_text())

    def test_every_row_and_curve_has_numbers(self):
        done = self.bench("--smoke")
        self.assertEqual(done.returncode, 0, done.stderr)
        results = self.results()
        page = (self.directory / "out/results.md").read_text()
        rows = [row for group in results["groups"].values() for row in group["rows"]]
        self.assertIn("dump-disk", [row["row"] for row in rows])
        for row in rows:
            with self.subTest(row["row"]):
                self.assertEqual(page.count(f"- **{row['row']}**:"), 1)
                self.check_row(row, results["peers"])
        curves = [curve for group in results["groups"].values() for curve in group["curves"]]
        self.assertIn("grow-hit-entries", [curve["curve"] for curve in curves])
        for curve in curves:
            with self.subTest(curve["curve"]):
                self.assertIn(f"### {curve['curve']}\n", page)
                self.check_curve(curve)
        self.check_plots([curve["curve"] for curve in curves], done.stderr)
        for peer, version in results["peers"].items():
            self.assertEqual(version is None, f"{name_of(peer)} is not installed" in page)
        self.assertEqual(list((self.directory / "files").iterdir()), [], "the files it measured with are gone")
        missed = self.bench("--missed")
        self.assertEqual(missed.returncode, 0, missed.stderr)
        self.assertIn(missed.stdout, done.stderr)
        for miss in results["missed"]:
            self.assertIn(f"  {miss['row']}: wanted {miss['wanted']}, measured {miss['measured']}\n", missed.stdout)

    def check_row(self, row, versions):
        for peer, value in row["peers"].items():
            self.assertEqual(value is None, peer in row["absent"])
            self.assertEqual(row["absent"].get(peer) == "not installed", not is_installed(peer, versions))
        if row["verdict"] == "without peer":
            return self.assertNotIn("value", row)
        self.assertIn(row["verdict"], ("holds", "misses", "noisy", "for information"))
        self.assertGreaterEqual(row["spread"], 0)
        self.assertTrue(row["ratio"] == "absolute" or row["floor"] > 0)
        if row["ratio"] != "absolute":
            self.assertGreaterEqual(row["value"], 0)

    def check_curve(self, curve):
        for who, values in curve["series"].items():
            self.assertEqual(len(values), len(curve["points"]))
            self.assertEqual(not any(values), who in curve["absent"])
        self.assertTrue(all(curve["series"]["larder"]))

    def check_plots(self, curves, said):
        if machine.python_with("matplotlib"):
            for name in *curves, "summary":
                text = (self.directory / f"out/plots/{name}.svg").read_text()
                self.assertIn("larder", text)
        else:
            self.assertIn("apt-get install python3-matplotlib", said)

    def test_a_peer_that_is_not_installed_is_reported(self):
        hidden = self.directory / "hidden"
        hidden.mkdir()
        for module in "joblib", "matplotlib":
            (hidden / f"{module}.py").write_text("raise ImportError\n")
        done = self.bench("--smoke", "--only", "hash", "--only", "cache", PYTHONPATH=str(hidden))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("apt-get install python3-matplotlib", done.stderr)
        results = self.results()
        self.assertIsNone(results["peers"]["joblib"])
        rows = {row["row"]: row for group in results["groups"].values() for row in group["rows"]}
        self.assertEqual(rows["hash-1t"]["absent"], {"joblib": "not installed"})
        self.assertEqual(rows["cache-hit-joblib-disk"]["verdict"], "without peer")
        page = (self.directory / "out/results.md").read_text()
        self.assertIn("joblib is not installed", page)
        self.assertRegex(page, r"\| hash-1t \|.*\| not installed \|")

    def test_a_group_can_be_chosen_and_the_others_stay(self):
        self.assertEqual(self.bench("--smoke", "--only", "hash").returncode, 0)
        before = self.results()
        self.assertEqual(list(before["groups"]), ["hash"])
        self.assertEqual(self.bench("--smoke", "--only", "memory", "--only", "map").returncode, 0)
        after = self.results()
        self.assertEqual(list(after["groups"]), ["map", "hash", "memory"])
        self.assertEqual(after["groups"]["hash"]["samples"], before["groups"]["hash"]["samples"])

    def test_what_was_measured_under_other_conditions_does_not_stay(self):
        path = self.directory / "out/results.json"
        path.parent.mkdir()
        path.write_text(json.dumps({"conditions": {"processor": "another"}, "groups": {"dump": {}}}))
        done = self.bench("--smoke", "--only", "hash")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("was measured under other conditions", done.stderr)
        self.assertEqual(list(self.results()["groups"]), ["hash"])

    def test_missed_targets_are_read_from_a_file(self):
        refused = self.bench("--missed", self.directory / "nowhere.json")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("has no results of tools/bench", refused.stderr)

    def test_an_unknown_group_is_refused_by_name(self):
        refused = self.bench("--only", "nonsense")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("there is no group nonsense; there are dump", refused.stderr)

    def test_single_calls_can_be_shown(self):
        shown = self.bench("--smoke", "--calls")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        for call in "munmap", "a look at one number", "lock the key", "give it its name":
            rows = [line.strip("| ").split(" | ") for line in shown.stdout.splitlines() if line.startswith(f"| {call} |")]
            self.assertGreaterEqual(len(rows), 1)
            for row in rows:
                self.assertGreater(float(row[-1]), 0, row)
        self.assertEqual(list((self.directory / "files").iterdir()), [], "the files it measured with are gone")

    def test_rows_and_curves_can_be_listed(self):
        listed = self.bench("--list").stdout
        self.assertIn("hash-sealed", listed)
        self.assertIn("grow-hit-entries", listed)


if __name__ == "__main__":
    unittest.main()
