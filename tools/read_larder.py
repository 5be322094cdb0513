#!/usr/bin/env python3
"""Reads larder's files without larder: the second implementation of docs/format.md, which the tests hold against the first.

    import read_larder
    a = read_larder.read("a.npy")                  # a mapped NumPy array
    m = read_larder.read("m.larder")               # of map<string,array<f64>>: a dict of mapped arrays
    file = read_larder.load("m.larder")            # file.type, .state, .arrays, .stream, .metadata; file.value() decodes
    p = read_larder.read("p.larder", types={"geo::particle": {"mass": "f64", "track": "array<f64>"}})

    python3 tools/read_larder.py FILE...           # prints what is in them; exit status 1: damaged, 2: cannot be read

Needs NumPy. What is compressed needs the module zstandard (Debian: python3-zstandard). Checksums are compared where the
module xxhash is there (python3-xxhash), and file.checked says whether they were; all else is checked always.

How values come out as Python's is in larder_stream.py, which has the object stream.
"""

import argparse
import json
import re
import struct
import sys
from collections import namedtuple

import numpy as np

from larder_stream import DTYPES, FormatError, ObjectReader, UnknownType, require, sound, widen  # widen: for users of this

try:
    import xxhash
except ImportError:
    xxhash = None
try:
    import zstandard
except ImportError:
    zstandard = None

BLOCK = 64  # alignment of segments; size of head, index head, index entry and trailer
CHUNK = 4 << 20  # most content of a zstd frame; arrays above it are hashed chunk by chunk
HEAD_MAGIC, NPY_MAGIC, INDEX_MAGIC, END_MAGIC = b"\xd3LRD\r\n\x1a\n", b"\x93NUMPY", b"LRDINDEX", b"\r\nLRDEND"
ARRAY, OBJECT, METADATA = 1, 2, 3
NAMES = {descr[1:]: name for name, descr in DTYPES.items()}  # of the element types in the type text


def checksum_is(expected, content):
    return xxhash is None or xxhash.xxh3_64_intdigest(content) == expected


def digest_is(expected, *parts):
    if xxhash is None:
        return True
    state = xxhash.xxh3_128()
    for part in parts:
        state.update(part)
    return state.intdigest().to_bytes(16, "little") == expected


# NPY headers --------------------------------------------------------------------------------------------------------------

NpyHeader = namedtuple("NpyHeader", "name descr fortran shape bytes data_bytes")
NPY_ITEM = re.compile(r"""\s*(['"])(?P<key>\w*)\1\s*:\s*(?:(['"])(?P<descr>[^'"]*)\3|(?P<records>\[)"""
                      r"""|(?P<bool>True|False)|\((?P<shape>[\dL,\s]*)\))\s*(?P<more>,?)""")


def npy_header_length(content):
    """Of the header that the bytes begin with, magic and all."""
    require(len(content) >= 12, "E_TRUNCATED", "the file ends within its NPY header")
    require(bytes(content[6:8]) in (b"\1\0", b"\2\0", b"\3\0"), "E_NPY_VERSION", "an NPY version other than 1, 2 and 3")
    if content[6] == 1:
        length = 10 + struct.unpack_from("<H", content, 8)[0]
    else:
        length = 12 + struct.unpack_from("<I", content, 8)[0]
    require(length <= 9984, "E_NPY_HDRSIZE", f"an NPY header of {length} bytes")
    require(length <= len(content), "E_TRUNCATED", "the file ends within its NPY header")
    return length


