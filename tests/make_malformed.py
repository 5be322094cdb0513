#!/usr/bin/env python3
"""make_malformed.py FOLDER: writes files with one thing wrong each, and manifest.txt, which says what.

They are made from docs/format.md, without the library under test. Checksums are repaired after a damage, so that the
check behind them is reached. The files are the same at every run: tests/data/malformed has them, and a test compares.
Needs libxxhash; LARDER_XXHASH may name it.

A line of the manifest is: file, type that it is loaded as, code, who finds the fault, a part of the message; with
tabs between. Who finds it: `structure` whoever opens the file; `data` who reads the data of arrays; `values` who loads.
"""

import ctypes
import ctypes.util
import os
import struct
import sys
from pathlib import Path

# -- checksums ------------------------------------------------------------------------------------------------------


class Hash128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


def load_xxhash():
    name = os.environ.get("LARDER_XXHASH") or ctypes.util.find_library("xxhash")
    if not name:
        sys.exit("make_malformed.py: libxxhash is not here (Debian: libxxhash0)")
    library = ctypes.CDLL(name)
    for function, result in (("XXH3_64bits", ctypes.c_uint64), ("XXH3_128bits", Hash128)):
        getattr(library, function).argtypes = [ctypes.c_char_p, ctypes.c_size_t]
        getattr(library, function).restype = result
    return library


XXHASH = load_xxhash()


def xxh3_64(data):
    return XXHASH.XXH3_64bits(bytes(data), len(data))


def xxh3_128(data):
    digest = XXHASH.XXH3_128bits(bytes(data), len(data))
    return struct.pack("<QQ", digest.low, digest.high)


# -- the parts of files ---------------------------------------------------------------------------------------------

ARRAY, OBJECT, METADATA = 1, 2, 3
RAW, ZSTD = 0, 1
MAGIC = b"\xd3LRD\r\n\x1a\n"
END_MAGIC = b"\r\nLRDEND"


def npy_around(text, major=1):
    """A header around any text, padded as NumPy pads it."""
    prefix = 10 if major == 1 else 12
    text = text.encode() + b" " * (64 - (prefix + len(text) + 1) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([major, 0]) + struct.pack("<H" if major == 1 else "<I", len(text)) + text


def npy_header(shape, descr="<f8", order="False"):
    sizes = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
    text = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({sizes}), }}"
    return npy_around(text + " " * (21 - len(str(shape[0])) if shape else 0))


def doubles(*values):
    return struct.pack(f"<{len(values)}d", *values)


def npy(*values):
    return npy_header([len(values)]) + doubles(*values)


def frame(content):
    """A zstd frame with one block that is stored as it is."""
    head = b"\x28\xb5\x2f\xfd"
    if len(content) < 256:
        head += bytes([0x20, len(content)])
    else:
        head += b"\x60" + struct.pack("<H", len(content) - 256)
    return head + struct.pack("<I", 1 | len(content) << 3)[:3] + content


def head():
    bytes_before = MAGIC + struct.pack("<HHII", 1, 0, 0, 0) + bytes(36)
    return bytes_before + struct.pack("<Q", xxh3_64(bytes_before))


def text_with_length(text):
    return struct.pack("<Q", len(text)) + text.encode()


class Segment:
    """A segment and its entry in the index, where the fields can be changed."""

    def __init__(self, kind, raw, stored=None, header=None):
        self.kind, self.raw, self.codec = kind, raw, RAW if stored is None else ZSTD
        self.stored = raw if stored is None else stored
        self.header = (128 if kind == ARRAY else 0) if header is None else header
        self.entry = {}  # struct format and value by offset, to put there
        self.gap = 0  # blocks of zeros before it

    def index_entry(self, offset):
        entry = bytearray(64)
        struct.pack_into("<QQQIBBBB", entry, 0, offset, len(self.stored), len(self.raw), self.header, self.kind,
                         self.codec, 2, 0)
        entry[32:48] = xxh3_128(self.raw)
        struct.pack_into("<I", entry, 52, 6)
        for at, (form, value) in self.entry.items():
            struct.pack_into("<" + form, entry, at, value)
        return bytes(entry)


