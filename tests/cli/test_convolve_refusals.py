"""What the program convolve does not take: one line, status 2, and nothing written."""

import shutil
import subprocess
import unittest

import numpy as np

from convolve_case import CHIP1, CHIP1_TEXT, ConvolveCase, files_in
from larder_file import read_container


class Options(ConvolveCase):
    def test_help_and_version(self):
        help_text = self.run_convolve("--help")
        self.assertEqual((help_text.returncode, help_text.stderr), (0, ""))
        for option in "SPECTRUM", "--resolutions", "--cache", "--jobs", "--backend", "--output", "--version":
            self.assertIn(option, help_text.stdout)
        self.assertRegex(self.run_convolve("--version").stdout, r"\Aconvolve \(larder\) \d+\.\d+\.\d+\n\Z")
        self.assertEqual(files_in(self.work), [])

    def test_an_option_does_not_swallow_the_spectrum(self):
        result = self.run_convolve("--resolutions", "20000", CHIP1)
        self.assertIn("1024 samples", result.stdout)
        self.assertEqual(self.sources(result), ["computed"])

    def test_rows_show_the_resolutions_as_they_were_given(self):
        result = self.run_convolve(CHIP1, "--resolutions", "100000,1000000,0.5,12345.675,1e17")
        self.sources(result)
        self.assertEqual([row.split()[0] for row in result.stdout.splitlines()[2:]],
                         ["100000", "1000000", "0.5", "12345.675", "1e+17"])

    def test_bad_ones_are_refused_and_nothing_is_written(self):
        before = self.snapshot()
        for value in ("abc", "-5", "0", "-0", "nan", "inf", "1e400", "1e-400", "0x10", "2 0", "20000 ", " 20000", "+5",
                      "1,5e"):
            for arguments in (["--resolutions", value], [f"--resolutions={value}"],
                              ["--resolutions", "9000," + value], ["--resolutions", "9000", "--resolutions", value]):
                culprit = "5e" if value == "1,5e" else value
                self.assert_refused(self.run_convolve(CHIP1, *arguments), "--resolutions", f"'{culprit}'")
        for value in "", ",", "20000,", ",20000", "20000,,30000":
            self.assert_refused(self.run_convolve(CHIP1, "--resolutions", value), "--resolutions", "''")
        for value in "0", "", "abc", "1.5", "2x", "99999999999999999999":
            self.assert_refused(self.run_convolve(CHIP1, "--jobs", value), "--jobs", f"'{value}'")
        for value in "", "thread", "Fork", "process", "mpi", "sequential", "threads ":
            self.assert_refused(self.run_convolve(CHIP1, "--backend", value), "--backend", f"'{value}'",
                                "threads, fork or processes")
        for arguments, word in ((["--frobnicate"], "--frobnicate"), (["-x"], "-x"), (["second.npy"], "second.npy"),
                                (["--cache", ""], "--cache"), (["--output", ""], "--output"), (["--cache"], "--cache"),
                                (["--output"], "--output"), (["--jobs", "1", "--jobs", "2"], "--jobs")):
            self.assert_refused(self.run_convolve(CHIP1, *arguments), word)
        self.assert_refused(self.run_convolve(""), "SPECTRUM")
        self.assertEqual(self.snapshot(), before)