def parse_npy_header(content):
    text = bytes(content[10 if content[6] == 1 else 12:]).decode("latin-1")
    require(text.endswith("\n"), "E_NPY_HEADER", "the NPY header does not end in a newline")
    text = text.strip(" \t\r\n")
    require(text[:1] == "{" and text[-1:] == "}", "E_NPY_HEADER", "the NPY header is not a dictionary")
    found, at, more = {}, 1, True
    while text[at:-1].strip():
        item = NPY_ITEM.match(text, at, len(text) - 1)
        require(item and more, "E_NPY_HEADER", "the NPY header is not a dictionary of descr, fortran_order and shape")
        require(item["key"] not in found, "E_NPY_KEYS", "a key of the NPY header is there twice")
        require(not item["records"], "E_DTYPE", "records are not supported")
        found[item["key"]] = item
        at, more = item.end(), bool(item["more"])
    require(sorted(found) == ["descr", "fortran_order", "shape"], "E_NPY_KEYS", "not the three keys of an NPY header")
    descr, order, sizes = found["descr"]["descr"], found["fortran_order"]["bool"], found["shape"]["shape"]
    require(None not in (descr, order, sizes), "E_NPY_HEADER", "the NPY header has a value of another kind")

    name = NAMES.get(descr[1:])
    bare = name is not None and DTYPES[name][0] == "|"
    require(name and (descr[0] in "<>" or (descr[0] == "|" and bare)), "E_DTYPE", f"the dtype {descr!r} is not supported")
    require(re.fullmatch(r"\s*|(\s*\d+L?\s*,)+(\s*\d+L?)?\s*", sizes), "E_NPY_HEADER", "the shape is not a tuple of numbers")
    shape = tuple(int(size) for size in re.findall(r"\d+", sizes))
    require(len(shape) <= 32, "E_NDIM", "more than 32 dimensions")
    item = np.dtype(descr).itemsize
    nonzero = item
    for size in shape:
        nonzero *= size or 1
    require(nonzero < 1 << 63, "E_SHAPE_OVERFLOW", f"the shape {shape} is more than 2^63 bytes")
    return NpyHeader(name, descr, order == "True", shape, len(content), 0 if 0 in shape else nonzero)


def canonical_npy_header(name, fortran, shape):
    """As NumPy writes it: padded for the dimension that grows, then to a multiple of 64."""
    text = f"{{'descr': '{DTYPES[name]}', 'fortran_order': {fortran}, 'shape': {shape!r}, }}"
    if shape:
        text += " " * (21 - len(str(shape[-1 if fortran else 0])))
    text += " " * (BLOCK - (10 + len(text) + 1) % BLOCK) + "\n"
    return NPY_MAGIC + b"\1\0" + struct.pack("<H", len(text)) + text.encode()


# Head, trailer, index -------------------------------------------------------------------------------------------------------

Segment = namedtuple("Segment", "offset stored raw header_bytes kind codec check flags digest extended log2 unused npy",
                     defaults=[None])
Trailer = namedtuple("Trailer", "index_offset index_bytes index_checksum file_bytes incompatible compatible major minor state")


def parse_trailer(content):
    last = bytes(content[-BLOCK:])
    require(len(last) == BLOCK and last[56:] == END_MAGIC, "E_TRAILER", "no larder trailer at the end of the file")
    require(checksum_is(struct.unpack_from("<Q", last, 48)[0], last[:44]), "E_TRAILER_CHECKSUM", "a damaged trailer")
    trailer = Trailer(*struct.unpack_from("<QQQQIIHHI", last))
    require(trailer.major == 1, "E_VERSION", f"format version {trailer.major}")
    require(trailer.incompatible == 0, "E_FEATURE", "features that this version does not know")
    require(trailer.file_bytes == len(content), "E_FILELEN", f"the trailer speaks of {trailer.file_bytes} bytes")
    require(trailer.state in (0, int.from_bytes(b"DRTY", "little")), "E_STATE", "neither clean nor dirty")
    require(trailer.index_offset + trailer.index_bytes + BLOCK == len(content) and trailer.index_offset % BLOCK == 0
            and 2 * BLOCK <= trailer.index_bytes <= 64 << 20 and trailer.index_bytes % BLOCK == 0,
            "E_INDEX_BOUNDS", "the index does not lie where the trailer says")
    return trailer


def check_head(head, trailer):
    require(checksum_is(struct.unpack_from("<Q", head, 56)[0], head[:56]), "E_HEAD_CHECKSUM", "a damaged head")
    major, minor, incompatible, compatible = struct.unpack_from("<HHII", head, 8)
    require(major == 1, "E_VERSION", f"format version {major}")
    require(incompatible == 0, "E_FEATURE", "features that this version does not know")
    require(not any(head[20:56]), "E_RESERVED", "unused bytes of the head are not zero")
    require((minor, compatible) == (trailer.minor, trailer.compatible), "E_VERSION", "head and trailer disagree")


