"""The program convolve: its numbers against NumPy, and its cache across processes."""

import shutil
import subprocess
import unittest

import numpy as np

from convolve_case import BACKENDS, CHIP1, CHIP1_TEXT, CHIP2, RESOLUTIONS, ConvolveCase, cache_entries, files_in
from convolve_reference import agree, reference
from larder_file import read_container


class Numbers(ConvolveCase):
    def convolved(self, spectrum, *resolutions):
        """The output for a spectrum file (None: the built-in one), computed anew."""
        shutil.rmtree(self.work / "convolve-cache", ignore_errors=True)
        arguments = [] if spectrum is None else [spectrum]
        if resolutions:
            arguments += ["--resolutions", ",".join(map(str, resolutions))]
        result = self.run_convolve(*arguments, "--output", "out.npy")
        self.assertEqual(self.sources(result), ["computed"] * len(resolutions or RESOLUTIONS))
        return read_container(self.work / "out.npy")[0]

    def test_both_chips_agree_with_numpy(self):
        for chip in CHIP1, CHIP2:
            samples = np.load(chip)
            out = self.convolved(chip)
            self.assertEqual((out.shape, out.dtype, out.flags.c_contiguous), ((1024, 4), np.float64, True))
            np.testing.assert_array_equal(out[:, 0], samples[:, 0])
            for column, resolution in enumerate(RESOLUTIONS, 1):
                agree(out[:, column], reference(samples, resolution))

    def test_text_agrees_with_numpy(self):
        samples = np.loadtxt(CHIP1_TEXT)
        out = self.convolved(CHIP1_TEXT, 30000)
        np.testing.assert_array_equal(out[:, 0], samples[:, 0])
        agree(out[:, 1], reference(samples, 30000))

    def test_built_in_spectrum_agrees_with_numpy_and_has_the_lines_of_the_sun(self):
        out = self.convolved(None)
        np.testing.assert_array_equal(out[[0, -1], 0], [380, 780])
        agree(out[:, 0], np.linspace(380, 780, 200_000))
        [samples] = [array for name, array in cache_entries(self.work / "convolve-cache").items()
                     if name.startswith("convolve.built_in_spectrum/")]
        np.testing.assert_array_equal(out[:, 0], samples[:, 0])
        points = np.unique(np.r_[:300, 0:200_000:41, 199_700:200_000])
        for column, resolution in enumerate(RESOLUTIONS, 1):
            agree(out[points, column], reference(samples, resolution, points))
        for line in 393.366, 486.134, 517.270, 588.995, 656.281, 759.370:
            self.assertLess(np.interp(line, *samples.T), 0.2)
        self.assertGreater(np.interp(700, *samples.T), 0.99)

    def test_windows_beyond_both_ends_and_of_one_sample(self):
        samples = np.load(CHIP2)
        out = self.convolved(CHIP2, 1, 40.5, 1e9)
        for column, resolution in enumerate([1, 40.5, 1e9], 1):
            agree(out[:, column], reference(samples, resolution))

    def test_samples_at_exactly_five_widths_are_not_near(self):
        # So bright that they would show: 500 / 2500 * 5 is 1 without rounding.
        np.save(self.work / "edge.npy", np.array([[499.0, 1e40], [500.0, 1.0], [501.0, 1e40]]))
        self.assertEqual(self.convolved("edge.npy", 2500)[1, 1], 1)
        self.assertGreater(self.convolved("edge.npy", 2499.99)[1, 1], 1e9)

    def test_resolutions_at_the_ends_of_what_a_double_holds(self):
        samples = np.load(CHIP2)
        out = self.convolved(CHIP2, 1e308, 1e-308)
        np.testing.assert_array_equal(out[:, 1], samples[:, 1])
        agree(out[:, 2], np.full(1024, samples[:, 1].mean()))

    def test_far_from_equidistant_samples(self):
        random = np.random.default_rng(3)
        samples = np.column_stack([500 + np.cumsum(random.exponential(0.01, 3000)), random.uniform(0.1, 2, 3000)])
        np.save(self.work / "random.npy", samples)
        agree(self.convolved("random.npy", 20000)[:, 1], reference(samples, 20000))

    def test_two_samples_are_enough(self):
        samples = np.array([[1.0, 2.0], [3.0, 4.0]])
        np.save(self.work / "two.npy", samples)
        agree(self.convolved("two.npy", 1)[:, 1], reference(samples, 1))

    def test_memory_layout_of_the_file_does_not_matter(self):
        samples = np.load(CHIP1)
        expected = self.convolved(CHIP1)
        for name, array in {"big-endian": samples.astype(">f8"), "fortran": np.asfortranarray(samples)}.items():
            np.save(self.work / f"{name}.npy", array)
            np.testing.assert_array_equal(self.convolved(f"{name}.npy"), expected)

    def test_kind_of_file_is_told_by_its_content(self):
        shutil.copy(CHIP1, self.work / "chip1.dat")
        np.testing.assert_array_equal(self.convolved("chip1.dat"), self.convolved(CHIP1))

    def test_ways_to_write_the_same_text(self):
        samples = np.array([[500, 1], [500.25, -0.5], [501.5, 1500]])
        expected = reference(samples, 900)
        for text in ("500 1\n500.25 -0.5\n501.5 1500\n",
                     "500 1\n500.25 -0.5\n501.5 1500",
                     "# wavelength, flux\r\n500 1\r\n500.25 -0.5\r\n501.5 1500\r\n",
                     "\n\n500 1\n \t \n500.25 -0.5 # deep\n#\n501.5 1500#\n\n",
                     "\t500\t1  \n  500.25 \t -.5\t\n5.015e2 1.5E+03\n",
                     "\ufeff500 +1.0\n+500.25 -0.5\n501.5 +1500\n"):
            (self.work / "text").write_bytes(text.encode())
            out = self.convolved("text", 900)
            np.testing.assert_array_equal(out[:, 0], samples[:, 0], err_msg=repr(text))
            agree(out[:, 1], expected)

    def test_text_from_a_pipe(self):
        with CHIP1_TEXT.open("rb") as text:
            cat = subprocess.Popen(["cat"], stdin=text, stdout=subprocess.PIPE)
            result = self.run_convolve("/dev/stdin", "--output", "piped.npy", stdin=cat.stdout)
            cat.stdout.close()
            cat.wait()
        self.sources(result)
        np.testing.assert_array_equal(read_container(self.work / "piped.npy")[0], self.convolved(CHIP1_TEXT))

    def test_neither_the_number_of_workers_nor_what_they_are_changes_a_bit(self):
        outputs = set()
        for backend in BACKENDS:
            for jobs in 1, 2, 5, -1:
                name = f"{backend}{jobs}"
                result = self.run_convolve(CHIP1, "--backend", backend, "--jobs", jobs, "--cache", f"cache-{name}",
                                           "--output", f"out-{name}.npy")
                self.assertEqual(self.sources(result), ["computed"] * 3)
                outputs.add((self.work / f"out-{name}.npy").read_bytes())
        self.assertEqual(len(outputs), 1)


