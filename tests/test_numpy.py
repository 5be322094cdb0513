"""NumPy and larder read what the other wrote: every element type, order and mode. NUMPY_PEER is larder's side."""

import io
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np

PEER = os.environ["NUMPY_PEER"]

DTYPES = {"i8": "|i1", "i16": "<i2", "i32": "<i4", "i64": "<i8", "u8": "|u1", "u16": "<u2", "u32": "<u4", "u64": "<u8",
          "f32": "<f4", "f64": "<f8", "f16": "<f2", "bf16": "|V2", "c64": "<c8", "c128": "<c16", "bool": "|b1"}
SHAPES = [(), (0,), (1,), (7,), (3, 4), (1, 5), (5, 1), (0, 3), (3, 0), (2, 3, 4), (2, 1, 2, 1, 3)]
NUMPY_MODES = [None, "r", "r+", "c"]
LARDER_MODES = ["none", "read", "copy_on_write", "read_write", "default"]


def peer(*arguments):
    return subprocess.run([PEER, *map(str, arguments)], capture_output=True, text=True)


def counted(shape, dtype, order="C"):
    """What the peer writes: element k in row-major order is k * 3 + 1; see numpy_peer.cpp for bools and complex ones."""
    k = np.arange(np.prod(shape, dtype=int))
    elements = k * 3 + 1
    if dtype == "|b1":
        elements = elements % 2 == 1
    elif dtype == "|V2":  # bfloat16, of which NumPy knows nothing: the upper half of a float, rounded to even
        bits = elements.astype("<f4").view("<u4")
        elements = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2").view("V2")
    elif dtype in ("<c8", "<c16"):
        elements = elements - 1j * k
    return np.array(elements.astype(dtype).reshape(shape), order=order)


