"""What tools/bench makes of samples: verdicts, misses, curves, the shares of time, the page and the plots."""

import io
import json
import math
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[2] / "tools/benchmarks"
sys.dont_write_bytecode = True
sys.path.insert(0, str(BENCHMARKS))

import driver  # noqa: E402
import machine  # noqa: E402
import page  # noqa: E402
import report  # noqa: E402
from curves import Curve  # noqa: E402
from progress import Cost, Progress  # noqa: E402
from rows import Row  # noqa: E402

VERSIONS = {"numpy": "1.24", "joblib": "1.2", "lmdb": None}
HIT = Row("hit", "a hit, against the bare calls", target=1.5, peers=("joblib", "lmdb", "loky"))
CURVE = Curve("grow-hit", "a hit, against the number of entries", "entries in the cache", "", (100, 1000, 10_000), (100,),
              ("larder", "floor", "joblib", "lmdb"))


def hit(larder, floor=(1.0, 1.0, 1.0), **more):
    return report.evaluate(HIT, {"hit/larder": list(larder), "hit/floor": list(floor), **more}, VERSIONS)


def curve():
    samples = {CURVE.measurement(point, who): [time * factor for factor in (0.9, 1.0, 1.2)]
               for who, time in (("larder", 4e-6), ("floor", 3e-6)) for point in CURVE.points}
    samples[CURVE.measurement(100, "joblib")] = [6e-5, 5e-5, 7e-5]
    return report.evaluate_curve(CURVE, CURVE.points, samples, VERSIONS)


def results(*rows, curves=()):
    made = {
        "conditions": {"date": "today", "larder": "1", "processor": "made up"}, "large_bytes": 16_000_000, "peers": VERSIONS,
        "groups": {"cache": {
            "date": "today", "larder": "1", "rounds": 3, "disturbed_rounds": 1, "others": 0.01, "errors": [], "samples": {},
            "control": {"median": 5.0, "spread": 0.02}, "processors": {"low": 1.3, "high": 1.96}, "rows": list(rows), "curves": list(curves)}},
    }
    return made | {"missed": report.missed(made)}


class Verdicts(unittest.TestCase):
    def test_a_ratio_is_taken_within_each_round(self):
        row = hit(larder=[1.2, 2.4, 12.0], floor=[1.0, 2.0, 10.0])
        self.assertAlmostEqual(row["value"], 1.2)
        self.assertAlmostEqual(row["spread"], 0.0)
        self.assertEqual(row["verdict"], "holds")

    def test_a_median_beyond_the_target_misses(self):
        self.assertEqual(hit(larder=[1.6, 1.7, 1.8])["verdict"], "misses")

    def test_a_spread_that_hides_the_target_is_noisy(self):
        self.assertEqual(hit(larder=[0.5, 1.6, 3.0])["verdict"], "noisy")

    def test_of_speed_more_is_better(self):
        row = Row("dump", "dump", "speed", 0.9)
        for larder, verdict in (1.0, "holds"), (1.2, "misses"):
            samples = {"dump/larder": [larder], "dump/floor": [1.0]}
            self.assertEqual(report.evaluate(row, samples, VERSIONS)["verdict"], verdict)

    def test_a_round_that_failed_is_left_out_and_a_row_without_values_failed(self):
        self.assertEqual(hit(larder=[None, 1.0, 1.0])["rounds"], 2)
        self.assertEqual(hit(larder=[None, None, None])["verdict"], "failed")

    def test_why_a_peer_has_no_value_is_said(self):
        row = hit(larder=[1.0] * 3, **{"hit/loky": [None] * 3})
        self.assertEqual(row["absent"], {"joblib": "not measured", "lmdb": "not installed", "loky": "failed"})
        self.assertIn("| not measured | not installed | failed |", page.markdown(results(row)))

    def test_a_row_that_compares_with_a_missing_peer_stays_in_the_table(self):
        row = report.evaluate(Row("hit-lmdb", "a hit against LMDB", target=1.0, larder="hit/larder", floor=("hit/lmdb",)),
                              {"hit/larder": [1.0]}, VERSIONS)
        self.assertEqual(row["verdict"], "without peer")
        made = results(row)
        self.assertEqual(made["missed"], [])
        self.assertIn("LMDB (not installed)", page.markdown(made))


