"""What the layouts share: pictures, lists, boxes, instances counted from 1."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from course_lib.data.classes import HARBOUR, VOID
from course_lib.data.formats.annotated import Annotated, Thing
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


def annotated(file: str, scene: Scene) -> Annotated:
    """The picture with the boxes of its instances, in their order."""
    height, width = scene.class_map.shape
    things = (
        Thing(HARBOUR.names[label], tuple(box))
        for box, label in zip(scene.boxes.tolist(), scene.labels, strict=True)
    )
    return Annotated(file, width, height, tuple(things))


def masked(file: str, scene: Scene) -> Annotated:
    """The picture with the boxes and the run-length masks of its instances."""
    from course_lib.detection.coco_masks import encode

    picture = annotated(file, scene)
    pairs = zip(picture.things, scene.ids, strict=True)
    things = (replace(t, run_lengths=encode(scene.instance_map == i)) for t, i in pairs)
    return replace(picture, things=tuple(things))
