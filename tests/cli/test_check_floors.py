"""tools/check_floors on trees with planted faults: each is named with its line, and a tree without any passes."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

CLEAN = {
    "include/larder/array.hpp": "#include <span>\n#include <larder/extents.hpp>\n",
    "include/larder/memory.hpp": "#include <larder/array.hpp>\n",
    "include/larder/larder.hpp": "#include <larder/memory.hpp>\n#include <larder/parallel.hpp>\n",
    "include/larder/interop/eigen.hpp": "#include <span>\n#include <Eigen/Core>\n#include <larder/array.hpp>\n",
    "src/mapping.cpp": '#include "src/mapping.hpp"\n#include <larder/array.hpp>\n#include <sys/mman.h>\n#include <thread>\n',
    "cache/memory.cpp": '#include <larder/memory.hpp>\n#include "cache/entry.hpp"\n#include "src/mapping.hpp"\n',
    "parallel/parallel.cpp": '#include <larder/parallel.hpp>\n#include "src/team.hpp"\n',
    "tools/bench.cpp": '#include <larder/larder.hpp>\n#include "cache/entry.hpp"\n',
    "examples/convolve/main.cpp": '#include <CLI/CLI.hpp>\n#include <larder/larder.hpp>\n#include "examples/convolve/a.hpp"\n',
    "tests/test_src_eigen.cpp": "#include <larder/interop/eigen.hpp>\n#include <Eigen/Dense>\n",
    "tests/test_src_mapping.cpp": '#include "tests/catch.hpp"\n#include "src/mapping.hpp"\n',
}

# (file, line that breaks a rule, part of the reason)
FAULTS = [
    ("src/a.cpp", '#include "cache/entry.hpp"', "src does not include what belongs to cache"),
    ("src/a.cpp", '#  include "parallel/batch.hpp"  // why not', "src does not include what belongs to parallel"),
    ("src/a.cpp", "#include <larder/memory.hpp>", "src does not include what belongs to cache"),
    ("src/a.cpp", "#include <larder/larder.hpp>", "src does not include what belongs to umbrella"),
    ("src/a.cpp", '#include "tools/x.hpp"', "src does not include what belongs to tools"),
    ("src/a.cpp", '#include "mapping.hpp"', "by its path from the root"),
    ("src/a.cpp", '#include "../cache/entry.hpp"', "by its path from the root"),
    ("src/a.cpp", '#include "detail/mapping.hpp"', "by its path from the root"),
    ("src/a.cpp", "#include <src/mapping.hpp>", 'a private header is included as "src/mapping.hpp"'),
    ("src/a.cpp", '#include "larder/array.hpp"', "a public header is included as <larder/array.hpp>"),
    ("cache/a.cpp", '#include "parallel/batch.hpp"', "cache does not include what belongs to parallel"),
    ("cache/a.cpp", "#include <larder/parallel.hpp>", "cache does not include what belongs to parallel"),
    ("cache/sub/a.hpp", '#include "examples/convolve/a.hpp"', "cache does not include what belongs to examples"),
    ("parallel/a.cpp", '#include "cache/entry.hpp"', "parallel does not include what belongs to cache"),
    ("parallel/a.cpp", "#include <larder/memory.hpp>", "parallel does not include what belongs to cache"),
    ("parallel/a.cpp", "#include <larder/memory_stats.hpp>", "parallel does not include what belongs to cache"),
    ("parallel/a.cpp", "#include <larder/shelved.hpp>", "parallel does not include what belongs to cache"),
    ("parallel/a.cpp", "#include <larder/detail/cached_core.hpp>", "parallel does not include what belongs to cache"),
    ("src/a.cpp", "#include <larder/cached_function.hpp>", "src does not include what belongs to cache"),
    ("src/a.cpp", "#include <larder/cache_options.hpp>", "src does not include what belongs to cache"),
    ("src/a.cpp", "#include <larder/entry_info.hpp>", "src does not include what belongs to cache"),
    ("src/a.cpp", "#include <larder/reduce_options.hpp>", "src does not include what belongs to cache"),
    ("src/a.cpp", "#include <larder/detail/cacheable.hpp>", "src does not include what belongs to cache"),
    ("src/a.cpp", "#include <larder/detail/describe_argument.hpp>", "src does not include what belongs to cache"),
    ("examples/a.cpp", '#include "src/mapping.hpp"', "only public headers and its own"),
    ("include/larder/dump.hpp", '#include "src/mapping.hpp"', "a public header includes no private one"),
    ("include/larder/dump.hpp", "#include <xxhash.h>", "only <larder/...>, <cereal/...> and the standard library"),
    ("include/larder/dump.hpp", "#include <sys/mman.h>", "only <larder/...>, <cereal/...> and the standard library"),
    ("include/larder/dump.hpp", "#include <nlohmann/json.hpp>", "only <larder/...>, <cereal/...> and the standard library"),
    ("include/larder/array.hpp", "#include <Eigen/Core>", "only <larder/...>, <cereal/...> and the standard library"),
    ("include/larder/interop.hpp", "#include <Eigen/Core>", "only <larder/...>, <cereal/...> and the standard library"),
    ("include/larder/interop/other.hpp", "#include <Eigen/Core>", "only <larder/...>, <cereal/...> and the standard library"),
    ("include/larder/interop/eigen.hpp", "#include <armadillo/Core>", "only <larder/...>, <cereal/...> and the standard library"),
    ("include/larder/interop/eigen.hpp", '#include "src/mapping.hpp"', "a public header includes no private one"),
    ("include/larder/larder.hpp", "#include <larder/interop/eigen.hpp>", "included by its users alone"),
    ("src/a.cpp", "#include <larder/interop/eigen.hpp>", "included by its users alone"),
    ("include/larder/dump.hpp", "#include <iostream>", "<iostream> does not belong in a public header"),
    ("include/larder/dump.hpp", "#include <larder/memory.hpp>", "src does not include what belongs to cache"),
    ("include/larder/memory.hpp", "#include <larder/parallel.hpp>", "cache does not include what belongs to parallel"),
    ("include/larder/parallel.hpp", "#include <larder/memory.hpp>", "parallel does not include what belongs to cache"),
    ("include/larder/detail/cached_core.hpp", "#include <larder/parallel.hpp>",
     "cache does not include what belongs to parallel"),
]


def run(files):
    with tempfile.TemporaryDirectory() as directory:
        for name, text in files.items():
            path = Path(directory) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return subprocess.run([sys.executable, ROOT / "tools/check_floors", directory], capture_output=True, text=True)


class CheckFloors(unittest.TestCase):
    def test_a_tree_that_keeps_the_rules_passes_silently(self):
        result = run(CLEAN)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))

    def test_each_planted_fault_is_named(self):
        for name, line, reason in FAULTS:
            with self.subTest(file=name, line=line):
                result = run(CLEAN | {name: f"#pragma once\n\n{line}\n"})
                self.assertEqual(result.returncode, 1)
                self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
                self.assertTrue(result.stderr.startswith(f"{name}:3: {line}: "), result.stderr)
                self.assertIn(reason, result.stderr)

    def test_a_directory_without_sources_is_refused(self):
        result = run({"README.md": ""})
        self.assertEqual(result.returncode, 1)
        self.assertIn("no C++ files", result.stderr)


if __name__ == "__main__":
    unittest.main()