class BadSpectrum(ConvolveCase):
    def refused(self, name, *words):
        """What a file with this name leads to, with --output so that this too stays unwritten."""
        before = self.snapshot()
        self.assert_refused(self.run_convolve(name, "--output", "out.npy"), f"convolve: {name}: ", *words)
        self.assertEqual(self.snapshot(), before)

    def array(self, array, *words):
        np.save(self.work / "bad.npy", array)
        self.refused("bad.npy", *words)

    def content(self, content, *words, name="bad.txt"):
        (self.work / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        self.refused(name, *words)

    def test_missing_or_not_a_file(self):
        self.refused("missing.npy", "No such file")
        self.refused("missing.txt", "No such file")
        self.refused("missing/missing.txt", "No such file")
        for name in "directory", "directory.npy":
            (self.work / name).mkdir()
            self.refused(name, "directory")
        (self.work / "dangling").symlink_to("nowhere")
        self.refused("dangling", "No such file")
        self.refused("/dev/zero", "not a spectrum")
        self.refused("/dev/null", "empty")

    def test_wrong_shape_or_type(self):
        chip = np.load(CHIP1)
        self.array(chip.astype(np.float32), "float64", "f32")
        self.array(np.arange(2000).reshape(1000, 2), "float64", "i64")
        self.array(chip[:, 0].copy(), "(n, 2)", "(1024,)")
        self.array(chip.T.copy(), "(n, 2)", "(2, 1024)")
        self.array(np.column_stack([chip, chip]), "(n, 2)", "(1024, 4)")
        self.array(chip.reshape(16, 64, 2), "(n, 2)", "(16, 64, 2)")
        self.array(np.float64(3), "(n, 2)", "()")
        self.array(chip.astype(complex))
        self.array(np.array([["a", "b"]]))
        self.array(np.zeros((0, 2)), "2 samples", "0")
        self.array(chip[:1], "2 samples", "1")

    def test_damaged_npy(self):
        chip = CHIP1.read_bytes()
        for cut in 1, 5, 6, 8, 10, 60, 128, 129, len(chip) - 1:
            self.content(chip[:cut], name="bad.npy")
            self.content(chip[:cut], name="bad")
        self.content(b"", name="bad.npy")
        self.content(chip + b"\0", name="bad.npy")
        self.content(b"\x92" + chip[1:], name="bad.npy")
        self.content(b"\x92" + chip[1:], "not a spectrum", name="bad")
        for right, wrong in ((b"'descr'", b"'dascr'"), (b"'<f8'", b"'<f9'"), (b"False", b"Maybe"),
                             (b"(1024, 2)", b"(1024,-2)"), (b"(1024, 2)", b"(9024, 2)"), (b"(1024, 2)", b"(0102, 2)"),
                             (b"), }", b"), ]"),
                             (b"(1024, 2), }" + b" " * 20, b"(9999999999999999999999999, 2),}")):
            self.assertEqual((len(right), chip.count(right)), (len(wrong), 1))
            self.content(chip.replace(right, wrong), name="bad.npy")
        self.run_convolve(CHIP1, "--output", "sealed.npy", "--resolutions", "1000")
        sealed = bytearray((self.work / "sealed.npy").read_bytes())
        sealed[1000] ^= 1
        self.content(bytes(sealed), name="bad.npy")

    def test_bad_samples(self):
        def changed(row, column, value):
            chip = np.load(CHIP1)
            chip[row, column] = value
            return chip

        chip = np.load(CHIP1)
        for value in np.nan, np.inf, -np.inf:
            for row in 0, 517, 1023:
                self.array(changed(row, 0, value), f"row {row} ", "wavelength is", str(value))
                self.array(changed(row, 1, value), f"row {row} ", "flux is", str(value))
        self.array(changed(0, 0, 0), "row 0 ", "not positive")
        self.array(changed(0, 0, -1), "row 0 ", "-1 is not positive")
        self.array(changed(300, 0, chip[299, 0]), "row 300 ", "not ascending")
        self.array(changed(300, 0, chip[298, 0]), "row 300 ", "not ascending")
        self.array(chip[::-1].copy(), "row 1 ", "not ascending")

    def test_bad_text(self):
        # Parsing is a cached call: the first one makes the cache's directory, whatever comes of it.
        self.sources(self.run_convolve(CHIP1_TEXT))
        self.content("", "is empty")
        for text in "\n", "# nothing\n", " \r\n\t\r\n", "\ufeff":
            self.content(text, "2 samples", "0")
        self.content("500 1\n", "2 samples", "1")
        self.content("wavelength flux\n500 1\n501 1\n", "line 1:", "'wavelength'")
        self.content("# x\n500 1\n\n501 one\n", "line 4:", "'one'")
        self.content("500 1\n501 1 0.1\n", "line 2:", "2 columns", "3")
        self.content("500 1\n501\n", "line 2:", "2 columns", "1")
        self.content("500,1\n501,1\n", "line 1:", "'500,1'", "separated by blanks")
        self.content("500, 1\n501, 1\n", "line 1:", "'500,'", "separated by blanks")
        self.content("500 1\r501 1\r", "line 1:", "2 columns", "4")
        self.content("500 1\n501 0x10\n", "line 2:", "'0x10'")
        self.content("500 1\n501 1d3\n", "line 2:", "'1d3'")
        self.content("500 1\n501 1e400\n", "line 2:", "'1e400'", "out of range")
        self.content("500 1\n501 +-1\n", "line 2:", "'+-1'")
        self.content("500 nan\n501 1\n", "line 1:", "flux is nan")
        self.content("500 1\ninf 1\n", "line 2:", "wavelength is inf")
        self.content("0 1\n501 1\n", "line 1:", "not positive")
        self.content("500 1\n500 1\n", "line 2:", "not ascending", "500")
        self.content("500 1\n#\n499.5 1\n", "line 3:", "not ascending", "499.5 after 500")
        self.content("500 1\n501 \x1b[31m\n", "line 2:", "'?[31m'")
        self.content("500 1\n501 " + "9" * 5000 + "x\n", "line 2:", "9...'")
        self.content(b"500 1\n\0 1\n", "not a spectrum")
        self.content(b"\x1f\x8b\x08\x00\x00\x00", "not a spectrum")
        self.content(b"500 1\n501 \xff\xfe\n", "line 2:")

    def test_name_that_would_break_the_line(self):
        (self.work / "two\nlines").write_text("500 1\n")
        self.assert_refused(self.run_convolve("two\nlines"), "convolve: two?lines: ")

    def test_unreadable(self):
        for name in "secret.npy", "secret.txt":
            shutil.copy(CHIP1, self.work / name)
            (self.work / name).chmod(0)
            self.assert_refused(self.run_as_nobody(name), f"convolve: {name}: ", "Permission denied")
        self.assertEqual(len(files_in(self.work)), 2)


class Output(ConvolveCase):
    def test_replaces_what_was_there(self):
        (self.work / "out.npy").write_text("old")
        self.sources(self.run_convolve(CHIP1, "--output", "out.npy", "--resolutions", "20000"))
        self.assertEqual(read_container(self.work / "out.npy")[0].shape, (1024, 2))

    def test_old_one_stays_where_the_input_is_bad(self):
        (self.work / "out.npy").write_text("old")
        before = self.snapshot()
        self.assert_refused(self.run_convolve("missing.npy", "--output", "out.npy"))
        self.assertEqual(self.snapshot(), before)

    def test_places_where_it_cannot_be_are_found_before_anything_is_computed(self):
        (self.work / "directory").mkdir()
        (self.work / "file").write_text("")
        before = self.snapshot()
        for output, word in (("missing/out.npy", "No such file"), ("directory", "Is a directory"),
                             ("file/out.npy", "Not a directory"), ("/dev/null", "not a regular file"),
                             ("n" * 300, "File name too long")):
            self.assert_refused(self.run_convolve(CHIP1_TEXT, "--output", output), output, word)
        self.assertEqual(self.snapshot(), before)

    def test_directory_without_permission(self):
        shutil.copy(CHIP1, self.work / "chip.npy")
        self.work.chmod(0o555)
        self.addCleanup(self.work.chmod, 0o755)
        self.assert_refused(self.run_as_nobody("chip.npy", "--output", "out.npy"), "convolve: out.npy: ",
                            "Permission denied")

    def test_spectrum_is_never_overwritten(self):
        shutil.copy(CHIP1, self.work / "chip.npy")
        (self.work / "link.npy").symlink_to("chip.npy")
        before = self.snapshot()
        for output in "chip.npy", "./chip.npy", "link.npy":
            self.assert_refused(self.run_convolve("chip.npy", "--output", output), f"convolve: {output}: ",
                                "spectrum")
        self.assertEqual(self.snapshot(), before)

    def test_report_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "w") as full:
            result = self.run_convolve(CHIP1, "--output", "out.npy", capture_output=False, stdout=full,
                                       stderr=subprocess.PIPE)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"\Aconvolve: cannot write the report: No space left on device\n\Z")
        self.assertFalse((self.work / "out.npy").exists())


if __name__ == "__main__":
    unittest.main()
