"""What the tests of the program convolve share: directories to themselves, and ways to run it and read its cache."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from larder_file import read_container

PROGRAM = Path(os.environ["CONVOLVE"])
DATA = Path(__file__).resolve().parents[1] / "data"
CHIP1, CHIP2, CHIP1_TEXT = DATA / "hd30501_chip1.npy", DATA / "hd30501_chip2.npy", DATA / "hd30501_chip1.txt"
RESOLUTIONS = [20000, 50000, 100000]
# The thread sanitizer has a thread of its own, beside which the library does not fork.
BACKENDS = ["threads", "processes"] + ([] if b"__tsan_init" in PROGRAM.read_bytes() else ["fork"])

# What a cache directory may hold: two files for other programs, locks, and entries.
NO_ENTRY = re.compile(r"\.gitignore|CACHEDIR\.TAG|\.larder-lock")
ENTRY = re.compile(r"convolve\.\w+/[^/]+/[0-9a-f]{2}/[0-9a-f]{30}")


def files_in(directory):
    return sorted(path for path in directory.rglob("*") if not path.is_dir())


def cache_entries(directory):
    """The arrays in a cache by their path relative to it. ValueError where anything in it is not whole, or does not
    belong there."""
    entries = {}
    for path in files_in(directory):
        name = str(path.relative_to(directory))
        if ENTRY.fullmatch(name):
            entries[name] = read_container(path)[0]
        elif not NO_ENTRY.fullmatch(name):
            raise ValueError(f"{path} does not belong into a cache")
    return entries


class ConvolveCase(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        self.work = self.root / "work"
        self.temporary = self.root / "tmp"
        self.work.mkdir()
        self.temporary.mkdir()
        self.environment = {**os.environ, "TMPDIR": str(self.temporary)}

    def run_convolve(self, *arguments, program=PROGRAM, before=(), **options):
        """Runs the program in self.work; `before` is a command that runs it."""
        options = {"capture_output": True, "text": True, "errors": "surrogateescape", "cwd": self.work,
                   "env": self.environment, **options}
        return subprocess.run([*before, program, *map(str, arguments)], **options)

    def sources(self, result, warnings=0):
        """The sources of the rows of a run that went well."""
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), warnings, result.stderr)
        for line in lines:
            self.assertTrue(line.startswith("convolve: warning: "), line)
        title, header, *rows = result.stdout.splitlines()
        self.assertRegex(title, r": \d+ samples, [\d.]+ to [\d.]+ nm$")
        self.assertEqual(header.split(), ["resolution", "source", "seconds", "points/s"])
        for row in rows:
            self.assertRegex(row, r"^ *\S+  (computed|cache)    +\d+\.\d{6}  +\d+$")
            self.assertEqual(len(row), len(header))
        return [row.split()[1] for row in rows]

    def assert_refused(self, result, *words, status=2):
        """One line on stderr that has all the words in it, and nothing on stdout."""
        self.assertEqual((result.returncode, result.stdout), (status, ""), result.stderr)
        self.assertRegex(result.stderr, r"\Aconvolve: [^\n]+\n\Z")
        for word in words:
            self.assertIn(str(word), result.stderr)

    def temporary_files(self):
        """What is in the directory for temporary files; ThreadSanitizer's runtime leaves files of its own there."""
        return [path for path in files_in(self.temporary) if not path.name.startswith("tsan.rodata.")]

    def snapshot(self):
        """Changes with whatever is written in self.work, even if it is removed again, and left for temporary."""
        return {str(path): (status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns)
                for path in [self.work, *self.work.rglob("*"), *self.temporary_files()] for status in [path.lstat()]}

    def run_as_nobody(self, *arguments):
        """Runs a copy of the program as a user without rights; skips the test where that cannot be."""
        if os.geteuid() != 0:
            return self.run_convolve(*arguments)
        nobody = {"user": 65534, "group": 65534, "extra_groups": []}
        self.root.chmod(0o755)
        self.temporary.chmod(0o1777)
        program = self.root / "convolve"
        shutil.copy(PROGRAM, program)
        if self.run_convolve("--version", program=program, **nobody).returncode != 0:
            self.skipTest("the program does not run as another user")
        return self.run_convolve(*arguments, program=program, **nobody)
