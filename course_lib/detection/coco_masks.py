"""COCO's three ways to write a mask, checked and brought to one.

A mask is polygons, run lengths as a list, or run lengths packed into a string. What
is damaged must not reach pycocotools, whose C code trusts it.
"""

from collections.abc import Sequence

import numpy as np

from course_lib.data.packed_run_lengths import whole
from course_lib.errors import InputError

LARGEST = 100_000  # pixels of a side, and of a coordinate


def packed_masks(
    rows: Sequence[dict], images: dict, order: Sequence[int], what: str
) -> list[dict]:
    """Masks of annotations or results as pycocotools' packed run lengths.

    Args:
        rows: have ``segmentation``: polygons, run lengths as a list, or packed; where
            one has none, its box is its mask, as in pycocotools.
        images: rows of the pictures by their id, with ``height`` and ``width``.
        order: the rows that are wanted.
        what: name of the rows in messages.

    Returns:
        ``{"size": [H, W], "counts": str or bytes}`` of each.

    Raises:
        InputError: where one is none of these, or of another size than the picture.
    """
    masks = []
    for i in order:
        size = picture_size(images[rows[i]["image_id"]])
        try:
            masks.append(packed_mask(rows[i], size))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise _refusal(rows[i], f"{what}[{i}]", size, error) from None
    areas = [mask["size"][0] * mask["size"][1] for mask in masks]
    sound = whole([_bytes(mask) for mask in masks], areas)
    if not sound.all():
        wrong = int(np.argmin(sound))
        i, size = order[wrong], masks[wrong]["size"]
        raise _refusal(rows[i], f"{what}[{i}]", size, "the runs do not cover it")
    return masks


def packed_mask(row: dict, size: list[int]) -> dict:
    """The mask of one row, packed; what comes packed is not yet checked."""
    code = row.get("segmentation")
    if code is None and "bbox" in row:
        x, y, w, h = row["bbox"]
        code = [[x, y, x, y + h, x + w, y + h, x + w, y]]
    if isinstance(code, list):
        return from_polygons(code, size)
    if list(code["size"]) != size:
        raise ValueError(f"the mask is {code['size']}")
    if isinstance(code["counts"], list):
        return from_list(code["counts"], size)
    _bytes(code)
    return code


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


def from_list(counts: list[int], size: list[int]) -> dict:
    """Packed run lengths of a list of them."""
    from pycocotools import mask as rle

    runs = np.array(counts)
    if runs.dtype.kind not in "iu" or runs.ndim != 1 or (runs < 0).any():
        raise ValueError("run lengths are whole numbers, none below 0")
    if runs.sum() != size[0] * size[1]:
        raise ValueError(f"the runs cover {runs.sum()} pixels")
    return rle.frPyObjects({"size": size, "counts": counts}, *size)


def encode(mask: np.ndarray) -> dict:
    """Packed run lengths of a mask (H, W), as JSON can hold them."""
    from pycocotools import mask as rle

    code = rle.encode(np.asfortranarray(mask, np.uint8))
    return {"size": [int(s) for s in code["size"]], "counts": code["counts"].decode()}


def _bytes(code: dict) -> bytes:
    counts = code["counts"]
    if isinstance(counts, str):
        return counts.encode("ascii")  # UnicodeEncodeError is a ValueError
    if isinstance(counts, bytes):
        return counts
    raise TypeError("counts are a list or a string")


def _refusal(row: dict, what: str, size: list[int], reason) -> InputError:
    return InputError(
        f"'segmentation' of {what} is {row.get('segmentation')!r:.60} for a picture of "
        f"{size}: {reason}; give polygons or run lengths of the whole picture"
    )
