"""LIP: pictures, label pictures and lists. The harbour's ids stand for garments.

Its 12 classes are the first 12 of LIP's 20, background to scarf; void stays 255.
"""

from pathlib import Path

from course_lib.data.harbour.dataset import Harbour, Scene
from course_lib.data.harbour.layouts.files import save, write_lines

LABELS = "TrainVal_parsing_annotations"


def write(name: str, split: str, scene: Scene, root: Path) -> str:
    """LIP: a JPEG, and its ids as a grey PNG."""
    save(root / f"TrainVal_images/{split}_images/{name}.jpg", scene.image, quality=95)
    save(root / LABELS / f"{split}_segmentations/{name}.png", scene.class_map)
    return name


def finish(root: Path, split: str, lines: list, dataset: Harbour) -> None:
    """Write the list of the split."""
    write_lines(root / f"TrainVal_images/{split}_id.txt", lines)
