"""What the layouts share: pictures and lists on disk, instances counted from 1."""

from pathlib import Path

import numpy as np
from PIL import Image

from course_lib.data.classes import VOID
from course_lib.data.harbour.dataset import Scene

FIRST_THING = 6


def save(path: Path, array: np.ndarray, palette=None, **how) -> None:
    """Write an array as a picture, making its folder; ``palette`` makes it mode P."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(array)
    if palette is not None:
        picture.putpalette([value for colour in palette for value in colour])
    picture.save(path, **how)


def write_lines(path: Path, lines) -> None:
    """Write a text file, a line each, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def ordered(scene: Scene) -> np.ndarray:
    """Instance map uint8 with 1, 2, ... in the order of the boxes, 255 = void."""
    table = np.zeros(int(scene.instance_map.max()) + 1, np.uint8)
    table[scene.ids] = np.arange(1, len(scene.ids) + 1)
    return np.where(scene.class_map == VOID, np.uint8(VOID), table[scene.instance_map])
