"""larder info: what it says of each kind of file."""

import json
import re
import unittest

import numpy as np

from larder_case import LarderCase


class InfoText(LarderCase):
    def info(self, *names):
        return self.assert_fine(self.larder("info", *names, cwd=self.samples))

    def test_array_by_name_and_place(self):
        text = self.info("f64_fortran.npy")
        self.assertTrue(text.startswith("f64_fortran.npy\n"))
        for row in (r"type +array<f64>", r"state +sealed", r"elements +f64, little-endian", r"size +448 bytes",
                    r"shape +\(4, 3\), column-major \(Fortran\)", r"data +96 bytes at offset 128", r"digest +[0-9a-f]{32}"):
            self.assertRegex(text, rf"(?m)^ +{row}$")

    def test_large_sizes_have_a_unit_and_the_exact_number(self):
        self.assertRegex(self.info("large.npy"), r"(?m)^    data +4\.58 MiB \(4,800,000 bytes\) at offset 128$")

    def test_compressed_data_with_their_ratio(self):
        stored = self.segment("large_compressed.larder")["stored_bytes"]
        ratio = re.search(rf"\({stored:,} bytes\) at offset 64, compressed: ([\d.]+) % of 4\.58 MiB \(4,800,128 bytes\)$",
                          self.info("large_compressed.larder"), re.MULTILINE)
        self.assertAlmostEqual(float(ratio[1]), 100 * stored / 4_800_128, delta=0.05)

    def segment(self, name):
        return json.loads(self.assert_fine(self.larder("info", "--json", name, cwd=self.samples)))["segments"][0]

    def test_plain_and_dirty_files_are_called_so(self):
        self.assertRegex(self.info("f64_bare.npy"), r"state +plain \.npy")
        self.assertRegex(self.info("f64_bare.npy"), r"digest +none")
        for name in "dirty.npy", "dirty.larder":
            self.assertRegex(self.info(name), r"state +dirty: written to since it was sealed")
            self.assertRegex(self.info(name), r"digest +[0-9a-f]{32} \(void")

    def test_object_with_its_arrays(self):
        text = self.info("map.larder")
        self.assertRegex(text, r"type +map<string,array<f64>>")
        self.assertEqual([line.split()[2] for line in text.splitlines() if line.startswith("  segment")],
                         ["array", "array", "object"])

    def test_metadata_are_indented_json(self):
        text = self.info("entry.npy")
        metadata = json.loads(text[text.index("  metadata\n") + len("  metadata\n"):])
        self.assertEqual(metadata["function"], "doubled")

    def test_several_files_are_apart(self):
        parts = self.info("map.larder", "f64.npy", "i8.npy").split("\n\n")
        self.assertEqual([part.split("\n")[0] for part in parts], ["map.larder", "f64.npy", "i8.npy"])

    def test_big_endian(self):
        np.save(self.work / "big.npy", np.arange(3, dtype=">i4"))
        self.assertIn("i32, big-endian", self.assert_fine(self.larder("info", "big.npy")))


class InfoJson(LarderCase):
    def info(self, name):
        return self.fine_json("info", self.samples / name)

    def test_array(self):
        info = self.info("i16_fortran.npy")
        digest = info["segments"][0].pop("digest")
        self.assertRegex(digest, r"^[0-9a-f]{32}$")
        self.assertEqual(info, {
            "file": str(self.samples / "i16_fortran.npy"), "state": "sealed", "type": "array<i16>", "bytes": 384,
            "metadata": None, "segments": [{
                "kind": "array", "compressed": False, "offset": 0, "stored_bytes": 152, "raw_bytes": 152,
                "array": {"dtype": "i16", "byte_order": "little", "order": "F", "shape": [4, 3], "data_offset": 128,
                          "data_bytes": 24}}]})

    def test_the_digest_is_the_same_compressed(self):
        digests = {self.info(name)["segments"][0]["digest"] for name in ("f64.npy", "f64_compressed.larder")}
        self.assertEqual(len(digests), 1)

    def test_plain_file(self):
        info = self.info("f64_bare.npy")
        self.assertEqual((info["state"], info["segments"][0]["digest"]), ("plain", None))

    def test_compressed_array_has_no_place_of_its_data(self):
        [segment] = self.info("f64_compressed.larder")["segments"]
        self.assertTrue(segment["compressed"])
        self.assertIsNone(segment["array"]["data_offset"])

    def test_array_without_dimensions_and_one_without_elements(self):
        self.assertEqual(self.info("f64_scalar.npy")["segments"][0]["array"]["shape"], [])
        self.assertEqual(self.info("f64_empty.npy")["segments"][0]["array"]["shape"], [0, 3])

    def test_object(self):
        info = self.info("map_compressed.larder")
        self.assertEqual(info["type"], "map<string,array<f64>>")
        self.assertEqual([s["kind"] for s in info["segments"]], ["array", "array", "object"])
        self.assertNotIn("array", info["segments"][2])

    def test_metadata_are_part_of_the_document(self):
        self.assertEqual(self.info("entry.npy")["metadata"]["function"], "doubled")

    def test_several_files_are_a_list_with_the_faults_in_it(self):
        self.flip(self.take("map.larder"), -60)
        result = self.larder("info", "--json", self.take("f64.npy"), "map.larder", "absent")
        self.assertEqual(result.returncode, 2)
        fine, damaged, absent = json.loads(result.stdout)
        self.assertEqual(fine["type"], "array<f64>")
        self.assertEqual((damaged["file"], damaged["error"]["code"]), ("map.larder", "E_TRAILER_CHECKSUM"))
        self.assertIn("E_TRAILER_CHECKSUM", damaged["error"]["text"])
        self.assertEqual((absent["file"], absent["error"]["code"]), ("absent", "ENOENT"))
        self.assertEqual(len(result.stderr.splitlines()), 2)


class InfoRefuses(LarderCase):
    def test_damaged_file_is_1_and_the_code(self):
        self.flip(self.take("map.larder"), -100)
        for arguments in ([], ["--json"]):
            self.assert_complaint(self.larder("info", "map.larder", *arguments), 1, "map.larder: E_INDEX_CHECKSUM: ")

    def test_no_larder_file_is_1(self):
        (self.work / "text").write_text("something else altogether")
        (self.work / "empty").write_text("")
        self.assert_complaint(self.larder("info", "text"), 1, "E_MAGIC")
        self.assert_complaint(self.larder("info", "empty"), 1, "E_EMPTY")

    def test_what_cannot_be_read_is_2(self):
        self.assert_complaint(self.larder("info", "absent"), 2, "absent: ", "No such file")
        self.assert_complaint(self.larder("info", "."), 2, "Is a directory")
        self.assert_complaint(self.larder("info", ""), 2, "No such file")

    def test_the_others_are_shown_all_the_same(self):
        self.take("f64.npy")
        result = self.larder("info", "absent", "f64.npy")
        self.assert_complaint(result, 2, "absent")
        self.assertTrue(result.stdout.startswith("f64.npy\n"))


if __name__ == "__main__":
    unittest.main()
