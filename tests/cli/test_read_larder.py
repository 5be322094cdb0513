"""tools/read_larder.py, the second implementation of the format, against the first: what larder wrote comes out of it, and
what larder verify refuses it refuses."""

import os
import random
import subprocess
import sys
import unittest
from pathlib import Path

import numpy as np

from larder_case import LarderCase

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
import read_larder  # noqa: E402
from larder_stream import DTYPES, split_type  # noqa: E402

SMALL = ["f64.npy", "f64_fortran.npy", "f64_empty.npy", "f64_scalar.npy", "f64_compressed.larder", "map.larder",
         "map_compressed.larder", "scalars.larder", "entry.npy", "dirty.npy", "dirty.larder", "f64_bare.npy"]


def counted(name, count):
    """1, 2, 3 and so on, as write_samples makes them."""
    numbers = np.arange(1, count + 1)
    if name == "bool":
        return numbers % 2 == 1
    if name == "bf16":
        return (numbers.astype("<f4").view("<u4") >> 16).astype("<u2").view("V2")
    return (numbers - 1j * numbers if name in ("c64", "c128") else numbers).astype(DTYPES[name])


class ReadCase(LarderCase):
    def setUp(self):
        super().setUp()
        for module in "xxhash", "zstandard":
            if getattr(read_larder, module) is None:
                self.skipTest(f"python3-{module} is not installed")

    def read(self, name, **options):
        return read_larder.read(self.samples / name, **options)


class Arrays(ReadCase):
    def check(self, array, expected):
        self.assertEqual((array.dtype, array.shape), (expected.dtype, expected.shape))
        np.testing.assert_array_equal(array, expected)

    def test_every_element_type_and_order(self):
        for name in DTYPES:
            a = counted(name, 12).reshape(3, 4)
            for mode in "r", "c", None:
                for ending in ".npy", "_bare.npy", "_compressed.larder":
                    self.check(self.read(name + ending, mmap_mode=mode), a)
                fortran = self.read(name + "_fortran.npy", mmap_mode=mode)
                self.check(fortran, a.T)
                self.assertTrue(fortran.flags.f_contiguous)
                self.check(self.read(name + "_scalar.npy", mmap_mode=mode), counted(name, 1).reshape(()))
                self.check(self.read(name + "_empty.npy", mmap_mode=mode), np.empty((0, 3), DTYPES[name]))

    def test_bfloat16_can_be_widened(self):
        np.testing.assert_array_equal(read_larder.widen(self.read("bf16.npy")), np.arange(1, 13, dtype="<f4").reshape(3, 4))

    def test_what_is_not_compressed_is_mapped(self):
        self.assertIsInstance(self.read("f64.npy"), np.memmap)
        self.assertIsInstance(self.read("map.larder")["a"], np.memmap)
        self.assertFalse(self.read("f64.npy").flags.writeable)
        self.assertNotIsInstance(self.read("f64.npy", mmap_mode=None), np.memmap)

    def test_copy_on_write_leaves_the_file(self):
        path = self.take("f64.npy")
        before = path.read_bytes()
        array = read_larder.read(path, mmap_mode="c")
        array[:] = 0
        del array
        self.assertEqual(path.read_bytes(), before)

    def test_more_than_a_chunk(self):
        for name in "large.npy", "large_compressed.larder":
            self.check(self.read(name, verification="full"), np.arange(1, 600_001, dtype="<f8"))

    def test_a_plain_file_of_numpy(self):
        for array in np.arange(6, dtype=">i4").reshape(2, 3), np.array([True, False]), np.array([1j, 2], "<c16"):
            np.save(self.work / "a.npy", array)
            self.check(read_larder.read(self.work / "a.npy"), array)


