"""larder reseal: new digests, in place."""

import json
import unittest

import numpy as np

from larder_case import LarderCase


class Reseal(LarderCase):
    def state(self, name):
        return self.fine_json("verify", name)["state"]

    def test_dirty_files_become_sealed_with_what_they_hold(self):
        for name in "dirty.npy", "dirty.larder":
            self.take(name)
            self.assertEqual(self.assert_fine(self.larder("reseal", name)), f"{name}: sealed, was dirty\n")
            self.assertEqual(self.state(name), "sealed")
        self.assertEqual(np.load(self.work / "dirty.npy")[0], 99)

    def test_a_plain_file_becomes_a_container_that_numpy_reads(self):
        self.take("f64_bare.npy")
        self.assertEqual(self.assert_fine(self.larder("reseal", "f64_bare.npy")), "f64_bare.npy: sealed, was plain\n")
        self.assertEqual((self.work / "f64_bare.npy").read_bytes(), (self.samples / "f64.npy").read_bytes())

    def test_a_sealed_file_is_left_as_it_is(self):
        path = self.take("map.larder")
        before = path.stat()
        self.assertEqual(self.assert_fine(self.larder("reseal", "map.larder")), "map.larder: sealed, as it was\n")
        self.assertEqual((path.stat().st_ino, path.stat().st_mtime_ns), (before.st_ino, before.st_mtime_ns))

    def test_json(self):
        self.take("dirty.npy")
        self.assertEqual(self.fine_json("reseal", "dirty.npy"), {
            "file": "dirty.npy", "state": "sealed", "type": "array<f64>", "bytes": 384, "before": "dirty", "written": True})
        self.assertEqual(self.fine_json("reseal", "dirty.npy")["written"], False)

    def test_several_files_and_what_is_wrong_with_some(self):
        self.take("dirty.npy")
        damaged = self.take("f64.npy")
        self.flip(damaged, -70)
        content = damaged.read_bytes()
        result = self.larder("reseal", "absent", "f64.npy", "dirty.npy")
        self.assertEqual((result.returncode, result.stdout), (2, "dirty.npy: sealed, was dirty\n"))
        self.assertEqual([line.split(": ")[1] for line in result.stderr.splitlines()], ["absent", "f64.npy"])
        self.assertEqual(damaged.read_bytes(), content)
        self.assert_complaint(self.larder("reseal", "f64.npy"), 1, "E_INDEX_CHECKSUM")
        result = self.larder("reseal", "f64.npy", "dirty.npy", "--json")
        self.assertEqual([each.get("error", {}).get("code") for each in json.loads(result.stdout)],
                         ["E_INDEX_CHECKSUM", None])


if __name__ == "__main__":
    unittest.main()
