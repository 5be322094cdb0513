"""The object stream of larder's files as Python values, by the type text alone; a part of read_larder.py.

As Python values: vector, deque, list: list (of char or byte: bytes); array, vector of elements: NumPy array; pair, tuple: tuple;
fixed_array: list; set: set; map: dict (a list, of pairs, where Python cannot hash the keys, or takes different ones for
equal); multimap: list of pairs; multiset: list; optional, pointers: None or the value; shared pointers to one object:
one object; variant: the value of its alternative; string: str, with surrogates for bytes that are not UTF-8; char: bytes;
byte: int; durations and time points: their number of ticks. Elements of bfloat16 arrays are pairs of bytes, as the .npy
says: widen() makes float32 of them.
"""

import struct

import numpy as np

INLINE = 0xFFFFFFFF  # instead of a segment's number: the elements follow
FIRST_USE = 0x80000000  # in a shared pointer's number: what it points to follows

# The names of the canonical type text, and what the NPY header says.
DTYPES = {"i8": "|i1", "i16": "<i2", "i32": "<i4", "i64": "<i8", "u8": "|u1", "u16": "<u2", "u32": "<u4", "u64": "<u8",
          "f16": "<f2", "bf16": "|V2", "f32": "<f4", "f64": "<f8", "c64": "<c8", "c128": "<c16", "bool": "|b1"}


class FormatError(ValueError):
    """The bytes of a file are not what the format demands; `code` is the one of docs/format.md."""

    def __init__(self, code, detail):
        super().__init__(f"{code}: {detail}")
        self.code = code


class UnknownType(TypeError):
    """A user's type: what its fields are does not stand in the file."""


def require(condition, code, detail):
    if not condition:
        raise FormatError(code, detail)


def sound(array):
    """The array, whose bools are bools: nobody vouches for the bytes of a plain file."""
    require(array.dtype != bool or not (array.view(np.uint8) > 1).any(), "E_DTYPE", "a bool that is neither 0 nor 1")
    return array


def widen(bfloat16s):
    """float32 of an array of bfloat16."""
    return (bfloat16s.view("<u2").astype("<u4") << 16).view("<f4")


def split_type(text):
    """("map", ["i32", "array<f64>"]) of "map<i32,array<f64>>"."""
    name, bracket, inner = text.partition("<")
    if not bracket or not inner.endswith(">"):
        return text, []
    parts, depth = [""], 0
    for letter in inner[:-1]:
        depth += (letter == "<") - (letter == ">")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return name, parts


