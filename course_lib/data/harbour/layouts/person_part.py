"""Pascal-Person-Part: VOC's folders, with lists of paths.

The harbour draws no parts of people: its six kinds of things, 6-11, stand for the
parts 1-6, all else is background. There is no void.
"""

from pathlib import Path

import numpy as np

from course_lib.data.classes import VOID, voc_palette
from course_lib.data.harbour.dataset import Harbour, Scene
from course_lib.data.harbour.layouts.files import FIRST_THING, save, write_lines


def write(name: str, split: str, scene: Scene, root: Path) -> str:
    """Pascal-Person-Part: JPEG, palette PNG; returns the two paths of the list."""
    image, labels = f"JPEGImages/{name}.jpg", f"pascal_person_part_gt/{name}.png"
    thing = (scene.class_map >= FIRST_THING) & (scene.class_map != VOID)
    parts = np.where(thing, scene.class_map - np.uint8(FIRST_THING - 1), np.uint8(0))
    save(root / image, scene.image, quality=95)
    save(root / labels, parts, voc_palette())
    return f"/{image} /{labels}"


def finish(root: Path, split: str, lines: list, dataset: Harbour) -> None:
    """Write the list of the split."""
    write_lines(root / f"pascal_person_part_trainval_list/{split}.txt", lines)
