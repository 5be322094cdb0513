"""The program convolve where its cache or a disk is of no use: the results come all the same."""

import os
import shutil
import subprocess
import unittest

import numpy as np

from convolve_case import CHIP1, CHIP2, ConvolveCase, cache_entries, files_in


class Trouble(ConvolveCase):
    """Nothing that is wrong with the cache changes the result: a warning says what is wrong."""

    def setUp(self):
        super().setUp()
        self.sources(self.run_convolve(CHIP1, "--cache", self.root / "sound", "--output", self.root / "sound.npy"))

    def assert_one_warning(self, result, *words):
        self.assertEqual(self.sources(result, warnings=1), ["computed"] * 3)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertEqual((self.work / "out.npy").read_bytes(), (self.root / "sound.npy").read_bytes())

    def test_file_in_place_of_the_cache(self):
        (self.work / "file").write_text("mine")
        for cache in "file", "file/below":
            self.assert_one_warning(self.run_convolve(CHIP1, "--cache", cache, "--output", "out.npy"), "file")
        self.assertEqual((self.work / "file").read_text(), "mine")

    def test_file_in_place_of_a_function(self):
        self.run_convolve(CHIP2)
        [directory] = [path for path in (self.work / "convolve-cache").iterdir() if path.is_dir()]
        shutil.rmtree(directory)
        directory.write_text("")
        self.assert_one_warning(self.run_convolve(CHIP1, "--output", "out.npy"), directory.name)

    def test_directory_that_others_may_write_to(self):
        (self.work / "open").mkdir()
        (self.work / "open").chmod(0o777)
        self.assert_one_warning(self.run_convolve(CHIP1, "--cache", "open", "--output", "out.npy"), "open")
        self.assertEqual(files_in(self.work / "open"), [])

    def test_bad_spectrum_is_still_one_line(self):
        (self.work / "open").mkdir()
        (self.work / "open").chmod(0o777)
        self.assert_refused(self.run_convolve("missing.npy", "--cache", "open"), "missing.npy")

    def test_directory_of_another_user(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give a directory away")
        (self.work / "theirs").mkdir(mode=0o700)
        os.chown(self.work / "theirs", 1, 1)
        self.assert_one_warning(self.run_convolve(CHIP1, "--cache", "theirs", "--output", "out.npy"), "theirs")
        self.assertEqual(files_in(self.work / "theirs"), [])

    def test_directory_without_permission(self):
        shutil.copy(CHIP1, self.work / "chip.npy")
        results = self.work / "results"
        results.mkdir()
        results.chmod(0o777)
        self.work.chmod(0o555)
        self.addCleanup(self.work.chmod, 0o755)
        result = self.run_as_nobody("chip.npy", "--output", "results/out.npy")
        self.work.chmod(0o755)
        if result.returncode == 0:
            (results / "out.npy").rename(self.work / "out.npy")
        self.assert_one_warning(result, "convolve-cache", "Permission denied")
        self.assertFalse((self.work / "convolve-cache").exists())

    def on_small_disk(self, size, directory, *arguments):
        """Runs the program with a file system of so many KiB mounted at a directory; what is there at the end is copied
        to self.root / "kept"."""
        script = f"""mount -t tmpfs -o size={size}k,mode=700 none "$1" || exit 99
                     place=$1; shift; "$@"; status=$?; cp -a "$place" "{self.root}/kept"; exit $status"""
        shutil.rmtree(self.root / "kept", ignore_errors=True)
        unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
        if shutil.which("unshare") is None:
            self.skipTest("there is no unshare")
        check = subprocess.run([*unshare, "sh", "-c", script, "sh", directory, "true"], capture_output=True,
                               text=True)
        if check.returncode != 0:
            self.skipTest(f"no file system can be mounted here: {check.stderr.strip()}")
        shutil.rmtree(self.root / "kept")
        return self.run_convolve(*arguments, before=[*unshare, "sh", "-c", script, "sh", directory])

    def test_full_disk_under_the_cache(self):
        cache = self.work / "small"
        cache.mkdir(mode=0o700)
        for size in 4, 8, 16, 24, 32:
            result = self.on_small_disk(size, cache, CHIP1, "--cache", cache, "--output", "out.npy")
            self.assert_one_warning(result, "No space left on device")
            entries = cache_entries(self.root / "kept")
            self.assertLess(len(entries), 3)
            for array in entries.values():
                self.assertTrue(any(np.array_equal(array, column) for column in np.load(self.work / "out.npy").T[1:]))
        self.assertGreater(len(entries), 0)

    def test_full_disk_under_the_output(self):
        place = self.work / "small"
        place.mkdir()
        for size in 4, 16, 32:
            result = self.on_small_disk(size, place, CHIP1, "--output", "small/out.npy")
            self.assertIn(result.returncode, (1, 2))
            self.assert_refused(result, "small/out.npy: ", "No space left on device", status=result.returncode)
            self.assertEqual(files_in(self.root / "kept"), [])

    def test_full_disk_under_temporary_files(self):
        result = self.on_small_disk(4, self.temporary, CHIP1, "--output", "out.npy")
        self.assertEqual(self.sources(result), ["computed"] * 3)
        self.assertEqual((self.work / "out.npy").read_bytes(), (self.root / "sound.npy").read_bytes())
        self.assertEqual(files_in(self.root / "kept"), [])


if __name__ == "__main__":
    unittest.main()