class ObjectReader:
    """Reads the stream, in which values follow each other without tags: the type text says what comes next."""

    def __init__(self, file, types):
        self.file, self.types = file, types
        self.at = self.depth = self.empty = 0
        self.used, self.shared, self.known = set(), {}, {}

    def read(self):
        try:
            value = self.value(self.file.type)
        except RecursionError:
            raise UnknownType(f"{self.file.type[:80]}... is nested too deeply for this reader") from None
        require(self.at == len(self.file.stream), "E_OBJECT", "the stream goes on after its value")
        require(len(self.used) == len(self.file.arrays), "E_OBJECT", "an array that the object does not refer to")
        return value

    def take(self, size):
        require(size <= len(self.file.stream) - self.at, "E_OBJECT", "the stream ends within a value")
        self.at += size
        return self.file.stream[self.at - size:self.at]

    def number(self, code):
        return struct.unpack("<" + code, self.take(struct.calcsize(code)))[0]

    def boolean(self):
        byte = self.number("B")
        require(byte <= 1, "E_OBJECT", "a bool that is neither 0 nor 1")
        return byte == 1

    def elements(self, text):
        """The elements of a container, their number first."""
        out = []
        for _ in range(self.number("Q")):
            before = self.at
            out.append(self.value(text))
            self.empty += self.at == before
            require(self.empty <= 65536, "E_OBJECT", "too many elements that hold nothing")
        return out

    def value(self, text):
        if text in self.types:
            return self.users_value(self.types[text])
        if text not in self.known:
            self.known[text] = split_type(text)
        name, parts = self.known[text]
        if name in DTYPES and not parts:
            return self.scalar(name)
        method = getattr(self, "read_" + name, None)
        if not method:
            raise UnknownType(f"{text} is a user's type, and what is in it does not stand in the file: say it with types=, or "
                              "take load(path).stream and .arrays")
        return method(*parts)

    def users_value(self, fields):
        if isinstance(fields, int):
            return self.take(fields)
        self.depth += 1
        require(self.depth <= 256, "E_OBJECT", "values are nested more than 256 deep")
        if isinstance(fields, dict):
            out = {name: self.value(text) for name, text in fields.items()}
        else:
            out = tuple(self.value(text) for text in fields)
        self.depth -= 1
        return out

    def scalar(self, name):
        if name == "bool":
            return self.boolean()
        content = np.frombuffer(self.take(np.dtype(DTYPES[name]).itemsize), DTYPES[name])
        return (widen(content) if name == "bf16" else content)[0].item()

    def read_char(self):
        return self.take(1)

    def read_byte(self):
        return self.take(1)[0]

    def read_string(self):
        return self.take(self.number("Q")).decode("utf-8", "surrogateescape")

    def read_array(self, name):
        require(name in DTYPES, "E_OBJECT", f"an array of the unknown type {name}")
        number = self.number("I")
        if number == INLINE:
            content = bytearray(self.take(self.number("Q") * np.dtype(DTYPES[name]).itemsize))
            return sound(np.frombuffer(content, DTYPES[name]))
        require(number < len(self.file.arrays), "E_OBJECT", "an array in a segment that is not there")
        require(self.file.segments[number].npy.name == name, "E_OBJECT", "an array of another element type")
        self.used.add(number)
        return sound(self.file.arrays[number])

    def read_vector(self, text):
        return self.read_array("u8").tobytes() if text in ("char", "byte") else self.elements(text)

    read_deque = read_list = read_multiset = read_unordered_multiset = elements

    def read_fixed_array(self, text, count):
        return self.take(int(count)) if text in ("char", "byte") else [self.value(text) for _ in range(int(count))]

    def read_pair(self, *parts):
        return tuple(self.value(text) for text in parts)

    read_tuple = read_pair

    def read_monostate(self):
        return None

    def read_optional(self, text):
        return self.value(text) if self.boolean() else None

    read_unique_ptr = read_optional

    def read_variant(self, *parts):
        index = self.number("I")
        require(index < len(parts), "E_OBJECT", "a variant with an alternative that its type does not have")
        return self.value(parts[index])

    def read_shared_ptr(self, text):
        number = self.number("I")
        if number == 0:
            return None
        first = number & ~FIRST_USE
        if number & FIRST_USE:
            require(first == len(self.shared) + 1, "E_OBJECT", "shared pointers that are not numbered in order")
            self.shared[first] = None  # is being read
            self.shared[first] = (text, self.value(text))
        found = self.shared.get(first)
        require(found, "E_OBJECT", "a shared pointer to what has not been read")
        require(found[0] == text, "E_OBJECT", "a shared pointer to something of another type")
        return found[1]

    def unique(self, kind, elements, keys):
        try:
            out = kind(elements)
        except TypeError:  # Python does not hash lists, arrays and dicts
            return elements
        if len(out) == len(elements):
            return out
        require("variant<" in keys or keys not in self.known, "E_OBJECT", "a key that is there twice")
        return elements  # 1 and 1.0 are equal in Python

    def read_set(self, text):
        return self.unique(set, self.elements(text), text)

    def read_map(self, key, value):
        return self.unique(dict, self.read_multimap(key, value), key)

    def read_multimap(self, key, value):
        return self.elements(f"pair<{key},{value}>")

    read_unordered_set, read_unordered_map, read_unordered_multimap = read_set, read_map, read_multimap

    def read_duration(self, text, _ratio):
        return self.value(text)

    def read_time_point(self, text):
        return self.value(text)