class Misses(unittest.TestCase):
    def test_each_is_listed_with_what_was_wanted_and_measured(self):
        made = results(hit(larder=[2.0] * 3), hit(larder=[1.0] * 3))
        self.assertEqual(made["missed"], [{"row": "hit", "wanted": "≤ 1.5 of the floor's time",
                                           "measured": "2.00 of the floor's time"}])
        self.assertEqual(report.missed_text(made), "Targets missed: 1 of 2:\n"
                         "  hit: wanted ≤ 1.5 of the floor's time, measured 2.00 of the floor's time")
        self.assertIn("| hit | ≤ 1.5 of the floor's time | 2.00 of the floor's time |", page.markdown(made))

    def test_what_is_compared_with_is_named(self):
        for floor, text in (("hit/joblib", "joblib's time"), ("small/larder", "the time of small"), ("hit/floor-plain", "the floor's time")):
            row = report.evaluate(Row("hit", "a hit", target=0.5, floor=(floor,)), {"hit/larder": [1.0], floor: [1.0]}, VERSIONS)
            self.assertEqual(report.missed(results(row))[0]["wanted"], "≤ 0.5 of " + text)

    def test_absolute_ones_have_their_unit(self):
        row = report.evaluate(Row("put", "a put", "absolute", 1.5e-5), {"put/larder": [2e-5]}, VERSIONS)
        self.assertEqual(report.missed(results(row)), [{"row": "put", "wanted": "≤ 15 us", "measured": "20 us"}])

    def test_noisy_rows_are_named_apart(self):
        text = report.missed_text(results(hit(larder=[0.5, 1.6, 3.0])))
        self.assertEqual(text, "Targets missed: 0 of 1.\nToo noisy to say: hit")


class Curves(unittest.TestCase):
    def test_a_series_has_a_median_and_quartiles_where_it_was_measured(self):
        made = curve()
        self.assertEqual(made["series"]["larder"][0], {"median": 4e-6, "quartiles": [3.8e-6, 4.4e-6], "rounds": 3})
        self.assertEqual([point is None for point in made["series"]["joblib"]], [False, True, True])
        self.assertEqual(made["absent"], {"lmdb": "not installed"})

    def test_the_page_has_a_table_of_it_and_its_plot(self):
        text = page.markdown(results(curves=[curve()]), ["grow-hit"])
        self.assertIn("| 100 | 4 us | 3 us | 60 us |\n| 1,000 | 4 us | 3 us | – |\n", text)
        self.assertIn("Without LMDB (not installed).", text)
        self.assertIn("(plots/grow-hit.svg)", text)
        self.assertNotIn("(plots/", page.markdown(results(curves=[curve()])))


class Quiet(unittest.TestCase):
    def test_the_page_says_what_two_processors_were_worth(self):
        self.assertIn("two threads at once did 1.30 to 1.96 times the work of one.", page.markdown(results(hit(larder=[1.6, 1.7, 1.8])), []))

    def test_results_of_before_that_was_measured_have_a_page(self):
        before = results(hit(larder=[1.6, 1.7, 1.8]))
        del before["groups"]["cache"]["processors"]
        self.assertIn("with a spread of 2%.", page.markdown(before, []))


class Rounds(unittest.TestCase):
    def rounds(self, *others):
        return driver.Rounds(wanted=5, others=list(others), took=[1.0] * len(others))

    def test_the_warm_up_and_disturbed_rounds_do_not_count(self):
        self.assertEqual(self.rounds(0, 0, 0.5, 0, 0).counted(), [1, 3, 4])

    def test_all_count_where_too_few_are_quiet(self):
        self.assertEqual(self.rounds(0, 0, 0.5, 0.5, 0).counted(), [1, 2, 3, 4])

    def test_disturbed_rounds_are_repeated_up_to_twice_as_many_in_all(self):
        self.assertTrue(self.rounds(*[0.5] * 10).go_on(until=10, now=0))
        self.assertFalse(self.rounds(*[0.5] * 11).go_on(until=10, now=0))
        self.assertFalse(self.rounds(*[0] * 6).go_on(until=10, now=0))

    def test_they_end_when_the_time_is_up_but_not_before_three(self):
        self.assertTrue(self.rounds(0, 0, 0).go_on(until=0, now=10))
        self.assertFalse(self.rounds(0, 0, 0, 0).go_on(until=10, now=9.5))
        self.assertTrue(self.rounds(0, 0, 0, 0).go_on(until=10, now=8.5))


