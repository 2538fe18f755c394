"""Things painted into a map of class ids, and the regions of a map as things."""

from collections.abc import Sequence

import numpy as np

from course_lib.data.classes import VOID
from course_lib.data.formats.annotated import Annotated, Thing
from course_lib.errors import InputError


def mask_of(thing: Thing, width: int, height: int) -> np.ndarray:
    """The pixels of a thing: (H, W) bool.

    Raises:
        ValueError: for a thing that is only a box.
    """
    from pycocotools import mask as rle

    from course_lib.detection.coco_masks import from_polygons

    if not thing.run_lengths and not thing.polygons:
        raise ValueError(f"the {thing.name} is only a box; draw its outline")
    runs = thing.run_lengths or from_polygons(list(thing.polygons), [height, width])
    return rle.decode(runs).astype(bool)


def encode_mask(mask: np.ndarray) -> tuple[dict, tuple[float, float, float, float]]:
    """Packed run lengths of a mask (H, W) that is not empty, and its box."""
    from course_lib.detection.coco_masks import encode

    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    ends = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return encode(mask), tuple(map(float, ends))


def paint(annotated: Annotated, names: Sequence[str]) -> np.ndarray:
    """Paint the things of a picture, each over those before it.

    Args:
        annotated: the picture; its things have masks.
        names: of the classes, in the order of their ids.

    Returns:
        (H, W) uint8 ids; 255 where no thing is.

    Raises:
        InputError: for a thing that is only a box.
    """
    labels = np.full((annotated.height, annotated.width), VOID, np.uint8)
    for number, thing in enumerate(annotated.things, start=1):
        try:
            mask = mask_of(thing, annotated.width, annotated.height)
        except ValueError as error:
            raise InputError(f"{annotated.file}, object {number}: {error}") from None
        labels[mask] = names.index(thing.name)
    return labels


def regions(labels: np.ndarray, names: Sequence[str]) -> tuple[Thing, ...]:
    """What a class covers, one thing a class, as COCO-stuff tells it.

    Args:
        labels: (H, W) ids, 255 = void, which is no thing.
        names: of the classes, in the order of their ids.

    Raises:
        ValueError: for an id without a name.

    Caesar et al., COCO-Stuff, CVPR 2018.
    """
    things = []
    for i in set(np.unique(labels).tolist()) - {VOID}:
        if not 0 <= i < len(names):
            raise ValueError(f"the id {i}, but there are {len(names)} names, from 0")
        runs, box = encode_mask(labels == i)
        things.append(Thing(names[i], box, run_lengths=runs))
    return tuple(sorted(things, key=lambda thing: names.index(thing.name)))
