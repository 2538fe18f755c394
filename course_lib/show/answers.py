"""Coarse maps of answers, brought into a form that pictures and legends take."""

from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.data.classes import VOID, ClassTable
from course_lib.show.style import COLOURS

OTHER = (120, 120, 120)  # the grey of all classes without a colour of their own


def commonest(
    ids: Tensor, names: Sequence[str], most: int = 5
) -> tuple[Tensor, ClassTable]:
    """Keep the commonest classes of a map; the rest become one class, "other".

    Args:
        ids: (h, w) integers, such as the arg max over 1000 ImageNet classes.
        names: of all the classes.
        most: how many to keep, at most the six colours of the house style.

    Returns:
        (h, w) new ids, 0 for other, 1 for the commonest class and so on; and the
        class table of these.

    Taught in chapters/02_fcn_conversion.
    """
    found, counts = ids.unique(return_counts=True)
    order = counts.argsort(descending=True, stable=True)
    kept = found[order][: min(most, len(COLOURS))].tolist()
    new = torch.zeros_like(ids)
    for number, i in enumerate(kept, start=1):
        new[ids == i] = number
    colours = tuple(_rgb(colour) for colour in COLOURS[: len(kept)])
    table = ClassTable("answers", ("other", *(names[i] for i in kept)),
                       (OTHER, *colours))
    return new, table


def paint(ids: Tensor, stride: int, first: int, shape: Sequence[int]) -> Tensor:
    """Paint every answer of a map as a square, where it belongs in the picture.

    Args:
        ids: (h, w) class ids.
        stride: side of a square and distance between two, in pixels.
        first: row and column of the first square's corner, in pixels, from 0.
        shape: (H, W) of the picture.

    Returns:
        (H, W) int64; 255 (void) where no square comes to lie.

    Taught in chapters/02_fcn_conversion.
    """
    mask = torch.full(tuple(shape), VOID)
    squares = ids.repeat_interleave(stride, 0).repeat_interleave(stride, 1)
    room = mask[first : first + squares.shape[0], first : first + squares.shape[1]]
    room.copy_(squares[: room.shape[0], : room.shape[1]])
    return mask


def _rgb(colour: str) -> tuple[int, int, int]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))