class Container:
    def __init__(self, segments, has_head, type_text=None, schema=0):
        data = bytearray(head() if has_head else b"")
        entries = b""
        for segment in segments:
            data += bytes(-len(data) % 64 + 64 * segment.gap)
            entries += segment.index_entry(len(data))
            data += segment.stored
        data += bytes(-len(data) % 64)
        self.index = len(data)
        index_head = bytearray(64)
        fingerprint = xxh3_64(type_text.encode()) if type_text else 0
        struct.pack_into("<8sIIQIIQ", index_head, 0, b"LRDINDEX", len(segments), 64, fingerprint, schema, 0, self.index)
        data += index_head + entries
        self.data = data + bytes(64)
        self.trailer = len(data)
        struct.pack_into("<QQ", self.data, self.trailer, self.index, len(data) - self.index)
        struct.pack_into("<QII", self.data, self.trailer + 24, len(self.data), 0, 0)
        struct.pack_into("<HH", self.data, self.trailer + 40, 1, 0)
        self.data[-8:] = END_MAGIC
        self.repair()

    def repair(self):
        struct.pack_into("<Q", self.data, self.trailer + 16, xxh3_64(self.data[self.index:self.trailer]))
        struct.pack_into("<Q", self.data, self.trailer + 48, xxh3_64(self.data[self.trailer:self.trailer + 44]))

    def entry(self, segment):
        return self.index + 64 + 64 * segment

    def put(self, at, form, *values, repair=True):
        struct.pack_into("<" + form, self.data, at, *values)
        if repair:
            self.repair()
        return self

    def flip(self, at):
        self.data[at] ^= 1
        return self


def array_file(metadata=None, **fields):
    """The file of one array, a .npy; with metadata if there are any."""
    array = Segment(ARRAY, npy(1, 2, 3, 4, 5))
    segments = [array] + ([Segment(METADATA, metadata)] if metadata is not None else [])
    for name, value in fields.items():
        setattr(segments[-1], name, value)
    return Container(segments, has_head=False)


JSON = b'{"function": "f", "arguments": ["a long one, and then another one"], "n": 1}'


def compressed_file(stored=None, raw=None, **fields):
    raw = npy(1, 2, 3, 4, 5) if raw is None else raw
    array = Segment(ARRAY, raw, frame(raw) if stored is None else stored)
    for name, value in fields.items():
        setattr(array, name, value)
    return Container([array], has_head=True)


LAYOUTS = {"nested": "nested{inner:unique_ptr<nested>}",
           "vector<shared_ptr<linked>>": "vector<shared_ptr<linked{next:shared_ptr<linked>}>>"}


def object_file(type_text, stream, arrays=(), compressed=False, schema=None, text=None):
    if schema is None:
        schema = xxh3_64(LAYOUTS[type_text].encode()) & 0xFFFFFFFF if type_text in LAYOUTS else 0
    text = type_text.encode() if text is None else text
    raw = struct.pack("<I", len(text)) + text + stream
    segments = [Segment(ARRAY, array) for array in arrays]
    segments.append(Segment(OBJECT, raw, frame(raw) if compressed else None))
    return Container(segments, True, type_text, schema)


MAP = "map<string,array<f64>>"


def map_file(keys=("a", "b"), numbers=(0, 1), count=None, arrays=None, **how):
    stream = struct.pack("<Q", len(keys) if count is None else count)
    for key, number in zip(keys, numbers):
        stream += text_with_length(key) + struct.pack("<I", number)
    return object_file(MAP, stream, [npy(1, 2), npy(3)] if arrays is None else arrays, **how)


# -- the files ------------------------------------------------------------------------------------------------------

FILES = {}


def add(name, file, message, kind="array<f64>", found_by="structure"):
    data = bytes(file.data if isinstance(file, Container) else file)
    assert name not in FILES
    FILES[name] = (data, kind, name.split("-")[0], found_by, message)


