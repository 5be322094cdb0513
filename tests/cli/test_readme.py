"""The README's code is the examples' code."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def words(line):
    return " ".join(line.split())


class Readme(unittest.TestCase):
    def test_the_first_program_is_the_example_that_is_run(self):
        self.assertEqual(blocks("cpp")[0], (ROOT / "examples/readme.cpp").read_text())

    def test_its_output_is_the_example_s(self):
        command, output = blocks("console")[0].split("\n", 1)
        self.assertIn("readme.cpp", command)
        self.assertEqual(output, (ROOT / "examples/readme.expected").read_text())

    def test_each_line_of_the_tour_stands_in_the_example_in_the_same_order(self):
        example = iter(words(line) for line in (ROOT / "examples/tour.cpp").read_text().splitlines())
        lines = [words(line) for line in blocks("cpp")[1].splitlines() if line.strip()]
        self.assertGreater(len(lines), 10)
        for line in lines:
            self.assertIn(line, example, "the tour's line is not in examples/tour.cpp, or out of order")


if __name__ == "__main__":
    unittest.main()
