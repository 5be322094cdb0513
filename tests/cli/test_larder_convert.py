"""larder convert: the same content in another form."""

import json
import os
import unittest

import numpy as np

from larder_case import LarderCase


class Convert(LarderCase):
    def convert(self, *arguments):
        return self.assert_fine(self.larder("convert", *arguments))

    def same(self, name, sample):
        self.assertEqual((self.work / name).read_bytes(), (self.samples / sample).read_bytes())

    def test_plain_to_container_and_back(self):
        self.take("f64_bare.npy")
        text = self.convert("f64_bare.npy", "a.npy")
        self.assertEqual(text, "a.npy: sealed, array<f64>, 448 bytes\n")
        self.same("a.npy", "f64.npy")
        text = self.convert("a.npy", "b.npy", "--npy")
        self.assertEqual(text, "b.npy: plain, array<f64>, 224 bytes\n")
        self.same("b.npy", "f64_bare.npy")

    def test_compress_and_decompress(self):
        for plain, compressed in ("f64.npy", "f64_compressed.larder"), ("map.larder", "map_compressed.larder"):
            self.take(plain)
            self.assertIn(", compressed\n", self.convert(plain, "c.larder", "--compress", "3"))
            self.same("c.larder", compressed)
            self.convert("c.larder", "d.larder")
            self.same("d.larder", plain)
            self.convert("--compress=0", "c.larder", "e.larder")
            self.same("e.larder", plain)

    def test_compressed_to_bare(self):
        self.convert(self.samples / "f64_compressed.larder", "a.npy", "--npy")
        self.same("a.npy", "f64_bare.npy")

    def test_big_endian_becomes_little(self):
        np.save(self.work / "big.npy", np.arange(5, dtype=">i4"))
        self.convert("big.npy", "a.npy")
        self.assertEqual(np.load(self.work / "a.npy").dtype, np.dtype("<i4"))
        np.testing.assert_array_equal(np.load(self.work / "a.npy"), np.arange(5))

    def test_metadata_go_along_but_not_into_npy(self):
        metadata = self.fine_json("info", self.samples / "entry.npy")["metadata"]
        self.convert(self.samples / "entry.npy", "c.larder", "--compress", "19")
        self.assertEqual(self.fine_json("info", "c.larder")["metadata"], metadata)
        self.convert("c.larder", "a.npy", "--npy")
        self.assertIsNone(self.fine_json("info", "a.npy")["metadata"])

    def test_a_dirty_file_becomes_sealed_with_what_it_holds(self):
        self.convert(self.samples / "dirty.npy", "a.npy", "--durable")
        self.assertEqual(self.fine_json("verify", "a.npy")["state"], "sealed")
        self.assertEqual(np.load(self.work / "a.npy")[0], 99)

    def test_in_place_keeps_a_mapping_of_the_old_file_valid(self):
        mapped = np.load(self.take("large.npy"), mmap_mode="r")
        self.convert("large.npy", "large.npy", "--npy")
        self.assertEqual(self.fine_json("verify", "large.npy")["state"], "plain")
        self.assertEqual(mapped[-1], 600_000)

    def test_json_is_the_info_of_the_new_file(self):
        converted = self.fine_json("convert", self.samples / "map.larder", "a.larder", "--compress", "1")
        self.assertEqual(converted.pop("from"), str(self.samples / "map.larder"))
        self.assertEqual(converted, self.fine_json("info", "a.larder"))

    def test_a_name_that_promises_numpy_too_much_is_a_warning(self):
        for arguments in ([self.samples / "f64.npy", "c.npy", "--compress", "1"], [self.samples / "map.larder", "c.npy"],
                          [self.samples / "dirty.larder", "c.npy"]):
            self.assert_complaint(self.larder("convert", *arguments), 0, "warning: c.npy: ", "NumPy")


class ConvertRefuses(LarderCase):
    def refused(self, status, *arguments):
        """What is at TO stays."""
        target = self.work / "target"
        target.write_text("mine")
        result = self.larder("convert", *arguments)
        self.assertEqual((result.stdout, target.read_text()), ("", "mine"))
        self.assertEqual(result.returncode, status)
        self.assertLessEqual(set(os.listdir(self.work)), {"target", "damaged"})
        return result

    def test_damaged_file(self):
        for name in "map.larder", "map_compressed.larder", "large.npy":
            self.flip(self.take(name, "damaged"), 200)
            for options in ([], ["--compress", "1"]):
                self.assert_complaint(self.refused(1, "damaged", "target", *options), 1, "damaged: E_")
        self.assert_complaint(self.refused(1, "damaged", "target", "--npy"), 1, "E_SEG_CHECKSUM")

    def test_wrong_options(self):
        source = self.samples / "f64.npy"
        for level in "20", "-1", "3x", "", "fast":
            self.assert_complaint(self.refused(2, source, "target", f"--compress={level}"), 2, "compress")
        self.assert_complaint(self.refused(2, source, "target", "--npy", "--compress", "1"), 2, "--npy", "--compress")
        self.assert_complaint(self.refused(2, self.samples / "map.larder", "target", "--npy"), 2, "map<string,array<f64>>")

    def test_what_the_system_refuses(self):
        source = self.samples / "f64.npy"
        self.assert_complaint(self.refused(2, "absent", "target"), 2, "absent", "No such file")
        self.assert_complaint(self.refused(2, ".", "target"), 2, "directory")
        self.assert_complaint(self.refused(2, source, "absent/a.npy"), 2, "absent/a.npy", "No such file")
        self.assert_complaint(self.refused(2, source, "/dev/full"), 2, "/dev/full")

    def test_json_says_so_too(self):
        result = self.larder("convert", "--json", "absent", "a.npy")
        self.assert_complaint(result, 2, "absent")
        error = json.loads(result.stdout)
        self.assertEqual((error["file"], error["error"]["code"]), ("a.npy", "ENOENT"))
        self.assertIn("absent", error["error"]["text"])


if __name__ == "__main__":
    unittest.main()