def add_beginnings():
    whole = bytes(array_file().data)
    headed = bytes(map_file().data)
    add("E_EMPTY-no-bytes.npy", b"", "the file is empty")
    add("E_MAGIC-text.npy", b"1.0 2.0 3.0\n", "neither an .npy file nor a larder container")
    add("E_MAGIC-line-ends-converted.larder", headed.replace(b"\r\n", b"\n"), "neither an .npy", MAP)
    add("E_TRUNCATED-within-magic.npy", whole[:3], "ends within its first bytes")
    add("E_TRUNCATED-within-npy-header.npy", whole[:100], "ends within its NPY header")
    add("E_TRUNCATED-within-data.npy", whole[:150], "speaks of 168 bytes, the file has 150")
    add("E_TRUNCATED-within-head.larder", headed[:63], "ends within its head", MAP)
    add("E_HEAD_CHECKSUM-version.larder", map_file().flip(10), "does not match its checksum", MAP)
    for what, at, form, value, code, message in (
            ("major-2", 8, "H", 2, "E_VERSION", "format version 2"),
            ("unknown-flag", 12, "I", 1, "E_FEATURE", "features that this version does not know"),
            ("unused-bytes", 55, "B", 1, "E_RESERVED", "unused bytes of the head"),
            ("not-the-trailer-s-minor", 10, "H", 1, "E_VERSION", "head and trailer speak of different versions")):
        file = map_file().put(at, form, value)
        add(f"{code}-head-{what}.larder", file.put(56, "Q", xxh3_64(file.data[:56])), message, MAP)


def add_trailers():
    def trailer(at, form, value):
        file = array_file()
        return file.put(file.trailer + at, form, value)

    add("E_VERSION-trailer-major-2.npy", trailer(40, "H", 2), "format version 2; this library reads version 1")
    add("E_FEATURE-trailer-unknown-flag.npy", trailer(32, "I", 1 << 31), "features that this version does not know")
    add("E_TRAILER-bytes-behind.npy", bytes(array_file().data) + bytes(64), "no larder trailer at the end")
    add("E_TRAILER-cut-short.larder", map_file().data[:-64], "no larder trailer at the end", MAP)
    # A flipped bit of the shape that makes the data end with the file: 24 doubles and the rest are 48.
    long = Container([Segment(ARRAY, npy_header([24]) + doubles(*range(24)))], has_head=False)
    grown = long.data.replace(b"(24,)", b"(48,)")
    assert len(grown) == 128 + 48 * 8
    add("E_TRAILER-shape-up-to-the-end.npy", grown, "a larder trailer lies within the data")
    file = array_file()
    add("E_TRAILER_CHECKSUM-bit.npy", file.flip(file.trailer + 36), "does not match its checksum")
    file = map_file()
    add("E_TRAILER_CHECKSUM-bit.larder", file.flip(file.trailer + 48), "does not match its checksum", MAP)
    twice = bytes(array_file().data) * 2
    add("E_FILELEN-two-files.npy", twice, "the trailer speaks of 384 bytes, the file has 768")
    add("E_STATE-lower-case.npy", trailer(44, "4s", b"drty"), "neither clean nor dirty")
    add("E_INDEX_BOUNDS-offset-huge.npy", trailer(0, "Q", 1 << 60), "does not lie where the trailer says")
    add("E_INDEX_BOUNDS-length-0.npy", trailer(8, "Q", 0), "does not lie where the trailer says")
    file = array_file()
    file.put(file.trailer, "QQ", 2**64 - 64, file.trailer + 64)
    add("E_INDEX_BOUNDS-overflow.npy", file, "does not lie where the trailer says")
    file = array_file()
    add("E_INDEX_CHECKSUM-bit.npy", file.flip(file.index + 24), "the index does not match its checksum")


