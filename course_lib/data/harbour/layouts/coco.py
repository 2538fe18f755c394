"""COCO: SPLIT/ and annotations/instances_SPLIT.json."""

from pathlib import Path

from course_lib.data.classes import HARBOUR
from course_lib.data.formats.annotated import Annotated
from course_lib.data.formats.coco_json import write_coco
from course_lib.data.harbour.dataset import Harbour, Scene
from course_lib.data.harbour.layouts.files import FIRST_THING, masked, save


def write(name: str, split: str, scene: Scene, root: Path) -> Annotated:
    """COCO: the picture, and one record with a run-length mask for each instance."""
    save(root / f"{split}/{name}.png", scene.image)
    return masked(f"{name}.png", scene)


def finish(root: Path, split: str, lines: list, dataset: Harbour) -> None:
    """Write the one JSON of a COCO split."""
    names = {i: n for i, n in enumerate(HARBOUR.names) if i >= FIRST_THING}
    write_coco(root / f"annotations/instances_{split}.json", lines, names, "harbour")