class Shares(unittest.TestCase):
    def progress(self, budget, terminal=False):
        self.now = 0.0
        self.out = io.StringIO()
        self.out.isatty = lambda: terminal
        costs = {"short": Cost(first=2, later=1), "long": Cost(first=7, later=3), "last": Cost(first=1, later=1)}
        return Progress(costs, 9, budget, self.out, lambda: self.now)

    def test_each_group_has_a_share_of_what_is_left_beside_the_warm_ups(self):
        progress = self.progress(budget=30)
        self.assertEqual(progress.begin("short"), 2 + 20 * 1 / 5)
        self.now = 2.0  # it needed less
        self.assertEqual(progress.begin("long"), 2 + 7 + 20 * 3 / 4)
        self.now = 25.0
        self.assertEqual(progress.begin("last"), 30)

    def test_without_an_end_there_is_no_end(self):
        self.assertEqual(self.progress(budget=math.inf).begin("short"), math.inf)

    def test_a_line_for_each_group_says_the_time_left(self):
        progress = self.progress(budget=1000)
        progress.begin("short")
        self.now = 22.0  # twice as long as expected
        progress.begin("long")
        self.assertEqual(self.out.getvalue(), "bench: short (1 of 3): 0:55 left\nbench: long (2 of 3): 1:28 left\n")

    def test_no_more_time_is_left_than_the_run_has(self):
        progress = self.progress(budget=60)
        self.now = 30.0
        progress.begin("long")
        self.assertEqual(self.out.getvalue(), "bench: long (2 of 3): 0:30 left\n")

    def test_a_terminal_s_line_is_rewritten_in_place(self):
        progress = self.progress(budget=1000, terminal=True)
        progress.begin("short")
        progress.round(0, 0)
        self.now = 6.0  # twice as long as expected, for the warm-up and a round
        progress.round(2, 1)
        progress.say("something")
        self.assertEqual(self.out.getvalue(), "\r\033[Kbench: short (1 of 3): warm-up, 0:55 left"
                         "\r\033[Kbench: short (1 of 3): round 2, 1 of 9 quiet, 1:44 left\r\033[Ksomething\n")


class Conditions(unittest.TestCase):
    def test_only_the_same_machine_is_the_same(self):
        this = {"date": "today", "processor": "this"}
        self.assertTrue(machine.is_same(this, {"date": "yesterday", "processor": "this"}))
        self.assertFalse(machine.is_same(this, {"date": "today", "processor": "that"}))
        self.assertFalse(machine.is_same(this, {"date": "today"}))


class Plots(unittest.TestCase):
    def setUp(self):
        self.python = machine.python_with("matplotlib")
        if not self.python:
            self.skipTest("matplotlib is not installed")
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.directory = Path(scratch.name)

    def draw(self, made, to):
        (self.directory / "results.json").write_text(json.dumps(made))
        drawn = subprocess.run([self.python, "-B", BENCHMARKS / "plots.py", self.directory / "results.json", self.directory / to],
                               capture_output=True, text=True)
        self.assertEqual((drawn.returncode, drawn.stderr), (0, ""))
        return drawn.stdout.split()

    def text_of(self, path):
        return " ".join("".join(each.itertext()) for each in xml.parse(path).iter("{http://www.w3.org/2000/svg}text"))

    def test_a_curve_names_its_axes_and_series(self):
        self.assertEqual(self.draw(results(curves=[curve()]), "plots"), ["grow-hit"])
        text = self.text_of(self.directory / "plots/grow-hit.svg")
        for part in "entries in the cache", "time of a hit (s)", "larder", "floor", "joblib", "10 µs":
            self.assertIn(part, text)
        self.assertNotIn("LMDB", text)

    def test_the_summary_has_the_rows_that_were_measured(self):
        row = hit(larder=[1e-6] * 3, floor=[5e-7] * 3, **{"hit/joblib": [1e-4] * 3})
        made = results(row | {"row": "cache-hit-disk", "floor_name": "cache-hit-disk/floor"})
        made["groups"]["cache"]["samples"] = {"cache-hit-disk/larder": [1e-6] * 3, "cache-hit-disk/joblib": [1e-4] * 3,
                                              "cache-hit-disk/floor": [5e-7] * 3}
        self.assertEqual(self.draw(made, "plots"), ["summary"])
        text = self.text_of(self.directory / "plots/summary.svg")
        for part in "1 µs", "100 µs  ×100", "500 ns  ×0.5":
            self.assertIn(part, text)
        self.assertNotIn("workers", text)

    def test_the_same_results_give_the_same_files(self):
        made = results(curves=[curve()])
        self.draw(made, "one")
        self.draw(made, "two")
        self.assertEqual(*((self.directory / each / "grow-hit.svg").read_bytes() for each in ("one", "two")))

    def test_names_beside_lines_do_not_overlap(self):
        script = ("import sys; sys.path.insert(0, sys.argv[1]); from plots import spread_out; "
                  "print(spread_out([10, 12, 50, 97, 99], 10, 100))")
        done = subprocess.run([self.python, "-B", "-c", script, BENCHMARKS], capture_output=True, text=True)
        self.assertEqual(json.loads(done.stdout), [6, 16, 50, 90, 100], done.stderr)

    def test_values_of_nothing_can_be_drawn(self):
        made = curve()
        made["series"]["larder"][0] = {"median": 0.0, "quartiles": [0.0, 0.0], "rounds": 3}
        self.assertEqual(self.draw(results(curves=[made]), "plots"), ["grow-hit"])


if __name__ == "__main__":
    unittest.main()