def add_indexes():
    def index(at, form, value):
        file = array_file()
        return file.put(file.index + at, form, value)

    add("E_INDEX_BOUNDS-magic.npy", index(0, "B", 0), "no index where the trailer says")
    add("E_INDEX_BOUNDS-own-offset.npy", index(32, "Q", 64), "no index where the trailer says")
    add("E_INDEX_COUNT-0.npy", index(8, "I", 0), "has 1 entries and speaks of 0")
    add("E_INDEX_COUNT-of-2-to-26-more.npy", index(8, "I", (1 << 26) + 1), "has 1 entries and speaks of 67108865")
    add("E_INDEX_COUNT-entry-size.npy", index(12, "I", 128), "the index has 1 entries")
    add("E_RESERVED-index-unused-bytes.npy", index(63, "B", 1), "unused bytes of the index")
    add("E_RESERVED-type-without-object.npy", index(16, "Q", 1), "speaks of a type, and there is no object")
    for what, at, form, value, code, message in (
            ("unknown", 28, "B", 4, "E_KIND", "unknown kind 4"),
            ("metadata-first", 28, "B", METADATA, "E_SEG_SIZE", "lengths of a segment contradict each other"),
            ("unknown", 29, "B", 2, "E_CODEC", "unknown codec 2"),
            ("unknown-check", 30, "B", 1, "E_RESERVED", "unknown check 1"),
            ("digest-without-check", 30, "B", 0, "E_RESERVED", "a digest where there is no check"),
            ("segment-flags", 31, "B", 1, "E_RESERVED", "segment flags are not zero"),
            ("unknown-extended", 48, "I", 7, "E_DTYPE", "an extended dtype"),
            ("bfloat16-of-f8", 48, "I", 1, "E_DTYPE", "element type"),
            ("of-4-mib", 52, "I", 22, "E_ALIGN", "not aligned as it has to be"),
            ("not-kept", 52, "I", 12, "E_ALIGN", "not aligned as it says"),
            ("entry-unused-bytes", 56, "Q", 1 << 63, "E_RESERVED", "unused bytes of an index entry"),
            ("raw-is-not-stored", 16, "Q", 160, "E_SEG_SIZE", "lengths of a segment contradict each other"),
            ("stored-0", 8, "Q", 0, "E_SEG_SIZE", "lengths of a segment contradict each other"),
            ("npy-header-of-64", 24, "I", 64, "E_SEG_SIZE", "do not speak of the same array"),
            ("overflow", 0, "Q", 2**64 - 64, "E_SEG_BOUNDS", "overlaps something else")):
        add(f"{code}-{what}.npy", array_file(entry={at: (form, value)}), message)
    huge = {8: ("Q", 2**64 - 1), 16: ("Q", 2**64 - 1)}
    add("E_SEG_BOUNDS-huge.npy", array_file(entry=huge), "overlaps something else")
    add("E_ALIGN-metadata-offset.npy", array_file(JSON, entry={0: ("Q", 193)}), "not aligned as it has to be")
    add("E_SEG_BOUNDS-metadata-in-array.npy", array_file(JSON, entry={0: ("Q", 128)}), "overlaps something else")
    add("E_SEG_HOLE-gap-before-metadata.npy", array_file(JSON, gap=1), "a gap between segments")
    middle = Segment(ARRAY, npy(3))
    middle.gap = 2
    text = MAP.encode()
    stream = struct.pack("<Q", 0)
    add("E_SEG_HOLE-gap-between-arrays.larder",
        Container([Segment(ARRAY, npy(1)), middle, Segment(OBJECT, struct.pack("<I", len(text)) + text + stream)], True,
                  MAP), "a gap between segments", MAP)
    add("E_PADDING-after-data.npy", array_file().flip(170), "padding that is not zero")
    file = array_file(JSON)
    add("E_PADDING-after-metadata.npy", file.flip(file.index - 1), "padding that is not zero")
    shape = array_file()
    shape.data[:168] = shape.data[:168].replace(b"(5,)", b"(4,)")
    add("E_SEG_SIZE-another-shape.npy", shape, "do not speak of the same array")


def add_kinds():
    array, meta = Segment(ARRAY, npy(1)), Segment(METADATA, JSON)
    order = "not arrays, an object and metadata, in this order"
    add("E_KIND-two-metadata.npy", Container([array, meta, meta], False), order)
    text = Segment(OBJECT, struct.pack("<I", len(MAP)) + MAP.encode() + bytes(8))
    add("E_KIND-object-before-array.larder", Container([text, array], True, MAP), order, MAP)
    add("E_KIND-two-objects.larder", Container([text, text], True, MAP), order, MAP)
    add("E_KIND-two-arrays.npy", Container([array, array], False), "holds that array and metadata, nothing else")
    add("E_KIND-object-in-npy.npy", Container([array, text], False, MAP), "holds that array and metadata", MAP)
    holds = "holds an object, or one compressed array"
    add("E_KIND-array-behind-head.larder", Container([array], True), holds)
    add("E_KIND-metadata-alone.larder", Container([meta], True), holds)
    small = npy(1)
    packed = Segment(ARRAY, small, frame(small))
    add("E_KIND-two-compressed-arrays.larder", Container([packed, packed], True), holds)