def saved(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


class WithScratch(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.path = Path(scratch.name) / "a.npy"

    def write(self, *arguments):
        result = peer(*arguments)
        self.assertEqual((result.returncode, result.stderr), (0, ""), arguments)

    def assert_larder_reads(self, name, expected, modes=LARDER_MODES):
        """Whole, in each of the modes."""
        result = peer("read", name, self.path, *modes)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        lines = result.stdout.splitlines()
        self.assertEqual(len(lines), 2 * len(modes))
        for mode, sizes, elements in zip(modes, lines[::2], lines[1::2]):
            with self.subTest(mode=mode):
                found = np.frombuffer(bytes.fromhex(elements), DTYPES[name])
                self.assert_same(found.reshape(tuple(map(int, sizes.split()))), expected)

    def assert_larder_refuses(self, name, mode, reason):
        result = peer("read", name, self.path, mode)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn(reason, result.stderr)
        self.assertIn(str(self.path), result.stderr)

    def assert_same(self, found, expected):
        self.assertEqual((found.shape, found.dtype), (expected.shape, expected.dtype))
        self.assertEqual(found.tobytes(), expected.tobytes())


class NumpyReadsLarder(WithScratch):
    def test_every_type_order_shape_and_mode(self):
        for name, dtype in DTYPES.items():
            for order in "CF":
                for shape in SHAPES:
                    with self.subTest(dtype=name, order=order, shape=shape):
                        expected = counted(shape, dtype, order)
                        self.write("write", name, order, self.path, *shape)
                        for mode in NUMPY_MODES:
                            if mode and expected.size == 0:
                                continue  # NumPy does not map arrays without elements
                            found = np.load(self.path, mmap_mode=mode, allow_pickle=False)
                            self.assert_same(found, expected)
                            self.assertEqual(found.flags.f_contiguous, expected.flags.f_contiguous)
                            self.assertEqual(isinstance(found, np.memmap), mode is not None)
                            del found

    def test_a_file_begins_with_what_numpy_saves_and_a_bare_one_is_that(self):
        for name, dtype in DTYPES.items():
            for order in "CF":
                for shape in SHAPES:
                    with self.subTest(dtype=name, order=order, shape=shape):
                        expected = saved(counted(shape, dtype, order))
                        self.write("write", name, order, self.path, *shape)
                        self.assertEqual(self.path.read_bytes()[:len(expected)], expected)
                        self.write("bare", name, order, self.path, *shape)
                        self.assertEqual(self.path.read_bytes(), expected)

    def test_headers_of_all_lengths_are_those_of_numpy(self):
        lines = peer("headers", self.path).stdout.splitlines()
        self.assertEqual(len(lines), 32 * 5 * 2)
        lengths = set()
        for line in lines:
            *shape, order, header = line.split()
            expected = saved(np.zeros(tuple(map(int, shape)), "u1", order=order))
            with self.subTest(shape=shape, order=order):
                found = bytes.fromhex(header)
                self.assertEqual(found, expected[:len(found)])
                self.assertEqual(len(expected), len(found) + np.prod(list(map(int, shape))))
            lengths.add(len(found))
        self.assertEqual(lengths, {128, 192})

    def test_a_view_is_written_as_its_row_major_copy(self):
        self.write("write", "f64", "view", self.path, 4, 3)
        self.assert_same(np.load(self.path, mmap_mode="r"), counted((4, 3), "<f8"))

    def test_what_was_created_in_place(self):
        for shape in [(), (0,), (5,), (30, 40)]:
            with self.subTest(shape=shape):
                self.write("create", "i32", self.path, *shape)
                self.assert_same(np.load(self.path), counted(shape, "<i4"))

    def test_loading_from_an_open_file_ends_behind_the_data(self):
        # np.load leaves the position behind the data, where the rest of a container begins.
        self.write("write", "f32", "C", self.path, 6)
        with open(self.path, "rb") as file:
            self.assert_same(np.load(file), counted((6,), "<f4"))
            self.assertEqual(file.tell(), 128 + 24)


class NumpyWritesIntoLarder(WithScratch):
    def test_writes_through_copy_on_write_stay_in_numpy(self):
        self.write("write", "f64", "C", self.path, 3, 4)
        before = self.path.read_bytes()
        np.load(self.path, mmap_mode="c")[1, 1] = -1
        self.assertEqual(self.path.read_bytes(), before)
        self.assertEqual(peer("verify", self.path).stdout, "sealed\n")

    def test_writes_in_place_are_named_by_verify(self):
        self.write("write", "f64", "C", self.path, 3, 4)
        mapped = np.load(self.path, mmap_mode="r+")
        mapped[1, 1] = -1
        mapped.flush()
        result = peer("verify", self.path)
        self.assertEqual(result.returncode, 1)
        self.assertIn("E_SEG_CHECKSUM", result.stderr)
        self.assertIn(str(self.path), result.stderr)

    def test_writes_into_a_plain_file_are_its_new_content(self):
        self.write("bare", "f64", "C", self.path, 3, 4)
        mapped = np.load(self.path, mmap_mode="r+")
        mapped[1, 1] = -1
        mapped.flush()
        expected = counted((3, 4), "<f8")
        expected[1, 1] = -1
        self.assert_larder_reads("f64", expected)
        self.assertEqual(peer("verify", self.path).stdout, "plain\n")


class LarderReadsNumpy(WithScratch):
    def test_every_type_order_shape_and_mode(self):
        for name, dtype in DTYPES.items():
            for order in "CF":
                for shape in SHAPES:
                    expected = counted(shape, dtype, order)
                    np.save(self.path, expected)
                    with self.subTest(dtype=name, order=order, shape=shape):
                        self.assert_larder_reads(name, expected)

    def test_header_versions(self):
        expected = counted((3, 4), "<f8", "F")
        for version in [(1, 0), (2, 0), (3, 0)]:
            with open(self.path, "wb") as file:
                np.lib.format.write_array(file, expected, version=version)
            with self.subTest(version=version):
                self.assert_larder_reads("f64", expected)

    def test_big_endian_data_are_copied_and_not_mapped(self):
        for name, dtype in DTYPES.items():
            if dtype.startswith("|"):
                continue
            for order in "CF":
                expected = counted((3, 4), dtype, order)
                np.save(self.path, expected.astype(expected.dtype.newbyteorder(">"), order="K"))
                self.assertIn(b"'>", self.path.read_bytes()[:40])
                with self.subTest(dtype=name, order=order):
                    self.assert_larder_reads(name, expected, ["none", "default"])
                    for mode in ["read", "copy_on_write", "read_write"]:
                        self.assert_larder_refuses(name, mode, "byte order")

    def test_files_written_by_open_memmap(self):
        mapped = np.lib.format.open_memmap(self.path, "w+", "<i4", (3, 4), fortran_order=True)
        mapped[...] = counted((3, 4), "<i4")
        mapped.flush()
        self.assert_larder_reads("i32", counted((3, 4), "<i4"))

    def test_what_is_no_array_of_numbers_is_refused_by_its_type(self):
        for array in [np.array(["a", "bc"]), np.array([None]), np.array([1, 2], "M8[s]"), np.zeros(3, "V4"),
                      np.zeros(2, [("x", "<f8"), ("y", "<i4")]), np.array([b"abc"]), np.zeros(3, np.longdouble),
                      np.zeros(3, np.clongdouble)]:
            with self.subTest(dtype=array.dtype):
                np.save(self.path, array)
                self.assert_larder_refuses("f64", "none", "E_DTYPE")

    def test_half_floats_are_rounded_as_numpy_rounds_them(self):
        # What larder computes from the floats k * 3 + 1, of which the larger ones are ties, and overflow.
        self.write("bare", "f16", "C", self.path, 30_000)
        with np.errstate(over="ignore"):
            expected = (np.arange(30_000) * 3 + 1).astype("<f4").astype("<f2")
        self.assertTrue(np.isinf(expected[-1]))
        self.assert_same(np.load(self.path), expected)

    def test_bytes_that_are_no_bools_are_refused(self):
        np.save(self.path, np.array([1, 0, 2], "u1").view("?"))
        for mode in LARDER_MODES:
            self.assert_larder_refuses("bool", mode, "byte 2 of the data is 2")

    def test_an_archive_of_arrays_is_no_array(self):
        with open(self.path, "wb") as file:
            np.savez(file, a=np.zeros(3))
        self.assert_larder_refuses("f64", "none", "E_MAGIC")

    def test_two_arrays_saved_to_one_file_are_refused(self):
        with open(self.path, "wb") as file:
            np.save(file, np.zeros(3))
            np.save(file, np.zeros(3))
        self.assert_larder_refuses("f64", "read", "E_TRAILER")


if __name__ == "__main__":
    unittest.main()
