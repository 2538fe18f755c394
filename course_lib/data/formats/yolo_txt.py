"""Labels as YOLO writes them: one text file a picture, one line an object.

A line is ``class cx cy w h``: the class from 0, then centre and size as shares of the
picture's width and height. A picture without objects has an empty file, or none.
"""

import math
from pathlib import Path

import torch
from torch import Tensor

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
    rows = [
        _row(line, f"{path}, line {number}", num_classes)
        for number, line in enumerate(_text(Path(path)).splitlines(), start=1)
        if line.strip()
    ]
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


def _text(path: Path) -> str:
    if not path.is_file():
        raise InputError(f"there is no label file {path}; check the folder")
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path} has {path.stat().st_size:,} bytes; it is no label")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is no text; give the .txt of a picture") from None


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
