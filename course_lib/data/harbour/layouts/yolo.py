"""YOLO: images/SPLIT, labels/SPLIT, SPLIT.txt, data.yaml and harbour.names."""

import json
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
    """Write the list of the split, the names of the classes, and where all lies."""
    write_lines(root / f"{split}.txt", lines)
    names = HARBOUR.names[FIRST_THING:]
    write_lines(root / "harbour.names", names)
    found = [s for s in ("train", "val", "test") if (root / f"{s}.txt").is_file()]
    plan = [*(f"{s}: {s}.txt" for s in found), f"names: {json.dumps(names)}"]
    write_lines(root / "data.yaml", plan)
