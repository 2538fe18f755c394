"""YOLO: images/SPLIT, labels/SPLIT, harbour.names and SPLIT.txt."""

from pathlib import Path

from course_lib.data.classes import HARBOUR
from course_lib.data.formats.yolo_txt import write_yolo
from course_lib.data.harbour.dataset import Harbour, Scene
from course_lib.data.harbour.layouts.files import (
    FIRST_THING,
    annotated,
    save,
    write_lines,
)


def write(name: str, split: str, scene: Scene, root: Path) -> str:
    """YOLO: ``class cx cy w h`` as shares of the picture; boat is class 0."""
    save(root / f"images/{split}/{name}.png", scene.image)
    picture = annotated(f"{name}.png", scene)
    things = HARBOUR.names[FIRST_THING:]
    write_yolo(root / f"labels/{split}/{name}.txt", picture, things)
    return f"images/{split}/{name}.png"


def finish(root: Path, split: str, lines: list, dataset: Harbour) -> None:
    """Write the list of the split, and the names of the classes."""
    write_lines(root / f"{split}.txt", lines)
    write_lines(root / "harbour.names", HARBOUR.names[FIRST_THING:])
