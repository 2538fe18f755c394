"""ADE20K: images/, annotations/ (id + 1, 0 = void) and an odgt list a split."""

from pathlib import Path

import numpy as np

from course_lib.data.formats.odgt import Pair, write_odgt
from course_lib.data.harbour.dataset import Harbour, Scene
from course_lib.data.harbour.layouts.files import save

ADE_SPLIT = {"train": "training", "val": "validation", "test": "testing"}


def write(name: str, split: str, scene: Scene, root: Path) -> Pair:
    """ADE20K: ids from 1, 0 = not labelled; returns the line of the odgt list."""
    split = ADE_SPLIT[split]
    image, labels = f"images/{split}/{name}.jpg", f"annotations/{split}/{name}.png"
    save(root / image, scene.image, quality=95)
    save(root / labels, scene.class_map + np.uint8(1))  # 255 + 1 wraps to 0
    height, width = scene.class_map.shape
    return Pair(image, labels, width, height)


def finish(root: Path, split: str, lines: list, dataset: Harbour) -> None:
    """Write the list of the split."""
    write_odgt(root / f"{ADE_SPLIT[split]}.odgt", lines)
