"""The snippets of guide pages are those of example programs, which are compiled and run."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Guides(unittest.TestCase):
    def test_each_line_of_a_snippet_stands_in_the_example_in_the_same_order(self):
        for page, example in (("docs/parallel.md", "examples/parallel.cpp"), ("docs/store.md", "examples/store.cpp")):
            # The formatter breaks lines where it likes, so blanks do not count.
            program = "".join((ROOT / example).read_text().split())
            snippets = re.findall(r"^```cpp\n(.*?)^```$", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
            self.assertGreater(len(snippets), 5)
            at = 0
            for line in "".join(snippets).splitlines():
                text = "".join(line.split())
                at = program.find(text, at)
                self.assertGreaterEqual(at, 0, f"{page}: not in {example}, or out of order: {line}")
                at += len(text)


if __name__ == "__main__":
    unittest.main()