def add_compressed():
    raw = npy(1, 2, 3, 4, 5)
    good = frame(raw)
    add("E_CODEC-no-frame.larder", compressed_file(b"\0" * 40), "what is no zstd frame")
    add("E_CODEC-skippable-frame.larder", compressed_file(b"\x50\x2a\x4d\x18\4\0\0\0skip" + good), "no zstd frame")
    add("E_CODEC-content-size-0.larder", compressed_file(frame(b"") + good), "1 byte to 4 MiB of content")
    large = b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", (4 << 20) + 1) + good[7:]
    add("E_CODEC-content-over-4-mib.larder", compressed_file(large), "1 byte to 4 MiB of content")
    unknown = b"\x28\xb5\x2f\xfd\x00\x58" + good[6:]
    add("E_CODEC-unknown-content-size.larder", compressed_file(unknown), "or does not say so")
    add("E_CODEC-cut-short.larder", compressed_file(good[:-1]), "end within a frame")
    add("E_CODEC-reserved-block.larder", compressed_file(good[:6] + b"\7" + good[7:]), "end within a frame")
    # A block of three bytes where the frame promises 168.
    add("E_CODEC-less-than-promised.larder", compressed_file(frame(raw)[:6] + struct.pack("<I", 1 | 3 << 3)[:3] + raw[:3]),
        "compressed data that are damaged")
    add("E_CODEC-second-frame-damaged.larder", compressed_file(frame(raw[:130]) + b"\x28\xb5\x2f\xfd\x20\x26\xff\xff\xff"),
        "end within a frame", found_by="data")
    wrong = "do not have the length that the index says"
    add("E_SEG_SIZE-frames-too-short.larder", compressed_file(frame(raw[:150])), wrong)
    add("E_SEG_SIZE-frames-too-long.larder", compressed_file(good + frame(b"x")), wrong, found_by="data")
    add("E_SEG_SIZE-first-frame-too-long.larder", compressed_file(frame(raw + b"x")), wrong)
    add("E_SEG_SIZE-header-in-two-frames.larder", compressed_file(frame(raw[:64]) + frame(raw[64:])),
        "do not speak of the same array")
    add("E_SEG_CHECKSUM-compressed-data.larder", compressed_file(frame(raw[:-1] + b"\0")), "do not match their digest",
        found_by="data")
    add("E_NPY_HEADER-compressed.larder", compressed_file(raw=b"x" * 168), "an array without an NPY header")
    stored = len(good)
    bomb = {16: ("Q", 65536 * stored + 1)}
    add("E_BOMB-array-over-65536-times.larder", compressed_file(entry=bomb), f"that claims to hold {65536 * stored + 1}")
    text = struct.pack("<I", len(MAP)) + MAP.encode() + bytes(8)
    half = Segment(OBJECT, text, frame(text) + bytes(20000))
    half.entry = {16: ("Q", (1 << 30) + 1)}
    add("E_BOMB-object-over-1-gib.larder", Container([half], True, MAP), "the limit is 1073741824", MAP)
    meta = Segment(METADATA, JSON, frame(JSON) + bytes(1000))
    meta.entry = {16: ("Q", (64 << 20) + 1)}
    add("E_BOMB-metadata-over-64-mib.npy", Container([Segment(ARRAY, npy(1)), meta], False), "the limit is 67108864")


def add_digests():
    data = array_file(JSON)
    add("E_SEG_CHECKSUM-array-data.npy", data.flip(167), "the data do not match their digest", found_by="data")
    file = array_file(JSON)
    add("E_SEG_CHECKSUM-metadata.npy", file.flip(file.index - 64), "the metadata do not match their digest")
    file = array_file()
    file.put(file.entry(0) + 40, "Q", 7)
    add("E_SEG_CHECKSUM-array-digest.npy", file, "the data do not match their digest", found_by="data")
    file = map_file()
    add("E_SEG_CHECKSUM-object.larder", file.flip(file.data.find(text_with_length("b")) + 8),
        "the object do not match their digest", MAP)
    file = map_file()
    add("E_SEG_CHECKSUM-array-of-object.larder", file.flip(file.data.find(doubles(3))), "do not match their digest",
        MAP, "data")


