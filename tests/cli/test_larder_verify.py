"""larder verify: a line per file, and the exit status of the worst."""

import json
import unittest

from larder_case import LarderCase


class Verify(LarderCase):
    def line(self, name):
        [line] = self.assert_fine(self.larder("verify", name, cwd=self.samples)).splitlines()
        self.assertTrue(line.startswith(f"{name}: "))
        return line

    def test_sealed_files_are_ok(self):
        for name in ("f64.npy", "map.larder", "large.npy", "large_compressed.larder", "map_compressed.larder", "entry.npy"):
            self.assertEqual(self.line(name), f"{name}: sealed: ok")

    def test_plain_and_dirty_files_are_fine_and_named(self):
        self.assertIn(": plain: ", self.line("f64_bare.npy"))
        self.assertIn(": dirty: ", self.line("dirty.npy"))
        self.assertIn(": dirty: ", self.line("dirty.larder"))

    def test_a_flipped_bit_of_the_data_is_found(self):
        for name, offset in (("large.npy", 4_700_000), ("f64.npy", 130), ("map.larder", 200)):
            self.flip(self.take(name), offset)
            result = self.larder("verify", name)
            self.assert_complaint(result, 1, "1 damaged")
            self.assertRegex(result.stdout, rf"\A{name}: E_SEG_CHECKSUM: [^\n]+\n\Z")

    def test_a_flipped_bit_of_compressed_data_is_found(self):
        self.flip(self.take("large_compressed.larder"), 100_000)
        result = self.larder("verify", "large_compressed.larder")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stdout, r"E_(CODEC|SEG_SIZE|SEG_CHECKSUM)")

    def test_truncated_at_any_length(self):
        path = self.take("map.larder")
        whole = path.read_bytes()
        names = []
        for length in range(0, len(whole), 7):
            names.append(f"cut{length}")
            (self.work / names[-1]).write_bytes(whole[:length])
        result = self.larder("verify", *names)
        self.assert_complaint(result, 1, f"{len(names)} damaged")
        for name, line in zip(names, result.stdout.splitlines(), strict=True):
            self.assertRegex(line, rf"^{name}: E_[A-Z_]+: ")

    def test_all_files_are_looked_at_and_the_worst_counts(self):
        self.take("f64.npy")
        self.flip(self.take("map.larder"), 200)
        self.take("f64_bare.npy")
        for names, status in ((["map.larder", "f64.npy"], 1), (["absent", "map.larder", "f64_bare.npy", "."], 2)):
            result = self.larder("verify", *names)
            self.assertEqual(result.returncode, status)
            lines = result.stdout.splitlines()
            self.assertEqual([line.split(":")[0] for line in lines], names)

    def test_json(self):
        self.take("f64.npy")
        self.flip(self.take("map.larder"), 200)
        self.assertEqual(self.fine_json("verify", "f64.npy"),
                         {"file": "f64.npy", "state": "sealed", "type": "array<f64>", "bytes": 448})
        result = self.larder("verify", "--json", "map.larder")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(json.loads(result.stdout)["error"]["code"], "E_SEG_CHECKSUM")
        result = self.larder("verify", "map.larder", "f64.npy", "absent", "--json")
        self.assertEqual(result.returncode, 2)
        damaged, fine, absent = json.loads(result.stdout)
        self.assertEqual((damaged["error"]["code"], fine["state"], absent["error"]["code"]),
                         ("E_SEG_CHECKSUM", "sealed", "ENOENT"))


if __name__ == "__main__":
    unittest.main()
