"""CamVid as split by SegNet; its own void, 11, is the buoy here: void stays 255."""

from pathlib import Path

from course_lib.data.harbour.dataset import Harbour, Scene
from course_lib.data.harbour.layouts.files import save, write_lines


def write(name: str, split: str, scene: Scene, root: Path) -> str:
    """CamVid as split by SegNet: pictures and label pictures of one name."""
    save(root / f"{split}/{name}.png", scene.image)
    save(root / f"{split}annot/{name}.png", scene.class_map)
    return name


def finish(root: Path, split: str, lines: list, dataset: Harbour) -> None:
    """Write the list of the split."""
    write_lines(root / f"{split}.txt", lines)