def parse_index(content, trailer):
    """The segments, the type's fingerprint and the schema."""
    index = bytes(content[trailer.index_offset:-BLOCK])
    require(checksum_is(trailer.index_checksum, index), "E_INDEX_CHECKSUM", "a damaged index")
    magic, count, size, fingerprint, schema, zero, own_offset = struct.unpack_from("<8sIIQIIQ", index)
    require(magic == INDEX_MAGIC and own_offset == trailer.index_offset, "E_INDEX_BOUNDS", "no index where it should be")
    require(size == BLOCK and count >= 1 and BLOCK * (count + 1) == len(index), "E_INDEX_COUNT", f"{count} entries")
    require(zero == 0 and not any(index[40:64]), "E_RESERVED", "unused bytes of the index are not zero")
    return [parse_entry(index[at:at + BLOCK]) for at in range(BLOCK, len(index), BLOCK)], fingerprint, schema


def parse_entry(entry):
    s = Segment(*struct.unpack("<QQQIBBBB16sII8s", entry))
    is_array = s.kind == ARRAY
    require(s.kind in (ARRAY, OBJECT, METADATA), "E_KIND", f"a segment of kind {s.kind}")
    require(s.codec in (0, 1), "E_CODEC", f"a segment of codec {s.codec}")
    require(s.check == 2 or (s.check == 0 and is_array and s.codec == 0 and not any(s.digest)), "E_RESERVED", "its check")
    require(s.flags == 0 and not any(s.unused), "E_RESERVED", "unused parts of an index entry are not zero")
    require(s.extended in ((0, 1) if is_array else (0,)), "E_DTYPE", f"an extended dtype {s.extended}")
    require(6 <= s.log2 <= (21 if is_array else 6) and s.offset % BLOCK == 0
            and (s.codec == 1 or (s.offset + s.header_bytes) % (1 << s.log2) == 0), "E_ALIGN", "a segment's alignment")
    require(s.stored > 0 and s.header_bytes <= s.raw and (s.codec == 1 or s.raw == s.stored)
            and (is_array or s.header_bytes == 0), "E_SEG_SIZE", "the lengths of a segment contradict each other")
    require(s.raw <= max(1 << 20, s.stored << 16), "E_BOMB", f"{s.stored} bytes that claim to hold {s.raw}")
    return s


def check_places(content, segments, first, last):
    """They ascend from `first` to `last`; between them are zeros up to their alignment."""
    end = first
    for offset, stored, alignment in [(s.offset, s.stored, 1 << s.log2 if s.codec == 0 else BLOCK) for s in segments] + [
            (last, 0, BLOCK)]:
        require(end <= offset and offset + stored <= last, "E_SEG_BOUNDS", "a segment overlaps something else")
        require(offset - end < alignment, "E_SEG_HOLE", "a gap between segments that belongs to none")
        require(not content[end:offset].any(), "E_PADDING", "padding that is not zero")
        end = offset + stored


def check_order(segments, has_head):
    kinds = [s.kind for s in segments]
    require(kinds == sorted(kinds) and kinds.count(OBJECT) <= 1 and kinds.count(METADATA) <= 1, "E_KIND", "their order")
    is_one_array = kinds.count(ARRAY) == 1 and OBJECT not in kinds
    if has_head:
        require(OBJECT in kinds or (is_one_array and segments[0].codec == 1), "E_KIND", "a head before one plain array")
    else:
        require(is_one_array and segments[0].codec == 0, "E_KIND", "more than one plain array, and no head")


# Segments -------------------------------------------------------------------------------------------------------------------


def frames(content):
    """The content of one zstd frame after the other."""
    if zstandard is None:
        raise ModuleNotFoundError("the file is compressed: install zstandard (Debian: python3-zstandard)")
    at = 0
    while at < len(content):
        piece = bytes(content[at:at + CHUNK + (CHUNK >> 7) + 1024])  # more than 4 MiB of content can take
        require(piece[:4] == b"\x28\xb5\x2f\xfd", "E_CODEC", "what is no zstd frame")
        frame = zstandard.ZstdDecompressor().decompressobj()
        try:
            size = zstandard.get_frame_parameters(piece).content_size
            require(1 <= size <= CHUNK, "E_CODEC", "a zstd frame without 1 byte to 4 MiB of content")
            out = frame.decompress(piece)
        except zstandard.ZstdError as error:
            raise FormatError("E_CODEC", f"damaged compressed data: {error}") from None
        require(frame.eof and len(out) == size, "E_CODEC", "compressed data that end within a frame")
        at += len(piece) - len(frame.unused_data)
        yield out


