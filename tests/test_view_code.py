"""The inner loops over views compile to what raw pointers give: view_code.cpp holds pairs of functions, NAME_view and
NAME_raw, whose loops are compared instruction by instruction. LARDER_CXX is the compiler; clang 19 is asked too, where
it is installed."""

import os
import platform
import re
import shutil
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMPILERS = sorted({os.path.realpath(path) for path in [os.environ["LARDER_CXX"], shutil.which("clang++-19")] if path})
PAIRS = ["sum", "count", "axpy", "stencil", "product", "strided", "shift"]


def functions(compiler, level):
    """The code of each function of view_code.cpp: (operation, operands), or ("label", name)."""
    command = [compiler, "-std=c++20", level, f"-I{ROOT}/include", "-g0", "-S", "-o", "-", ROOT / "tests/view_code.cpp"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = {}
    code = None
    for line in text.splitlines():
        label = re.match(r"(\S+):", line)
        operation = re.match(r"\s+([a-z]\w*)(?:\s+(.*?))?\s*(#.*)?$", line)
        if label and label[1].endswith(("_view", "_raw")):
            code = found.setdefault(label[1], [])
        elif code is None:
            continue
        elif label:
            code.append(("label", label[1]))
        elif re.match(r"\s+\.size\s", line):
            code = None
        elif operation:
            code.append((operation[1], operation[2] or ""))
    return found


def loops(code):
    """The operations of each innermost loop, without copies between registers, whose number is the allocator's."""
    labels = {name: at for at, (operation, name) in enumerate(code) if operation == "label"}
    found = []
    for end, (operation, target) in enumerate(code):
        start = labels.get(target, end)
        body = code[start:end]
        if not operation.startswith("j") or operation == "jmp" or start == end or start > end:
            continue
        if not any(inner.startswith(("j", "ret")) for inner, _ in body):
            found.append([name for name, operands in [*body, code[end]]
                          if name != "label" and not re.fullmatch(r"mov[lq]? %\w+, ?%\w+", f"{name} {operands}")])
    return found


@unittest.skipUnless(platform.machine() == "x86_64", "reads the assembly of x86-64")
class ViewCode(unittest.TestCase):
    def test_loops_over_views_are_those_over_raw_pointers(self):
        for compiler in COMPILERS:
            for level in ["-O2", "-O3"]:
                code = functions(compiler, level)
                for name in PAIRS:
                    with self.subTest(compiler=compiler, level=level, pair=name):
                        expected = loops(code[f"{name}_raw"])
                        self.assertTrue(expected)
                        self.assertEqual(loops(code[f"{name}_view"]), expected)

    def test_where_raw_pointers_are_vectorised_so_are_views(self):
        for compiler in COMPILERS:
            code = functions(compiler, "-O3")
            for name, operation in [("axpy", "addps"), ("stencil", "addpd"), ("product", "addpd"), ("shift", "paddq")]:
                with self.subTest(compiler=compiler, pair=name):
                    self.assertTrue(any(operation in loop for loop in loops(code[f"{name}_view"])))

    def test_the_comparison_sees_a_stride_that_is_not_known_to_be_one(self):
        for compiler in COMPILERS:
            code = functions(compiler, "-O2")
            self.assertNotEqual(loops(code["strided_view"]), loops(code["sum_view"]))

    def test_every_pair_is_compared(self):
        code = functions(COMPILERS[0], "-O2")
        self.assertEqual(sorted(code), sorted(f"{name}_{kind}" for name in PAIRS for kind in ["raw", "view"]))


if __name__ == "__main__":
    unittest.main()
