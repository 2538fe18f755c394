"""[yolo] and [region]: the layers whose maps become boxes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn

from course_lib.detection.darknet.cfg import Section
from course_lib.errors import InputError


class Shape(NamedTuple):
    """Channels, height and width of a map."""

    c: int
    h: int
    w: int


@dataclass(frozen=True)
class Head:
    """What a raw map means.

    Attributes:
        kind: "yolo" or "region" (YOLOv2).
        anchors: (width, height) in pixels of the input, one pair an anchor.
        stride: input pixels a cell.
        num_classes: C; the map has len(anchors) * (5 + C) channels.
        scale_x_y: how far the centre may leave its cell (1 = not at all).
        new_coords: scaled YOLOv4's coding, whose map went through a sigmoid.
        softmax: classes exclude each other ([region] only).
    """

    kind: str
    anchors: tuple[tuple[float, float], ...]
    stride: int
    num_classes: int
    scale_x_y: float = 1.0
    new_coords: bool = False
    softmax: bool = False


class Output(nn.Module):
    """A [yolo] or [region] layer: passes its map on, which is decoded elsewhere."""

    def __init__(self, head: Head):
        super().__init__()
        self.head = head

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:  # noqa: D102
        return inputs[0]


def output(section: Section, shapes, picture) -> tuple:
    """Plan a [yolo] or [region] layer, as ``kinds`` does the others."""
    (x,) = shapes
    head = _head(section, x, picture)
    wanted = len(head.anchors) * (5 + head.num_classes)
    if x.c != wanted:
        raise InputError(
            f"{section.where}: the layer before gives {x.c} channels, but "
            f"{len(head.anchors)} anchors and {head.num_classes} classes want "
            f"{wanted}; set its filters= to that"
        )
    return x, 0, lambda: Output(head)


def _head(section: Section, x: Shape, picture: Shape) -> Head:
    stride = picture.w // x.w
    if (x.w * stride, x.h * stride) != (picture.w, picture.h):
        raise InputError(
            f"{section.where}: a map of {x.w} x {x.h} does not divide the input of "
            f"{picture.w} x {picture.h}; give an input whose sides its stride divides"
        )
    region = section.kind == "region"
    num = section.integer("num", 1, 100, 1)
    values = section.numbers("anchors", 1e-3, 1e5)
    if len(values) != 2 * num:
        raise section.refuse(
            "anchors", section.text("anchors"), f"num={num} wants {2 * num} numbers"
        )
    unit = stride if region else 1  # [region] counts in cells
    pairs = [
        (w * unit, h * unit) for w, h in zip(values[::2], values[1::2], strict=True)
    ]
    every = ",".join(map(str, range(num)))
    mask = range(num) if region else section.integers("mask", 0, num - 1, every)
    return Head(
        section.kind,
        tuple(pairs[i] for i in mask),
        stride,
        section.integer("classes", 1, 10_000, 20),
        section.number("scale_x_y", 1, 10, 1),
        bool(section.integer("new_coords", 0, 1, 0)),
        region and bool(section.integer("softmax", 0, 1, 0)),
    )
