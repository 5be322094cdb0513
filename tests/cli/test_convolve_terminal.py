"""The progress bar of the program convolve."""

import fcntl
import os
import pty
import shutil
import struct
import subprocess
import termios
import time
import unittest

import numpy as np

from convolve_case import PROGRAM, ConvolveCase
from terminal import written_to


class ProgressBar(ConvolveCase):
    # Long enough for a bar: every sample is near every other.
    SLOW = ["slow.npy", "--resolutions", "0.5"]

    def setUp(self):
        super().setUp()
        samples = np.column_stack([np.linspace(500, 501, 10_000), np.ones(10_000)])
        np.save(self.work / "slow.npy", samples)

    def on_terminal(self, columns, *arguments):
        """What the program writes to a terminal as its stderr, and the seconds it took."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        start = time.monotonic()
        process = subprocess.Popen([PROGRAM, *arguments], cwd=self.work, env=self.environment, stdout=subprocess.PIPE,
                                   stderr=slave)
        os.close(slave)
        written = written_to(master)
        rows = process.communicate()[0]
        self.assertEqual(process.returncode, 0)
        self.assertEqual(rows.count(b"\n"), 3)
        return written, time.monotonic() - start

    def test_is_drawn_on_a_terminal_and_taken_away(self):
        written, seconds = self.on_terminal(60, *self.SLOW)
        first, *drawn, last, end = written.split("\r")
        self.assertEqual((first, end), ("", ""))
        self.assertGreater(len(drawn), 2)
        self.assertLess(len(drawn), 20 * seconds + 3)
        for line in drawn:
            self.assertRegex(line, r"^R = 0\.5 \[#*\.*\] [ \d]{2}\d %, \d+ s left *$")
            self.assertLess(len(line), 60)
        parts = [int(line.split("]")[1].split("%")[0]) for line in drawn]
        self.assertEqual(parts, sorted(parts))
        self.assertRegex(last, "^ +$")
        self.assertGreaterEqual(len(last), len(drawn[-1].rstrip()))

    def test_fits_narrow_terminals(self):
        for columns in 2, 10, 24, 30:
            shutil.rmtree(self.work / "convolve-cache", ignore_errors=True)
            lines = self.on_terminal(columns, *self.SLOW)[0].split("\r")
            self.assertGreater(len(lines), 3)
            for line in lines:
                self.assertLess(len(line), columns)

    def test_is_not_drawn_for_what_comes_from_the_cache(self):
        self.run_convolve(*self.SLOW)
        self.assertEqual(self.on_terminal(60, *self.SLOW)[0], "")

    def test_is_not_drawn_into_a_pipe(self):
        self.assertEqual(self.run_convolve(*self.SLOW).stderr, "")


if __name__ == "__main__":
    unittest.main()
