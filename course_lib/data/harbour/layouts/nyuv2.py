"""NYUv2 in 13 classes: id + 1, 0 = void. The harbour's 12 ids stand for bed to wall."""

from pathlib import Path

import numpy as np

from course_lib.data.harbour.dataset import Scene
from course_lib.data.harbour.layouts.files import save


def write(name: str, split: str, scene: Scene, root: Path) -> str:
    """NYUv2: picture and label picture of one number, from 1."""
    folder, number = root / split, int(name[-6:]) + 1
    save(folder / f"images/nyu_rgb_{number:04d}.png", scene.image)
    labels = scene.class_map + np.uint8(1)  # 255 + 1 wraps to 0
    save(folder / f"annotations/new_nyu_class13_{number:04d}.png", labels)
    return name
