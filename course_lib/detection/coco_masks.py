"""COCO's three ways to write a mask, brought to one: compressed run lengths."""

import numpy as np

from course_lib.errors import InputError


def run_lengths(row: dict, image: dict, what: str) -> dict:
    """The mask of an annotation or result as pycocotools' compressed run lengths.

    Args:
        row: has ``segmentation``: polygons, run lengths as a list, or compressed;
            where it has none, its box is its mask.
        image: the picture's ``height`` and ``width``.
        what: name of the row in messages.

    Returns:
        ``{"size": [H, W], "counts": bytes}``.

    Raises:
        InputError: where it is none of these, or of another size than the picture.
    """
    from pycocotools import mask as rle

    try:
        height, width = int(image["height"]), int(image["width"])
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"picture {image['id']!r} has no 'height' and 'width', which masks need"
        ) from None
    code = row.get("segmentation")
    if code is None and row.get("bbox"):
        x, y, w, h = row["bbox"]
        code = [[x, y, x, y + h, x + w, y + h, x + w, y]]
    try:
        if isinstance(code, list):
            return rle.merge(rle.frPyObjects(code, height, width))
        if isinstance(code["counts"], list):
            code = rle.frPyObjects(code, *code["size"])
    except Exception:
        code = None
    if not isinstance(code, dict) or "counts" not in code or "size" not in code:
        raise InputError(
            f"'segmentation' of {what} is {row.get('segmentation')!r:.60}; give "
            "polygons or run lengths as COCO does"
        )
    if list(code["size"]) != [height, width]:
        raise InputError(
            f"the mask of {what} is {code['size']} but its picture {[height, width]}; "
            "give masks in the size of the picture"
        )
    return code


def encode(mask: np.ndarray) -> dict:
    """Compressed run lengths of a mask (H, W), as JSON can hold them."""
    from pycocotools import mask as rle

    code = rle.encode(np.asfortranarray(mask, np.uint8))
    return {"size": [int(s) for s in code["size"]], "counts": code["counts"].decode()}