def add_headers():
    def plain(text, data=doubles(1, 2, 3, 4, 5), major=1):
        return npy_around(text, major) + data

    def in_container(header):
        return Container([Segment(ARRAY, header + doubles(1, 2, 3, 4, 5), header=len(header))], False)

    good = "{'descr': '<f8', 'fortran_order': False, 'shape': (5,), }"
    for case, text, code, message in (
            ("no-dictionary", "[1, 2, 3]", "E_NPY_HEADER", "lacks a '{'"),
            ("no-tuple", good.replace("(5,)", "(5)"), "E_NPY_HEADER", "not a tuple"),
            ("negative", good.replace("5", "-5"), "E_NPY_HEADER", "not a number"),
            ("order-of-1", good.replace("False", "1"), "E_NPY_HEADER", "neither True nor False"),
            ("goes-on", good + "{}", "E_NPY_HEADER", "goes on after its dictionary"),
            ("string-without-end", "{'descr': '<f8", "E_NPY_HEADER", "a string without an end"),
            ("no-shape", "{'descr': '<f8', 'fortran_order': False}", "E_NPY_KEYS", "lacks one of"),
            ("one-more", good[:-1] + "'more': 1}", "E_NPY_KEYS", "a key 'more' too many"),
            ("shape-twice", good[:-1] + "'shape': (5,)}", "E_NPY_KEYS", "a key 'shape' too many"),
            ("2-to-64", good.replace("5", str(2**64)), "E_SHAPE_OVERFLOW", "a dimension is 2^63 or more"),
            ("2-to-63-bytes", good.replace("5,", f"{2**30}, {2**30}"), "E_SHAPE_OVERFLOW", "more than 2^63 bytes"),
            ("behind-a-zero", good.replace("5,", f"0, {2**40}, {2**40}"), "E_SHAPE_OVERFLOW", "more than 2^63 bytes"),
            ("33", good.replace("5,", "1, " * 33), "E_NDIM", "more than 32 dimensions"),
            ("text", good.replace("<f8", "<U4"), "E_DTYPE", "dtype '<U4' is not supported"),
            ("python-objects", good.replace("<f8", "|O"), "E_DTYPE", "dtype '|O' is not supported"),
            ("without-byte-order", good.replace("<f8", "f8"), "E_DTYPE", "dtype 'f8' is not supported"),
            ("record", good.replace("'<f8'", "[('x', '<f8')]"), "E_DTYPE", "records")):
        add(f"{code}-{case}.npy", plain(text), message)
    no_end = bytearray(plain(good))
    no_end[127] = ord(" ")
    add("E_NPY_HEADER-no-newline.npy", no_end, "does not end in a newline")
    add("E_NPY_VERSION-4.npy", plain(good, major=4), "NPY version 4.0; 1.0, 2.0 and 3.0 are known")
    add("E_NPY_HDRSIZE-over-9984.npy", plain(good + " " * 9990), "9984 is the limit")
    huge = b"\x93NUMPY\2\0" + struct.pack("<I", 2**32 - 1) + b"{}\n" + bytes(200)
    add("E_NPY_HDRSIZE-of-4-gib.npy", huge, "an NPY header of 4294967307 bytes")
    file = map_file(arrays=[npy(*range(2500)), npy(1)])
    file.put(file.entry(0) + 24, "I", 10048)
    add("E_NPY_HDRSIZE-index.larder", file, "an NPY header of 10048 bytes", MAP)
    canonical = "not as larder and NumPy write it"
    add("E_NPY_HEADER-other-order-of-keys.npy", in_container(npy_around(
        "{'shape': (5,), 'descr': '<f8', 'fortran_order': False, }")), canonical)
    add("E_NPY_HEADER-big-endian-in-container.npy", in_container(npy_header([5], ">f8")), canonical)
    add("E_NPY_HEADER-needless-fortran-order.npy", in_container(npy_header([5], order="True")), canonical)
    add("E_NPY_HEADER-version-2-in-container.npy", in_container(npy_around(good, 2)), canonical)