class Objects(ReadCase):
    def test_map_of_arrays(self):
        for name in "map.larder", "map_compressed.larder":
            m = self.read(name)
            self.assertEqual(list(m), ["a", "again", "b"])
            np.testing.assert_array_equal(m["a"], np.arange(1.0, 7).reshape(2, 3))
            np.testing.assert_array_equal(m["b"], [1.0, 3.0])
            self.assertIs(m["a"], m["again"])

    def test_scalars(self):
        self.assertEqual(self.read("scalars.larder"), (-1, 2, -3, 4, 0.5, 0.25, True, b"x", 200, -3, "café"))

    def test_small_floats_and_complex_numbers(self):
        *numbers, vector = self.read("floats.larder")
        self.assertEqual(numbers, [0.5, -2.5, 1 - 2j, 3 + 0.25j])
        np.testing.assert_array_equal(vector, np.array([1.5], "<f2"))

    def test_sequences(self):
        self.assertEqual(self.read("nested.larder"), [["a", "b"], [], ["c"]])
        self.assertEqual(self.read("sequences.larder"),
                         (b"hi", b"\1\2", [True, False], [1, 2, 3], b"ok", [1, 2], ["x"]))

    def test_vectors_of_elements_inline_and_in_segments(self):
        small, large = self.read("vectors.larder")
        np.testing.assert_array_equal(small, [1.0, 2.0, 3.0])
        np.testing.assert_array_equal(large, np.full(10000, 0.5))
        self.assertEqual(len(read_larder.load(self.samples / "vectors.larder").arrays), 1)

    def test_sets_and_maps(self):
        a, b, c, d, e, [(key, value)], g = self.read("associative.larder")
        self.assertEqual((a, b, c, d, e), ({1, 3}, [1, 1], [(1, "a"), (1, "b")], {1: 0.5, 2: 0.25}, {"u", "v"}))
        np.testing.assert_array_equal(key, np.array([1, 2], "<i4"))
        self.assertEqual((value, g), (3, [1, 1.0]))

    def test_pointers_and_what_may_be_absent(self):
        pair, present, absent, variant, nothing, [shared, again, null], unique = self.read("pointers.larder")
        self.assertEqual((pair, present, absent, variant, nothing, unique), ((1, "p"), 5, None, "v", None, 1.5))
        self.assertEqual((shared, null), ("shared", None))
        self.assertIs(shared, again)

    def test_durations_and_time_points(self):
        self.assertEqual(self.read("chrono.larder"), (1500, 60))

    def test_users_types_have_to_be_described(self):
        for name in "particle", "raw", "versioned":
            with self.assertRaisesRegex(read_larder.UnknownType, "user's type"):
                self.read(name + ".larder")
        particle = self.read("particle.larder", types={
            "samples::particle": {"mass": "f64", "track": "array<f64>", "name": "optional<string>"}})
        np.testing.assert_array_equal(particle.pop("track"), [1.0, 2.0])
        self.assertEqual(particle, {"mass": 1.5, "name": "e"})
        self.assertEqual(self.read("raw.larder", types={"rgb<3>": 3}), [b"\1\2\3", b"\4\5\6"])
        self.assertEqual(self.read("versioned.larder", types={"samples::versioned": ["u32", "i32"]}), [(7, 1), (7, 2)])

    def test_a_wrong_description_is_noticed(self):
        for fields in (["f64"], ["f64", "array<f64>", "optional<string>", "u8"], ["f64", "array<i8>", "optional<string>"],
                       ["f64", "array<f64>", "set<optional<monostate>>"]):
            with self.assertRaises(read_larder.FormatError) as caught:
                self.read("particle.larder", types={"samples::particle": fields})
            self.assertEqual(caught.exception.code, "E_OBJECT")

    def test_type_texts_come_apart_at_their_own_commas(self):
        self.assertEqual(split_type("map<i32,pair<f64,fixed_array<i8,3>>>"), ("map", ["i32", "pair<f64,fixed_array<i8,3>>"]))
        self.assertEqual(split_type("geo::point"), ("geo::point", []))


class Parts(ReadCase):
    def test_they_are_those_of_larder_info(self):
        names = sorted(path.name for path in self.samples.iterdir() if path.is_file())
        self.assertGreater(len(names), 70)
        for name in names:
            info = self.fine_json("info", self.samples / name)
            file = read_larder.load(self.samples / name, verification="full")
            self.assertEqual((file.type, file.state, file.metadata is None),
                             (info["type"], info["state"], info["metadata"] is None))
            self.assertEqual([(s.offset, s.stored, s.raw, ("array", "object", "metadata")[s.kind - 1]) for s in file.segments],
                             [(s["offset"], s["stored_bytes"], s["raw_bytes"], s["kind"]) for s in info["segments"]])
            self.assertEqual([list(a.shape) for a in file.arrays],
                             [s["array"]["shape"] for s in info["segments"] if "array" in s])
            digests = [f"{int.from_bytes(s.digest, 'little'):032x}" for s in file.segments if s.check]
            self.assertEqual(digests, [s["digest"] for s in info["segments"] if s["digest"]])
            self.assertTrue(file.checked)

    def test_metadata(self):
        self.assertIn('"function":"doubled"', read_larder.load(self.samples / "entry.npy").metadata)


