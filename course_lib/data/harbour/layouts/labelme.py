"""labelme: SPLIT/, a picture and its JSON side by side; shapes are masks."""

from pathlib import Path

from course_lib.data.formats.labelme_json import write_labelme
from course_lib.data.harbour.dataset import Scene
from course_lib.data.harbour.layouts.files import masked, save


def write(name: str, split: str, scene: Scene, root: Path) -> str:
    """Labelme: the picture, and one shape for each instance."""
    save(root / f"{split}/{name}.png", scene.image)
    write_labelme(root / f"{split}/{name}.json", masked(f"{name}.png", scene))
    return name