def raw_bytes(content, s):
    """The segment as it was before compression, as a NumPy array of bytes: mapped if it was not compressed."""
    stored = content[s.offset:s.offset + s.stored]
    if s.codec == 0:
        return stored
    out = np.empty(s.raw, np.uint8)
    at = 0
    for frame in frames(stored):
        require(len(frame) <= s.raw - at, "E_SEG_SIZE", "more compressed data than the index says")
        out[at:at + len(frame)] = np.frombuffer(frame, np.uint8)
        at += len(frame)
    require(at == s.raw, "E_SEG_SIZE", "less compressed data than the index says")
    return out


def parse_array_header(content, s):
    """The segment with its NPY header, which has to be the canonical one."""
    require(s.header_bytes <= 9984, "E_NPY_HDRSIZE", f"an NPY header of {s.header_bytes} bytes")
    start = content[s.offset:s.offset + s.stored]
    start = start[:s.header_bytes] if s.codec == 0 else next(frames(start))
    require(bytes(start[:6]) == NPY_MAGIC, "E_NPY_HEADER", "an array without an NPY header")
    require(npy_header_length(start) == s.header_bytes, "E_SEG_SIZE", "NPY header and index disagree")
    npy = parse_npy_header(start[:s.header_bytes])
    require(s.raw == npy.bytes + npy.data_bytes, "E_SEG_SIZE", "NPY header and index disagree")
    require(s.extended == (npy.name == "bf16"), "E_DTYPE", "NPY header and index disagree")
    is_row_major = 0 in npy.shape or sum(size != 1 for size in npy.shape) < 2
    require(bytes(start[:s.header_bytes]) == canonical_npy_header(npy.name, npy.fortran, npy.shape)
            and not (npy.fortran and is_row_major), "E_NPY_HEADER", "the NPY header is not as NumPy writes it")
    return s._replace(npy=npy)


def text_bytes(content, s, limit):
    require(s.raw <= limit, "E_BOMB", f"{s.raw} bytes beside the arrays")
    raw = raw_bytes(content, s).tobytes()
    require(digest_is(s.digest, raw), "E_SEG_CHECKSUM", "an object or metadata do not match their digest")
    return raw


def check_array(raw, s):
    chunks = [raw[s.npy.bytes:]]
    if s.npy.data_bytes > CHUNK and xxhash:
        chunks = [xxhash.xxh3_128_intdigest(chunks[0][at:at + CHUNK]).to_bytes(16, "little")
                  for at in range(0, s.npy.data_bytes, CHUNK)]
    require(digest_is(s.digest, canonical_npy_header(s.npy.name, s.npy.fortran, s.npy.shape), *chunks), "E_SEG_CHECKSUM",
            "the data of an array do not match their digest")


# Files ----------------------------------------------------------------------------------------------------------------------