class Verdicts(ReadCase):
    """Whole or damaged: both say the same of the same bytes."""

    def assert_same_verdicts(self, files):
        """files: contents by name."""
        for name, content in files.items():
            (self.work / name).write_bytes(content)
        result = self.larder("verify", *files)
        self.assertIn(result.returncode, (0, 1))
        fine = 0
        for name, line in zip(files, result.stdout.splitlines(), strict=True):
            try:
                read_larder.load(self.work / name, verification="full")
            except read_larder.FormatError as fault:
                self.assertRegex(line, r": E_", f"{name}: {fault}")
            else:
                self.assertNotRegex(line, r": E_")
                fine += 1
        return fine

    def test_a_bit_of_every_byte_of_a_container(self):
        for name in "f64.npy", "f64_compressed.larder", "scalars.larder":
            whole = (self.samples / name).read_bytes()
            files = {}
            for at in range(len(whole)):
                changed = bytearray(whole)
                changed[at] ^= 1 << at % 8
                files[f"{at}"] = bytes(changed)
            fine = self.assert_same_verdicts(files)
            if "compressed" not in name:  # zstd has bits that mean nothing, and the digest is that of the content
                self.assertEqual(fine, 0, name)

    def test_samples_cut_grown_and_scrambled(self):
        chance = random.Random(7)
        for name in SMALL:
            whole = (self.samples / name).read_bytes()
            files = {}
            for i in range(40):
                files[f"cut{i}"] = whole[:chance.randrange(len(whole))]
                files[f"grown{i}"] = whole + bytes(chance.randrange(1, 130))
                changed = bytearray(whole)
                for _ in range(chance.randrange(1, 4)):
                    changed[chance.randrange(len(whole))] = chance.randrange(256)
                files[f"changed{i}"] = bytes(changed)
                at = chance.randrange(len(whole))
                files[f"gone{i}"] = whole[:at] + whole[at + 64:]
                files[f"twice{i}"] = whole[:at] + whole[at:at + 64] + whole[at:]
            self.assert_same_verdicts(files)

    def test_bools_of_foreign_files_are_checked_when_they_are_read(self):
        whole = (self.samples / "bool_bare.npy").read_bytes()
        self.assertEqual(self.assert_same_verdicts({"fine": whole, "two": whole[:-1] + b"\2"}), 2)
        with self.assertRaises(read_larder.FormatError) as caught:
            read_larder.read(self.work / "two")
        self.assertEqual(caught.exception.code, "E_DTYPE")

    def test_headers_of_plain_files(self):
        def npy(text, version=1):
            text = text.encode("latin-1") + b"\n"
            return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(2 if version == 1 else 4, "little") + text + bytes(24)

        texts = ["{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", "{'shape':(3,),'descr':\"<f8\",'fortran_order':True}",
                 "{'descr': '<f8', 'fortran_order': False, 'shape': (3L,)}", " { 'descr' : '|u1' ,'fortran_order':False,'shape':(4, 6,)}  ",
                 "{'descr': '<f8', 'fortran_order': False, 'shape': (3)}", "{'descr': '<f8', 'fortran_order': False, 'shape': (3,,)}",
                 "{'descr': '<f8', 'fortran_order': False, 'shape': ()}", "{'descr': '<f8', 'fortran_order': False, 'shape': (,)}",
                 "{'descr': '<f8', 'fortran_order': 0, 'shape': (3,)}", "{'descr': '<f8', 'shape': (3,)}", "{}", "",
                 "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), 'more': (1,)}", "{'descr': 'f8', 'fortran_order': False, 'shape': (3,)}",
                 "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (3,)}", "{'descr': '|O', 'fortran_order': False, 'shape': (3,)}",
                 "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,)}", "{'descr': '<f8', 'fortran_order': False, 'shape': (-3,)}",
                 "{'descr': '<f8' 'fortran_order': False, 'shape': (3,)}", "{'descr': '<f8', 'fortran_order': False, 'shape': (3,)",
                 "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 1 2)}", "{'descr': '|f8', 'fortran_order': False, 'shape': (3,)}",
                 "{'descr': '>f8', 'fortran_order': False, 'shape': (3, 1)}", "{'descr': '>u1', 'fortran_order': False, 'shape': (24,)}",
                 "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 9223372036854775808)}", "{'descr': '<f8', 'fortran_order': False, 'shape': (3,),,}",
                 "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1," * 32 + "3)}", "{'descr': '<f8', 'fortran_order': False, 'shape': (3,)} x",
                 "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1," * 31 + "3)}", "{'descr': '<f8', 'fortran_order': False, 'shape': (3 ,)}"]
        files = {f"{i}v{version}": npy(text, version) for i, text in enumerate(texts) for version in (1, 2, 3, 4)}
        self.assertGreater(self.assert_same_verdicts(files), 10)


class Program(ReadCase):
    def run_reader(self, *names, **environment):
        return subprocess.run([sys.executable, "-B", TOOLS / "read_larder.py", *names], cwd=self.samples, text=True,
                              capture_output=True, env={**os.environ, **environment})

    def test_prints_what_is_in_files(self):
        result = self.run_reader("map.larder", "entry.npy", "particle.larder")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for word in ("map.larder: map<string,array<f64>>, sealed\n{'a': memmap([[1., 2., 3.],", '"function": "doubled"',
                     "samples::particle is a user's type"):
            self.assertIn(word, result.stdout)

    def test_exit_status(self):
        self.flip(self.take("f64.npy"), 130)
        result = self.run_reader(self.work / "f64.npy")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("E_SEG_CHECKSUM", result.stderr)
        self.assertEqual(self.run_reader(self.work / "f64.npy", "absent").returncode, 2)

    def test_without_the_optional_modules(self):
        for module in "xxhash", "zstandard":
            (self.work / f"{module}.py").write_text("raise ImportError")
        environment = {"PYTHONPATH": str(self.work)}
        result = self.run_reader("map.larder", **environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("checksums not compared", result.stdout)
        result = self.run_reader("map_compressed.larder", **environment)
        self.assertEqual(result.returncode, 2)
        self.assertIn("zstandard", result.stderr)


if __name__ == "__main__":
    unittest.main()
