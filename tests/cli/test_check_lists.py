"""tools/check_lists on small trees: a file that is listed nowhere is named, whatever looks like it elsewhere."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

TREE = {
    "CMakeLists.txt": "",
    "src/CMakeLists.txt": "target_sources(larder PRIVATE\n  mapping.cpp)\n",
    "src/mapping.cpp": "",
    "tests/CMakeLists.txt": "target_sources(larder_tests PRIVATE test_src_mapping.cpp)\n"
                            "larder_python_test(test_numpy)\n",
    "tests/test_src_mapping.cpp": "",
    "tests/test_numpy.py": "",
    "tests/cli/CMakeLists.txt": "larder_python_test(test_convolve)\n",
    "tests/cli/test_convolve.py": "",
    "examples/CMakeLists.txt": "larder_example(convolve\n  convolve/main.cpp)\n",
    "examples/convolve/main.cpp": "",
}


class CheckLists(unittest.TestCase):
    def run_on(self, files):
        with tempfile.TemporaryDirectory() as directory:
            for name, text in files.items():
                path = Path(directory) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return subprocess.run([sys.executable, ROOT / "tools/check_lists", directory], capture_output=True,
                                  text=True)

    def test_a_tree_with_everything_listed_passes_silently(self):
        result = self.run_on(TREE)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))

    def test_what_is_not_listed_is_named(self):
        for name in ("src/ping.cpp", "src/mapping_pages.cpp", "tests/test_src_mapping_pages.cpp",
                     "tests/test_numpy_pages.py", "tests/cli/test_convolve_kill.py", "examples/convolve/convolve.cpp", "examples/readme.cpp"):
            with self.subTest(file=name):
                result = self.run_on(TREE | {name: ""})
                self.assertEqual(result.returncode, 1)
                self.assertEqual(result.stderr.splitlines()[1:], [f"  {name}"])

    def test_a_comment_lists_nothing(self):
        result = self.run_on(TREE | {"src/CMakeLists.txt": "target_sources(larder PRIVATE)  # mapping.cpp\n"})
        self.assertIn("src/mapping.cpp", result.stderr)


if __name__ == "__main__":
    unittest.main()
