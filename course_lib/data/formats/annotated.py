"""What all annotation formats have in common: a picture and the things in it."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from course_lib.errors import InputError

Box = tuple[float, float, float, float]
SLACK = 1  # pixels a box may reach beyond the rim: then it is cut there
LARGEST = 100_000  # pixels of a side, and of a coordinate
MOST_PIXELS = 200_000_000  # about as many as ``read_image`` takes
FAULTS = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


@dataclass(frozen=True)
class Thing:
    """One object of a picture.

    Attributes:
        name: of its class.
        box: x1, y1, x2, y2 in pixels; x2 and y2 lie one past the last pixel.
        polygons: each x, y, x, y, ... in pixels; their union is the object.
        run_lengths: its mask as pycocotools packs it, or None.
        crowd: many objects told as one.
        difficult: not to be counted in an evaluation.
        truncated: goes on beyond the box.
        area: in square pixels where the format tells it, else None.
    """

    name: str
    box: Box
    polygons: tuple[tuple[float, ...], ...] = ()
    run_lengths: dict | None = None
    crowd: bool = False
    difficult: bool = False
    truncated: bool = False
    area: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Annotated:
    """One picture: its file, its size in pixels, its things in their order.

    ``image_id`` is its number where the format has one.
    """

    file: str
    width: int
    height: int
    things: tuple[Thing, ...] = ()
    image_id: int | None = None


def sound_name(text: object) -> str:
    """The name of a class, trimmed; ValueError for none, and for one not printable."""
    name = str(text).strip()
    if not name or not name.isprintable():
        raise ValueError(f"the name {name!r:.40} of a class; give one line of text")
    return name


def sound_box(box: Sequence[float], width: int, height: int) -> Box:
    """A box as floats, cut at the rim where it reaches up to a pixel beyond it.

    Raises:
        ValueError: with the reason, for a box that is not finite, has no area, or
            lies outside a picture of that size.
    """
    x1, y1, x2, y2 = map(float, box)
    shown = f"box {x1:g} {y1:g} {x2:g} {y2:g} (x1 y1 x2 y2)"
    if not all(map(math.isfinite, (x1, y1, x2, y2))):
        raise ValueError(f"{shown} is not finite")
    if x2 <= x1 or y2 <= y1:
        raise ValueError(f"{shown} has no area")
    if min(x1, y1, width - x2, height - y2) < -SLACK:
        raise ValueError(f"{shown} does not lie in its picture of {width} x {height}")
    cut = max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height))
    if cut[2] <= cut[0] or cut[3] <= cut[1]:
        raise ValueError(f"{shown} does not lie in its picture of {width} x {height}")
    return cut


def sound_polygon(values: Sequence[float]) -> tuple[float, ...]:
    """A polygon as floats; ValueError for less than three points, or one far away."""
    points = tuple(map(float, values))
    if len(points) < 6 or len(points) % 2:
        raise ValueError(f"a polygon of {len(points)} numbers; give x y of 3 points")
    far = max(max(points), -min(points)) > LARGEST
    if far or not math.isfinite(sum(points)):  # NaN and inf spoil a sum
        raise ValueError("a polygon whose points are not all finite and in pixels")
    return points


def box_of(polygons: Sequence[Sequence[float]]) -> Box:
    """The smallest box around polygons."""
    xs = [x for polygon in polygons for x in polygon[::2]]
    ys = [y for polygon in polygons for y in polygon[1::2]]
    return min(xs), min(ys), max(xs), max(ys)


def xywh(box: Box) -> list[float]:
    """Corner and size of a box; a side is rounded to a billionth of a pixel."""
    x1, y1, x2, y2 = box
    return [x1, y1, round(x2 - x1, 9) or x2 - x1, round(y2 - y1, 9) or y2 - y1]


@contextmanager
def faults_at(place: str, faults: list[str] | None) -> Iterator[None]:
    """Turn what goes wrong in the block into one sentence that names ``place``.

    With a list the sentence is appended to it and the object left out; with None it
    is raised as an ``InputError``.
    """
    try:
        yield
    except FAULTS as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else error
        sentence = f"{place}: {reason}; correct it, or leave out what is faulty"
        if faults is None:
            raise InputError(sentence) from None
        faults.append(sentence)


def sound_size(width: object, height: object) -> tuple[int, int]:
    """Width and height as whole numbers from 1; ValueError for others."""
    sides = float(width), float(height)
    whole = all(side % 1 == 0 and 1 <= side <= LARGEST for side in sides)
    if not whole or sides[0] * sides[1] > MOST_PIXELS:
        raise ValueError(f"a picture of {width} x {height} pixels")
    return int(sides[0]), int(sides[1])
