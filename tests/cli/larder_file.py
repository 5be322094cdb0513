"""larder's file format, read without larder: what a file has to be to be whole, to its last bit."""

import ctypes
import io
import json
import struct

import numpy as np

CHUNK = 4 << 20  # arrays above this are hashed as a tree


class _Pair(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


# Comes with what larder is built with.
_xxhash = ctypes.CDLL("libxxhash.so.0")
_xxhash.XXH3_64bits.restype = ctypes.c_uint64
_xxhash.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
_xxhash.XXH3_128bits.restype = _Pair
_xxhash.XXH3_128bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]


def _xxh3_64(content):
    return _xxhash.XXH3_64bits(content, len(content))


def _xxh3_128(content):
    pair = _xxhash.XXH3_128bits(content, len(content))
    return struct.pack("<QQ", pair.low, pair.high)


def _array_digest(header, data):
    if len(data) > CHUNK:
        data = b"".join(_xxh3_128(data[i:i + CHUNK]) for i in range(0, len(data), CHUNK))
    return _xxh3_128(header + data)


def _expect(condition, what):
    if not condition:
        raise ValueError(what)


def read_container(path):
    """The array and the metadata (a dictionary, or None) of a file that holds one uncompressed array. ValueError
    where anything in the file is not as it has to be."""
    content = path.read_bytes()
    _expect(len(content) >= 256, f"{path}: {len(content)} bytes are no container")

    trailer = content[-64:]
    _expect(trailer[56:] == b"\r\nLRDEND", f"{path}: no trailer")
    index_offset, index_length, index_hash, file_length = struct.unpack_from("<QQQQ", trailer)
    incompatible, compatible, major, minor, state = struct.unpack_from("<IIHHI", trailer, 32)
    _expect(struct.unpack_from("<Q", trailer, 48)[0] == _xxh3_64(trailer[:44]), f"{path}: trailer's checksum")
    _expect((incompatible, compatible, major, minor, state) == (0, 0, 1, 0, 0), f"{path}: version, flags or state")
    _expect(file_length == len(content), f"{path}: length")
    _expect(index_offset + index_length + 64 == len(content), f"{path}: place of the index")

    index = content[index_offset:-64]
    _expect(_xxh3_64(index) == index_hash, f"{path}: index's checksum")
    _expect(index[:8] == b"LRDINDEX", f"{path}: index's magic")
    count, entry_size = struct.unpack_from("<II", index, 8)
    _expect(entry_size == 64 and len(index) == 64 * (1 + count), f"{path}: index's size")
    _expect(struct.unpack_from("<Q", index, 32)[0] == index_offset, f"{path}: index's own offset")

    array = metadata = None
    end = 0
    for number in range(count):
        entry = index[64 * (1 + number):64 * (2 + number)]
        offset, stored, raw, header_length, kind, codec, check, flags = struct.unpack_from("<QQQIBBBB", entry)
        _expect(end <= offset < end + 64 and not any(content[end:offset]), f"{path}: gap before segment {number}")
        end = offset + stored
        _expect(end <= index_offset, f"{path}: end of segment {number}")
        _expect((codec, flags, stored) == (0, 0, raw), f"{path}: codec of segment {number}")
        segment = content[offset:end]
        if kind == 1 and number == 0:
            _expect(offset == 0 and check == 2, f"{path}: kind of array")
            stream = io.BytesIO(segment)
            _expect(np.lib.format.read_magic(stream) == (1, 0), f"{path}: version of the .npy header")
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
            _expect(stream.tell() == header_length, f"{path}: length of the .npy header")
            data = segment[header_length:]
            _expect(len(data) == dtype.itemsize * int(np.prod(shape)), f"{path}: length of the data")
            _expect(_array_digest(segment[:header_length], data) == entry[32:48], f"{path}: digest of the array")
            array = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
        elif kind == 3 and number == count - 1 > 0:
            _expect(check == 2 and _xxh3_128(segment) == entry[32:48], f"{path}: digest of the metadata")
            metadata = json.loads(segment)
        else:
            raise ValueError(f"{path}: segment {number} is of kind {kind}")
    _expect(array is not None, f"{path}: no array")
    _expect(index_offset - end < 64 and not any(content[end:index_offset]), f"{path}: gap before the index")
    return array, metadata
