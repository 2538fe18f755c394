"""YOLO: images/SPLIT, labels/SPLIT, harbour.names and SPLIT.txt."""

from pathlib import Path

from course_lib.data.classes import HARBOUR
from course_lib.data.harbour.dataset import Harbour, Scene
from course_lib.data.harbour.layouts.files import FIRST_THING, save, write_lines


def write(name: str, split: str, scene: Scene, root: Path) -> str:
    """YOLO: ``class cx cy w h`` as shares of the picture; boat is class 0."""
    save(root / f"images/{split}/{name}.png", scene.image)
    height, width = scene.class_map.shape
    lines = []
    for (x1, y1, x2, y2), label in zip(scene.boxes.tolist(), scene.labels, strict=True):
        shares = (
            (x1 + x2) / 2 / width,
            (y1 + y2) / 2 / height,
            (x2 - x1) / width,
            (y2 - y1) / height,
        )
        lines.append(
            " ".join([str(label - FIRST_THING), *(f"{s:.6f}" for s in shares)])
        )
    write_lines(root / f"labels/{split}/{name}.txt", lines)
    return f"images/{split}/{name}.png"


def finish(root: Path, split: str, lines: list, dataset: Harbour) -> None:
    """Write the list of the split, and the names of the classes."""
    write_lines(root / f"{split}.txt", lines)
    write_lines(root / "harbour.names", HARBOUR.names[FIRST_THING:])
