"""Shapes of the drawing tool labelme as things, and things as shapes."""

import base64
import binascii
import io
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from course_lib.data.formats.annotated import (
    Annotated,
    Thing,
    box_of,
    sound_box,
    sound_name,
    sound_polygon,
)
from course_lib.data.formats.label_map import encode_mask, mask_of

FLAGS = ("crowd", "difficult", "truncated")
GAP = 0.1  # pixels between a circle and its polygon
NO_AREA = ("point", "points", "line", "linestrip")


def part_of(shape: dict, width: int, height: int) -> Thing:
    """A shape as a thing of its own; ValueError for one without area or unknown."""
    kind = shape.get("shape_type") or "polygon"
    points = [(float(x), float(y)) for x, y in shape["points"]]
    told = {flag: True for flag in FLAGS if (shape.get("flags") or {}).get(flag)}
    name = sound_name(shape["label"])
    if kind in NO_AREA:
        raise ValueError(f"a {kind} has no area; draw a polygon or a rectangle")
    if kind == "mask":
        runs, box = encode_mask(_pixels(shape["mask"], points, width, height))
        return Thing(name, box, run_lengths=runs, **told)
    if kind == "rectangle":
        (x1, y1), (x2, y2) = points
        box = min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
        return Thing(name, sound_box(box, width, height), **told)
    if kind == "circle":
        points = _circle(*points, width, height)
    elif kind != "polygon":
        raise ValueError(f"the unknown shape {kind!r}; draw a polygon or a rectangle")
    polygon = sound_polygon([value for point in points for value in point])
    box = sound_box(box_of([polygon]), width, height)
    return Thing(name, box, (polygon,), **told)


def _circle(middle, rim, width: int, height: int) -> list[tuple[float, float]]:
    """Points of a circle, cut at the rim of the picture."""
    (x, y), radius = middle, math.dist(middle, rim)
    if not 0 < radius <= 2 * (width + height):
        raise ValueError(f"a circle with a radius of {radius:g} pixels")
    step = math.acos(max(0.0, 1 - GAP / radius))
    count = 4 * max(3, math.ceil(math.pi / step / 4))  # of 4: the box is exact
    angles = (2 * math.pi * i / count for i in range(count))
    around = ((x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles)
    return [(min(max(a, 0), width), min(max(b, 0), height)) for a, b in around]


def _pixels(text: str, points: list, width: int, height: int) -> np.ndarray:
    """The mask (H, W) bool of a PNG whose first and last pixel are the two points."""
    (x1, y1), (x2, y2) = [(int(x), int(y)) for x, y in points]
    picture = decode_picture(text)
    if picture.size != (x2 - x1 + 1, y2 - y1 + 1):
        raise ValueError(f"a mask of {picture.size} pixels from {x1, y1} to {x2, y2}")
    if x1 < 0 or y1 < 0 or x2 >= width or y2 >= height:
        raise ValueError(f"a mask beyond its picture of {width} x {height}")
    mask = np.zeros((height, width), bool)
    try:
        mask[y1 : y2 + 1, x1 : x2 + 1] = np.asarray(picture.convert("L")) > 0
    except (OSError, SyntaxError) as error:
        raise ValueError(f"a mask that breaks off ({error})") from None
    if not mask.any():
        raise ValueError("a mask without a pixel")
    return mask


def join(parts: list[Thing], width: int, height: int) -> Thing:
    """One thing of its parts: polygons, or a mask where one of them is one."""
    if len(parts) == 1:
        return parts[0]
    outlined = [
        part
        if part.polygons or part.run_lengths
        else replace(part, polygons=(_corners(*part.box),))
        for part in parts
    ]
    told = {flag: any(getattr(part, flag) for part in parts) for flag in FLAGS}
    name = parts[0].name
    if any(part.run_lengths for part in parts):
        masks = [mask_of(part, width, height) for part in outlined]
        runs, box = encode_mask(np.any(masks, axis=0))
        return Thing(name, box, run_lengths=runs, **told)
    polygons = sum((part.polygons for part in outlined), ())
    return Thing(name, box_of(polygons), polygons, **told)


def _corners(x1: float, y1: float, x2: float, y2: float) -> tuple[float, ...]:
    return x1, y1, x2, y1, x2, y2, x1, y2


def shapes_of(thing: Thing, picture: Annotated) -> list[tuple[str, list, str | None]]:
    """Kind, points and mask of each shape of a thing."""
    if thing.run_lengths:
        mask = mask_of(thing, picture.width, picture.height)
        x1, y1, x2, y2 = map(int, encode_mask(mask)[1])
        png = io.BytesIO()
        Image.fromarray(mask[y1:y2, x1:x2]).save(png, "PNG")
        text = base64.b64encode(png.getvalue()).decode("ascii")
        return [("mask", [[x1, y1], [x2 - 1, y2 - 1]], text)]
    if thing.polygons:
        return [("polygon", _points(polygon), None) for polygon in thing.polygons]
    return [("rectangle", _points(thing.box), None)]


def _points(values: Sequence[float]) -> list[list[float]]:
    return [list(point) for point in zip(values[::2], values[1::2], strict=True)]


def decode_picture(text: str) -> Image.Image:
    """A picture in base64, only its header read."""
    try:
        return Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
    except (binascii.Error, OSError, Image.DecompressionBombError):
        raise ValueError("a picture within that cannot be read") from None
