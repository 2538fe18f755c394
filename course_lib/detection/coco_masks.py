"""COCO's three ways to write a mask, checked and brought to one.

A mask is polygons, run lengths as a list, or run lengths packed into a string. What
is damaged must not reach pycocotools, whose C code trusts it.
"""

import numpy as np

from course_lib.errors import InputError

LARGEST = 100_000  # pixels of a side, and of a coordinate


def run_lengths(row: dict, image: dict, what: str) -> dict:
    """The mask of an annotation or result as pycocotools' packed run lengths.

    Args:
        row: has ``segmentation``: polygons, run lengths as a list, or packed; where it
            has none, its box is its mask, as in pycocotools.
        image: the picture's ``height`` and ``width``.
        what: name of the row in messages.

    Returns:
        ``{"size": [H, W], "counts": str or bytes}``.

    Raises:
        InputError: where it is none of these, or of another size than the picture.
    """
    size = picture_size(image)
    code = row.get("segmentation")
    try:
        if code is None and "bbox" in row:
            x, y, w, h = row["bbox"]
            code = [[x, y, x, y + h, x + w, y + h, x + w, y]]
        if isinstance(code, list):
            return from_polygons(code, size)
        return from_runs(code, size)
    except (KeyError, TypeError, ValueError, OverflowError, UnicodeError) as error:
        raise InputError(
            f"'segmentation' of {what} is {code!r:.60} for a picture of {size}: "
            f"{error}; give polygons or run lengths of the whole picture"
        ) from None


def picture_size(image: dict) -> list[int]:
    """Height and width of a picture's row."""
    size = [image.get("height"), image.get("width")]
    if not all(isinstance(side, int) and 0 < side <= LARGEST for side in size):
        raise InputError(
            f"picture {image['id']!r} has height {size[0]!r} and width {size[1]!r}; "
            "masks need both, in pixels"
        )
    return size


def from_polygons(polygons: list[list[float]], size: list[int]) -> dict:
    """Packed run lengths of polygons [x1, y1, x2, y2, ...]."""
    from pycocotools import mask as rle

    for polygon in polygons:
        points = np.array(polygon)
        if points.ndim != 1 or points.dtype.kind not in "iuf" or len(points) % 2:
            raise ValueError("a polygon is a list of x, y, x, y, ...")
        if len(points) < 6 or not (np.abs(points) <= LARGEST).all():
            raise ValueError("a polygon has 3 points or more, in pixels")
    if not polygons:
        raise ValueError("no polygon")
    return rle.merge(rle.frPyObjects(polygons, *size))


def from_runs(code: dict, size: list[int]) -> dict:
    """Packed run lengths of packed or listed ones, whose sum is the picture's area."""
    from pycocotools import mask as rle

    if list(code["size"]) != size:
        raise ValueError(f"the mask is {code['size']}")
    listed = isinstance(code["counts"], list)
    runs = np.array(code["counts"]) if listed else unpack(code["counts"])
    if runs.dtype.kind not in "iu" or runs.ndim != 1 or (runs < 0).any():
        raise ValueError("run lengths are whole numbers, none below 0")
    if runs.sum() != size[0] * size[1]:
        raise ValueError(f"the runs cover {runs.sum()} pixels")
    return rle.frPyObjects(code, *size) if listed else code


def unpack(packed: str | bytes) -> np.ndarray:
    """Run lengths of a packed string, (N,) int64: pixels out, in, out, ...

    A character carries five bits, a sixth says that more of the number follow; from
    the fourth on a number is the difference to the run before the last.
    """
    code = packed.encode("ascii") if isinstance(packed, str) else packed
    digits = np.frombuffer(code, np.uint8).astype(np.int64) - 48
    last = np.flatnonzero(digits & 32 == 0)  # (N,) where a number ends
    length = np.diff(last, prepend=-1)
    if ((digits < 0) | (digits > 63)).any() or not len(last) or length.max() > 6:
        raise ValueError("the string is no packed run lengths")
    if last[-1] != len(digits) - 1:
        raise ValueError("the string is cut")
    begin = last - length + 1
    place = np.arange(len(digits)) - np.repeat(begin, length)
    runs = np.add.reduceat((digits & 31) << (5 * place), begin)
    runs -= (digits[last] >> 4 & 1) << (5 * length)  # negative numbers
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs


def encode(mask: np.ndarray) -> dict:
    """Packed run lengths of a mask (H, W), as JSON can hold them."""
    from pycocotools import mask as rle

    code = rle.encode(np.asfortranarray(mask, np.uint8))
    return {"size": [int(s) for s in code["size"]], "counts": code["counts"].decode()}
