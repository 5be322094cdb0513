"""Which builds of a program share results: those of the same code, or of the same version where one is given."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

COMPILER = os.environ["LARDER_CXX"]
ROOT = Path(__file__).resolve().parents[2]
# In this order: what a static library leaves to be linked comes behind it.
LIBRARIES = [os.environ["LARDER"], os.environ["LARDER_XXHASH"], os.environ["LARDER_ZSTD"], "-pthread", "-ldl"]

# A function of the program's own that calls the library, and has a twin; a function that lies in the library.
PROGRAM = """
#include <cstdio>
#include <string>
#include <vector>
#include <larder/memory.hpp>
double factor();
double offset();
std::vector<double> from_library();
std::vector<double> own() { return {factor() + offset()}; }
std::vector<double> twin() { return {factor() + offset() + 1000}; }
int main(int, char** argv) {
  const larder::memory cache(argv[1]);
  const auto call = [&](auto* function) {
    const auto result = cache.cache("f", function, {.version = argv[3]}).evaluate();
    std::printf("%s %g\\n", result.how == larder::outcome::hit ? "hit" : "computed", result.value[0]);
  };
  for (const char which : std::string(argv[2])) {
    call(which == 'o' ? own : which == 't' ? twin : from_library);
  }
}
"""
OFFSET = "double offset() {{ return {}; }}"
LIBRARY = """
#include <vector>
double below();
double factor() {{ return {0} + below(); }}
std::vector<double> from_library() {{ return {{{0} + below()}}; }}
"""
BELOW = "double below() {{ return {}; }}"


def run(*command, **options):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if result.returncode != 0:
        raise AssertionError(f"{command}: {result.stdout}{result.stderr}")
    return result.stdout


class CodeId(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.objects = Path(scratch.name)
        cls.program_object = cls.compiled("program", PROGRAM, "-I", ROOT / "include")

    @classmethod
    def compiled(cls, name, text, *flags):
        """The object file of a source; each is compiled once."""
        out = cls.objects / f"{name}.o"
        if not out.exists():
            run(COMPILER, "-std=c++20", "-O0", "-fPIC", *flags, "-x", "c++", "-c", "-", "-o", out, input=text)
        return out

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.work = Path(scratch.name)
        self.build_id = "sha1"
        self.sonames = True
        self.preload = None

    def link(self, out, *parts):
        """Under a name that is there already, the file is another one."""
        (self.work / out).unlink(missing_ok=True)
        run(COMPILER, *parts, f"-Wl,--build-id={self.build_id}", "-o", out, cwd=self.work)

    def link_below(self, value):
        soname = ["-Wl,-soname,libbelow.so.1"] if self.sonames else []
        self.link("libbelow.so.1", "-shared", self.compiled(f"below{value}", BELOW.format(value)), *soname)

    def link_library(self, value, name="libfactor.so"):
        soname = ["-Wl,-soname,libfactor.so.1"] if self.sonames else []
        self.link(name, "-shared", self.compiled(f"factor{value}", LIBRARY.format(value)), *soname,
                  "-Wl,--no-as-needed", "./libbelow.so.1")
        if self.sonames:
            (self.work / "libfactor.so.1").unlink(missing_ok=True)
            (self.work / "libfactor.so.1").symlink_to(name)

    def link_program(self, value=0, how=("-L.", "-lfactor")):
        self.link("program", self.program_object, self.compiled(f"offset{value}", OFFSET.format(value)),
                  *how, "-Wl,--allow-shlib-undefined", *LIBRARIES)

    def link_all(self):
        self.link_below(1)
        self.link_library(10)
        self.link_program()

    def calls(self, which="o", version=""):
        environment = {**os.environ, "LD_LIBRARY_PATH": f"{self.work}:{Path(LIBRARIES[0]).parent}"}
        if self.preload:
            environment["LD_PRELOAD"] = str(self.preload)
        return run("./program", "cache", which, version, cwd=self.work, env=environment).splitlines()

    def calls_apart(self, which):
        """Each by a process of its own: in one, a name stands for one function."""
        return [line for one in which for line in self.calls(one)]

    def assert_keyed_by_its_code(self):
        """Computed anew where any part of the code is another, and only then."""
        self.assertEqual(self.calls("oo"), ["computed 11", "hit 11"])
        self.assertEqual(self.calls(), ["hit 11"])
        self.link_below(1)
        self.link_library(10)
        self.assertEqual(self.calls(), ["hit 11"], "the libraries were linked again from the same code")
        self.link_library(20)
        self.assertEqual(self.calls("oo"), ["computed 21", "hit 21"], "another library")
        self.link_below(2)
        self.assertEqual(self.calls("oo"), ["computed 22", "hit 22"], "another library that the library needs")
        self.link_below(1)
        self.link_library(10)
        self.assertEqual(self.calls(), ["hit 11"], "the first libraries again")

    def test_libraries_with_a_soname(self):
        self.link_all()
        self.assert_keyed_by_its_code()

    def test_libraries_without_a_soname(self):
        self.sonames = False
        self.link_all()
        self.assert_keyed_by_its_code()

    def test_libraries_asked_for_by_a_path(self):
        self.sonames = False
        self.link_below(1)
        self.link_library(10)
        self.link_program(how=["./libfactor.so"])
        self.assertIn("[./libfactor.so]", run("readelf", "-d", self.work / "program"))
        self.assert_keyed_by_its_code()

    def test_libraries_without_a_build_id(self):
        self.build_id = "none"
        self.link_all()
        self.assertNotIn("GNU_BUILD_ID", run("readelf", "-n", self.work / "libfactor.so"))
        self.assert_keyed_by_its_code()

    def test_library_whose_file_has_another_name_than_its_soname(self):
        self.link_all()
        self.assertEqual(self.calls(), ["computed 11"])
        self.preload = self.work / "other.so"
        for value in 20, 30:
            self.link_library(value, "other.so")
            self.assertEqual(self.calls("oo"), [f"computed {value + 1}", f"hit {value + 1}"])

    def test_program_linked_again(self):
        for self.build_id in "sha1", "none":
            with self.subTest(build_id=self.build_id):
                self.link_all()
                first = self.calls("oo")
                self.assertEqual(first, ["computed 11", "hit 11"])
                self.link_program()
                self.assertEqual(self.calls(), ["hit 11"])
                self.link_program(5)
                self.assertEqual(self.calls("oo"), ["computed 16", "hit 16"])

    def test_two_functions_of_one_name_in_one_program(self):
        self.link_all()
        self.assertEqual(self.calls_apart("otot"), ["computed 11", "computed 1011", "hit 11", "hit 1011"])

    def test_a_version_survives_rebuilds(self):
        self.link_all()
        self.assertEqual(self.calls(version="1"), ["computed 11"])
        self.link_below(2)
        self.link_library(20)
        self.link_program(5)
        self.assertEqual(self.calls("oo", version="1"), ["hit 11", "hit 11"])
        self.assertEqual(self.calls(version="2"), ["computed 27"])
        self.assertEqual(self.calls(version="1"), ["hit 11"])

    def test_function_in_a_library_does_not_depend_on_the_program(self):
        self.link_all()
        self.assertEqual(self.calls_apart("lol"), ["computed 11", "computed 11", "hit 11"])
        self.link_program(5)
        self.assertEqual(self.calls_apart("lo"), ["hit 11", "computed 16"])
        self.link_library(20)
        self.assertEqual(self.calls("l"), ["computed 21"])
        self.link_below(2)
        self.assertEqual(self.calls("l"), ["computed 22"])


if __name__ == "__main__":
    unittest.main()