class File:
    """What is in a file: path, state (plain, sealed, dirty), type, segments, arrays, stream (of an object, else None),
    metadata (text, or None), schema, checked (whether checksums were compared)."""

    def __init__(self, path, mmap_mode, verification):
        self.path, self.checked = path, xxhash is not None
        with open(path, "rb") as file:
            require(file.seek(0, 2) > 0, "E_EMPTY", "the file is empty")
            content = np.memmap(file, np.uint8, mode=mmap_mode or "r")
        self.state, self.stream, self.metadata, self.schema = "sealed", None, None, 0
        front = bytes(content[:8])
        if front.startswith(NPY_MAGIC):
            self._read_npy(content)
        elif front == HEAD_MAGIC:
            require(len(content) >= BLOCK, "E_TRUNCATED", "the file ends within its head")
            trailer = parse_trailer(content)
            check_head(bytes(content[:BLOCK]), trailer)
            self._read_container(content, trailer, BLOCK)
        else:
            is_begun = NPY_MAGIC.startswith(front) or HEAD_MAGIC.startswith(front)
            raise FormatError("E_TRUNCATED" if is_begun else "E_MAGIC", "neither an .npy file nor a larder container")
        self.arrays = [self._array(content, s, mmap_mode, verification) for s in self.segments if s.kind == ARRAY]

    def _read_npy(self, content):
        npy = parse_npy_header(content[:npy_header_length(content)])
        end = npy.bytes + npy.data_bytes
        require(end <= len(content), "E_TRUNCATED", f"the NPY header speaks of {end} bytes")
        if end < len(content):
            trailer = parse_trailer(content)
            require(end <= trailer.index_offset, "E_INDEX_BOUNDS", "the index lies within the data")
            return self._read_container(content, trailer, 0)
        try:
            parse_trailer(content)
        except FormatError:
            self.state, self.type = "plain", f"array<{npy.name}>"
            self.segments = [Segment(0, end, end, npy.bytes, ARRAY, 0, 0, 0, bytes(16), 0, 6, bytes(8), npy)]
        else:
            raise FormatError("E_TRAILER", "a trailer within the data: the NPY header is damaged")

    def _read_container(self, content, trailer, first):
        self.state = "dirty" if trailer.state else "sealed"
        segments, fingerprint, self.schema = parse_index(content, trailer)
        check_order(segments, has_head=first != 0)
        check_places(content, segments, first, trailer.index_offset)
        self.segments = [parse_array_header(content, s) if s.kind == ARRAY else s for s in segments]
        for s in segments:
            if s.kind == OBJECT:
                self._read_object(text_bytes(content, s, 1 << 30), fingerprint)
            elif s.kind == METADATA:
                self.metadata = text_bytes(content, s, 64 << 20).decode("utf-8", "surrogateescape")
        if self.stream is None:
            require(fingerprint == 0 and self.schema == 0, "E_RESERVED", "a type in the index, and no object")
            self.type = f"array<{self.segments[0].npy.name}>"

    def _read_object(self, content, fingerprint):
        require(len(content) >= 4, "E_OBJECT", "an object without a type")
        length = struct.unpack_from("<I", content)[0]
        require(0 < length <= len(content) - 4, "E_OBJECT", "the type text is longer than the object")
        text, self.stream = content[4:4 + length], content[4 + length:]
        require(checksum_is(fingerprint, text), "E_OBJECT", "the object's type is not the one of the index")
        self.type = text.decode("utf-8", "surrogateescape")

    def _array(self, content, s, mmap_mode, verification):
        raw = raw_bytes(content, s)
        has_digest = s.check == 2 and not (self.state == "dirty" and s.codec == 0)
        wanted = verification == "full" or s.codec == 1 or mmap_mode is None or (
            verification == "automatic" and s.npy.data_bytes <= CHUNK)
        if has_digest and wanted:
            check_array(raw, s)
        array = raw[s.npy.bytes:].view(s.npy.descr).reshape(s.npy.shape, order="F" if s.npy.fortran else "C")
        return array if mmap_mode else np.array(array, order="K")

    def value(self, types=None):
        """The array, or the object as Python values. `types` says of users' types by name what is in them: a sequence
        of type texts (the result is a tuple), a dict of such by field (a dict), or a number of bytes (bytes; of an is_raw
        type, whose name ends in it: "rgb<3>"). UnknownType where one is missing."""
        return sound(self.arrays[0]) if self.stream is None else ObjectReader(self, types or {}).read()


def load(path, mmap_mode="r", verification="automatic"):
    """Opens and checks a file. mmap_mode: "r", "c" (copy on write), or None: in memory. verification of arrays that are
    mapped: "automatic" (those up to 4 MiB), "full", "structure". FormatError, OSError."""
    if mmap_mode not in ("r", "c", None) or verification not in ("automatic", "full", "structure"):
        raise ValueError("mmap_mode is 'r', 'c' or None; verification 'automatic', 'full' or 'structure'")
    return File(path, mmap_mode, verification)


def read(path, mmap_mode="r", verification="automatic", types=None):
    """The value in a file."""
    return load(path, mmap_mode, verification).value(types)


def show(file):
    print(f"{file.path}: {file.type}, {file.state}" + ("" if file.checked else ", checksums not compared"))
    if file.metadata is not None:
        try:
            print("metadata:", json.dumps(json.loads(file.metadata), indent=2))
        except (ValueError, RecursionError):
            print("metadata:", ascii(file.metadata))
    try:
        print(ascii(file.value()))
    except UnknownType as unknown:
        print(unknown)
        for number, array in enumerate(file.arrays):
            print(f"segment {number}:", ascii(array))
        print("stream:", file.stream)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE")
    status = 0
    for path in parser.parse_args().files:
        try:
            show(load(path, verification="full"))
        except FormatError as fault:
            status = max(status, 1)
            print(f"{path}: {fault}", file=sys.stderr)
        except (OSError, ImportError) as fault:
            status = 2
            print(f"{path}: {fault}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