class Cache(ConvolveCase):
    def test_second_run_computes_nothing_and_writes_the_same_bytes(self):
        for name, arguments in {"npy": [CHIP1], "text": [CHIP1_TEXT], "built-in": []}.items():
            outputs = []
            for expected in "computed", "cache", "cache":
                result = self.run_convolve(*arguments, "--cache", name, "--output", f"{name}.npy")
                self.assertEqual(self.sources(result), [expected] * 3)
                outputs.append((self.work / f"{name}.npy").read_bytes())
                entries = {path: path.stat()[:7] + (path.stat().st_mtime_ns,) for path in files_in(self.work / name)}
                if expected == "computed":
                    first = entries
            self.assertEqual(len(set(outputs)), 1)
            self.assertEqual(entries, first)

    def test_only_what_is_new_is_computed(self):
        self.assertEqual(self.sources(self.run_convolve(CHIP1, "--resolutions", "20000,30000")), ["computed"] * 2)
        result = self.run_convolve(CHIP1, "--resolutions", "30000,25000", "--resolutions", "20000")
        self.assertEqual(self.sources(result), ["cache", "computed", "cache"])
        self.assertEqual(self.sources(self.run_convolve(CHIP2, "--resolutions", "20000")), ["computed"])

    def test_results_belong_to_the_content_of_the_file_and_not_to_its_name_or_the_threads(self):
        self.run_convolve(CHIP1, "--jobs", 1)
        shutil.copy(CHIP1, self.work / "copy.npy")
        self.assertEqual(self.sources(self.run_convolve("copy.npy", "--jobs", 2)), ["cache"] * 3)
        for backend in BACKENDS:
            self.assertEqual(self.sources(self.run_convolve("copy.npy", "--backend", backend)), ["cache"] * 3)
        changed = np.load(CHIP1)
        changed[500, 1] *= 1 + 1e-9
        np.save(self.work / "copy.npy", changed)
        self.assertEqual(self.sources(self.run_convolve("copy.npy")), ["computed"] * 3)

    def test_parsed_text_is_kept(self):
        self.run_convolve(CHIP1_TEXT, "--cache", "kept")
        [parsed] = [array for name, array in cache_entries(self.work / "kept").items()
                    if name.startswith("convolve.parse_text/")]
        np.testing.assert_array_equal(parsed, np.loadtxt(CHIP1_TEXT))

    def test_numpy_opens_and_maps_every_array_that_was_written(self):
        for arguments in [CHIP1], [CHIP1_TEXT], []:
            self.sources(self.run_convolve(*arguments, "--output", "out.npy"))
            self.assert_numpy_reads(self.work / "out.npy")
        entries = cache_entries(self.work / "convolve-cache")
        self.assertEqual(len(entries), 3 * 3 + 2)
        for name in entries:
            self.assert_numpy_reads(self.work / "convolve-cache" / name)

    def assert_numpy_reads(self, path):
        expected = read_container(path)[0]
        copy = self.work / "copy.npy"  # entries are read-only, for r+ as well
        copy.write_bytes(path.read_bytes())
        for mode in None, "r", "r+", "c":
            array = np.load(copy if mode == "r+" else path, mmap_mode=mode)
            self.assertEqual((array.dtype, isinstance(array, np.memmap)), (np.float64, mode is not None))
            np.testing.assert_array_equal(array, expected)

    def test_damaged_entries_are_computed_anew(self):
        self.run_convolve(CHIP1, "--output", "sound.npy")
        cache = self.work / "convolve-cache"
        ways = iter([lambda entry: entry[:5000] + bytes([entry[5000] ^ 1]) + entry[5001:],
                     lambda entry: entry[:4096], lambda entry: b""])
        for name in cache_entries(cache):
            entry = (cache / name).read_bytes()
            (cache / name).unlink()
            (cache / name).write_bytes(next(ways)(entry))
        result = self.run_convolve(CHIP1, "--output", "again.npy")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stdout.count("computed"), 3, result.stdout)
        self.assertEqual((self.work / "again.npy").read_bytes(), (self.work / "sound.npy").read_bytes())
        self.assertEqual(self.sources(self.run_convolve(CHIP1)), ["cache"] * 3)
        self.assertEqual(len(cache_entries(cache)), 3)

    def test_names_with_blanks_and_beyond_ascii(self):
        place = self.work / "Spektren für α Cen"
        place.mkdir()
        shutil.copy(CHIP1, place / "Stern № 1.npy")
        for expected in "computed", "cache":
            result = self.run_convolve(place / "Stern № 1.npy", "--cache", place / "mein cache",
                                       "--output", place / "gefaltet é.npy")
            self.assertEqual(self.sources(result), [expected] * 3)
            self.assertTrue(result.stdout.startswith(f"{place}/Stern № 1.npy: 1024 samples, "), result.stdout)
        self.assertEqual(read_container(place / "gefaltet é.npy")[0].shape, (1024, 4))
        self.assertEqual(len(cache_entries(place / "mein cache")), 3)

    def test_nothing_is_left_in_the_directory_for_temporary_files(self):
        self.run_convolve(CHIP1)
        self.assertEqual(self.temporary_files(), [])

    def test_missing_directory_for_temporary_files_does_not_matter(self):
        self.temporary.rmdir()
        self.assertEqual(self.sources(self.run_convolve(CHIP1)), ["computed"] * 3)


if __name__ == "__main__":
    unittest.main()