def add_objects():
    def wrong(name, file, message, kind=MAP):
        add(f"E_OBJECT-{name}.larder", file, message, kind, "values")

    add("E_OBJECT-no-type.larder", object_file(MAP, b"", text=b""), "longer than the object", MAP)
    short = Segment(OBJECT, b"\0\0")
    add("E_OBJECT-of-2-bytes.larder", Container([short], True, MAP), "an object without a type", MAP)
    long = Segment(OBJECT, struct.pack("<I", 2**32 - 1) + MAP.encode())
    add("E_OBJECT-type-of-4-gib.larder", Container([long], True, MAP), "longer than the object", MAP)
    add("E_OBJECT-fingerprint.larder", object_file(MAP, bytes(8), text=b"map<string,array<f32>>"),
        "not the one that the index speaks of", MAP)
    wrong("ends-within-a-value", map_file(count=3), "the stream ends within a value")
    wrong("goes-on", map_file(count=1), "the stream goes on after its value")
    wrong("array-not-referred-to", map_file(numbers=(0, 0)), "an array in segment 1 that the object does not refer to")
    wrong("no-such-segment", map_file(numbers=(0, 2)), "an array in a segment that is not there")
    wrong("compressed-no-such-segment", map_file(numbers=(0, 2), compressed=True), "a segment that is not there")
    floats = npy_header([1], "<f4") + struct.pack("<f", 1)
    wrong("another-element-type", map_file(arrays=[npy(1), floats]), "a segment of another element type")
    wrong("inline-elements-missing", map_file(keys=("a",), numbers=(2**32 - 1,), arrays=[]), "the stream ends within")
    wrong("key-twice", map_file(keys=("a", "a")), "a key that is there twice")
    text = object_file(MAP, struct.pack("<QQ", 1, 2**63) + b"a", [])
    wrong("text-of-2-to-63-bytes", text, "a count that its bytes do not bear out")
    wrong("count-of-2-to-64", object_file(MAP, struct.pack("<Q", 2**64 - 1)), "the stream ends within a value")
    wrong("bool-of-2", object_file("optional<string>", b"\2"), "a bool that is neither 0 nor 1", "optional<string>")
    kind = "variant<i32,string>"
    wrong("alternative", object_file(kind, struct.pack("<I", 2)), "an alternative that its type does not have", kind)
    kind = "vector<monostate>"
    wrong("elements-of-nothing", object_file(kind, struct.pack("<Q", 2**64 - 1)), "too many elements that hold nothing",
          kind)
    kind = "pair<array<f64>,array<f64>>"
    wrong("vector-twice", object_file(kind, struct.pack("<II", 0, 0), [npy(1)]), "a segment that several values share", kind)
    wrong("nesting", object_file("nested", b"\1" * 300 + b"\0"), "nested more than 256 deep", "nested")
    first = 1 << 31
    kind = "vector<shared_ptr<linked>>"

    def linked(*numbers):
        """Shared pointers to structs of one shared pointer each; the first number is the vector's."""
        return object_file(kind, struct.pack("<Q", numbers[0]) + struct.pack(f"<{len(numbers) - 1}I", *numbers[1:]))

    wrong("pointer-in-a-circle", linked(1, first | 1, 1), "shared pointers lead in a circle", kind)
    wrong("pointer-to-what-never-came", linked(1, first | 1, 2), "something that never came", kind)
    wrong("pointer-out-of-order", linked(1, first | 2, 0), "not numbered in order", kind)
    chain = [number for i in range(1, 300) for number in (first | i, i - 1)]
    wrong("nesting-through-pointers", linked(299, *chain), "nested more than 256 deep", kind)
    kind = "tuple<shared_ptr<i32>,shared_ptr<u32>>"
    wrong("pointer-of-another-type", object_file(kind, struct.pack("<III", first | 1, 7, 1)),
          "a shared pointer to something of another type", kind)


def add_types():
    add("E_TYPE-another-element-type.npy", npy_header([1], "<i4") + bytes(4), "array<i32>", found_by="values")
    add("E_TYPE-an-object.larder", map_file(), MAP, found_by="values")
    add("E_TYPE-an-array.npy", array_file(), "array<f64>", MAP, "values")
    add("E_TYPE-another-object.larder", map_file(), MAP, "optional<string>", "values")
    add("E_TYPE-other-fields.larder", object_file("nested", b"\0", schema=1), "with other fields", "nested", "values")


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for make in (add_beginnings, add_trailers, add_indexes, add_kinds, add_compressed, add_digests, add_headers,
                 add_objects, add_types):
        make()
    for name, (data, *_) in FILES.items():
        (folder / name).write_bytes(data)
    lines = ["\t".join((name, *rest)) + "\n" for name, (_, *rest) in sorted(FILES.items())]
    (folder / "manifest.txt").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
