"""Labels as YOLO writes them: one text file a picture, one line an object.

A line is ``class cx cy w h``: the class from 0, then centre and size as shares of the
picture's width and height. A picture without objects has an empty file, or none.

Lost: polygons, run lengths, difficult, truncated; crowds altogether, as no line can say
that it tells of many. Six decimals move a corner by less than a millionth of a side.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from course_lib.data.formats.annotated import (
    Annotated,
    Thing,
    faults_at,
    sound_box,
)
from course_lib.data.formats.files import read_text, write_text
from course_lib.detection.boxes import cxcywh_to_xyxy, xyxy_to_cxcywh
from course_lib.errors import InputError

ROUNDING = 1e-3  # shares beyond the rim by this much are taken as the rim
MOST_BYTES = 10_000_000


def read_labels(path: str | Path, num_classes: int) -> tuple[Tensor, Tensor]:
    """Read one file.

    Args:
        path: the ``.txt`` of a picture.
        num_classes: how many there are.

    Returns:
        Classes (N,) int64 from 0, and boxes (N, 4) float cxcywh as shares.

    Raises:
        InputError: naming file and line, for what is no label; a hint tells pixels
            from shares.

    Taught in chapters/15_training_yolo.
    """
    rows = [_row(line, place, num_classes) for place, line in _lines(path)]
    values = torch.tensor(rows, dtype=torch.float64).reshape(-1, 5)
    return values[:, 0].long(), values[:, 1:].float()


def write_labels(path: str | Path, classes: Tensor, boxes: Tensor) -> None:
    """Write one file: classes (N,) from 0, boxes (N, 4) cxcywh as shares.

    Six decimals, a thousandth of a pixel in a picture of 1,000 pixels.
    """
    lines = [
        " ".join([str(int(kind)), *(f"{share:.6f}" for share in box)]) + "\n"
        for kind, box in zip(classes.tolist(), boxes.tolist(), strict=True)
    ]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("".join(lines))


def read_yolo(
    path: str | Path,
    file: str,
    size: tuple[int, int],
    names: Sequence[str],
    faults: list[str] | None = None,
) -> Annotated:
    """Read one file as things of a picture.

    Args:
        path: the ``.txt``; where there is none, the picture has no things.
        file: the picture.
        size: its height and width in pixels.
        names: of the classes.
        faults: a list takes the sentences about faulty lines, which are left out.

    Raises:
        InputError: naming file and line.
    """
    height, width = size
    things = []
    for place, line in _lines(path) if Path(path).is_file() else []:
        with faults_at(place, faults):
            kind, cx, cy, w, h = _row(line, place, len(names))
            x1, y1 = max(0.0, (cx - w / 2) * width), max(0.0, (cy - h / 2) * height)
            x2, y2 = min(1.0, cx + w / 2) * width, min(1.0, cy + h / 2) * height
            box = sound_box((x1, y1, x2, y2), width, height)
            things.append(Thing(names[int(kind)], box))
    return Annotated(file, width, height, tuple(things))


def write_yolo(path: str | Path, annotated: Annotated, names: Sequence[str]) -> None:
    """Write the things of a picture, crowds left out; their names are in ``names``."""
    lines = []
    for thing in annotated.things:
        if not thing.crowd:
            (x1, y1, x2, y2), w, h = thing.box, annotated.width, annotated.height
            place = (x1 + x2) / 2 / w, (y1 + y2) / 2 / h
            size = max((x2 - x1) / w, 1e-6), max((y2 - y1) / h, 1e-6)
            shares = " ".join(f"{share:.6f}" for share in (*place, *size))
            lines.append(f"{names.index(thing.name)} {shares}\n")
    write_text(path, "".join(lines))


def to_pixels(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Shares cxcywh to pixels xyxy of a picture (H, W), cut at its rim: (N, 4)."""
    height, width = size
    sides = torch.tensor([width, height, width, height])
    corners = cxcywh_to_xyxy(boxes) * sides
    return corners.clamp(min=0).minimum(sides)


def to_shares(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Pixels xyxy to shares cxcywh of a picture (H, W): (N, 4)."""
    height, width = size
    return xyxy_to_cxcywh(boxes) / torch.tensor([width, height, width, height])


def _lines(path: str | Path) -> list[tuple[str, str]]:
    """Lines that hold something, each with its place."""
    lines = enumerate(read_text(path, MOST_BYTES).splitlines(), start=1)
    return [(f"{path}, line {i}", line) for i, line in lines if line.strip()]


def _row(line: str, place: str, num_classes: int) -> list[float]:
    words = line.split()
    if len(words) != 5:
        raise InputError(
            f"{place} has {len(words)} numbers, not class cx cy w h; polygons need "
            "their box, and scores have no place here"
        )
    try:
        kind, *box = map(float, words)
    except ValueError:
        raise InputError(
            f"{place}: {line.strip()[:60]!r} holds no five numbers"
        ) from None
    if kind != math.floor(kind) if math.isfinite(kind) else True:
        raise InputError(f"{place}: class {words[0]} is no whole number")
    if not 0 <= kind < num_classes:
        raise InputError(
            f"{place}: class {words[0]}, but the names are 0 to {num_classes - 1}; "
            "classes count from 0"
        )
    cx, cy, w, h = box
    rims = cx - w / 2, cy - h / 2, 1 - cx - w / 2, 1 - cy - h / 2
    if not all(map(math.isfinite, box)) or min(w, h) <= 0 or min(rims) < -ROUNDING:
        hint = "; are these pixels?" if max(box) > 1.5 else ""
        raise InputError(
            f"{place}: box {' '.join(words[1:])} does not lie in the picture; give "
            f"cx cy w h as shares from 0 to 1{hint}"
        )
    return [kind, *box]
