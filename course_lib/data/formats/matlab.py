"""The arrays of a struct in a MATLAB file of version 5, 6 or 7 (not 7.3, HDF5).

Such a file is a row of elements: kind, size in bytes, content, filled up to 8 bytes.
A matrix is an element of elements. Only what SBD needs is read, within bounds that are
checked: ``scipy.io.loadmat`` may crash the whole process on a damaged file.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from course_lib.data.formats.files import read_bytes
from course_lib.errors import InputError

MATRIX, COMPRESSED = 14, 15  # kinds of elements
NUMBERS = {1: "<i1", 2: "<u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4",
           9: "<f8", 12: "<i8", 13: "<u8"}  # fmt: skip
STRUCT = 2  # classes of matrices; those of numbers:
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4",
           14: "i8", 15: "u8"}  # fmt: skip
HEADER, LITTLE_ENDIAN = 128, b"IM"
MOST_BYTES = 100_000_000
FAULTS = (ValueError, LookupError, StopIteration, struct.error, zlib.error)


def read_struct(path: str | Path, name: str) -> dict[str, np.ndarray]:
    """The arrays of numbers in a struct, by the names of their fields.

    Cells, texts and sparse matrices in it are passed over.

    Args:
        path: the ``.mat``.
        name: of the struct, which has one element.

    Raises:
        InputError: for a missing or damaged file, and for one without that struct.

    The MathWorks, MAT-File Format, Level 5.
    """
    content = memoryview(read_bytes(Path(path), MOST_BYTES))
    try:
        if bytes(content[HEADER - 2 : HEADER]) != LITTLE_ENDIAN:
            raise ValueError("it has another header")
        for kind, data in _elements(content[HEADER:]):
            if kind == COMPRESSED:
                kind, data = next(_elements(_inflate(data)))
            if kind == MATRIX and (fields := _fields(data, name)) is not None:
                return fields
    except FAULTS as error:
        raise InputError(
            f"{path} is no MATLAB file of version 5 to 7, or damaged ({error}); get it "
            "again"
        ) from None
    raise InputError(f"{path} holds no struct {name}; is it a file of SBD?")


def _elements(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    place = 0
    while place < len(data):
        (kind,) = struct.unpack_from("<I", data, place)
        if size := kind >> 16:  # a small one: kind, size and content in 8 bytes
            kind, start, end = kind & 0xFFFF, place + 4, place + 8
        else:
            (size,) = struct.unpack_from("<I", data, place + 4)
            start = place + 8
            end = start + size + (0 if kind == COMPRESSED else -size % 8)
        if start + size > min(end, len(data)):
            raise ValueError("it breaks off")
        yield kind, data[start : start + size]
        place = end


def _inflate(data: memoryview) -> memoryview:
    stream = zlib.decompressobj()
    content = stream.decompress(data, MOST_BYTES)
    if not stream.eof:
        raise ValueError("it breaks off, or is too large")
    return memoryview(content)


def _matrix(data: memoryview) -> tuple[int, list[int], str, Iterator]:
    """Class, sizes, name, and the elements that hold the content."""
    parts = _elements(data)
    kind = next(parts)[1][0]
    sizes = np.frombuffer(next(parts)[1], "<i4").tolist()
    return kind, sizes, bytes(next(parts)[1]).decode("latin-1"), parts


def _fields(data: memoryview, wanted: str) -> dict[str, np.ndarray] | None:
    kind, sizes, name, parts = _matrix(data)
    if name != wanted or kind != STRUCT or math.prod(sizes) != 1:
        return None
    width = int.from_bytes(next(parts)[1], "little")
    if not 0 < width <= 64:
        raise ValueError(f"names of {width} letters")
    names = bytes(next(parts)[1])
    fields = {}
    for start, (_, content) in zip(range(0, len(names), width), parts, strict=True):
        array = _numbers(content)
        if array is not None:
            field = names[start : start + width].partition(b"\0")[0]
            fields[field.decode("latin-1")] = array
    return fields


def _numbers(data: memoryview) -> np.ndarray | None:
    if len(data) == 0:
        return None
    kind, sizes, _, parts = _matrix(data)
    if kind not in CLASSES:
        return None
    stored, content = next(parts)
    array = np.frombuffer(content, NUMBERS[stored])
    if min(sizes, default=0) < 0 or math.prod(sizes) != array.size:
        raise ValueError(f"{array.size} numbers for a matrix of {sizes}")
    return array.reshape(sizes, order="F").astype(CLASSES[kind])
