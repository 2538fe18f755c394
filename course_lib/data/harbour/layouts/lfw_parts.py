"""LFW part labels: red, green and blue PPM. Things are hair, land and water are skin.

Haze and sky are the background, and void is black. Validation pictures come first by
name, as the reader wants them.
"""

from pathlib import Path

import numpy as np

from course_lib.data.harbour.dataset import Scene
from course_lib.data.harbour.layouts.files import save

PERSON = {"val": "A_Harbour", "train": "B_Harbour", "test": "C_Harbour"}


def write(name: str, split: str, scene: Scene, root: Path) -> str:
    """LFW part labels: a JPEG in the folder of its person, a PPM beside all others."""
    person = PERSON[split]
    name = f"{person}_{int(name[-6:]) + 1:04d}"
    save(root / f"lfw_funneled/{person}/{name}.jpg", scene.image, quality=95)
    channels = np.zeros_like(scene.image)  # (H, W, 3)
    for channel, ids in enumerate((range(6, 12), range(2, 6), range(2))):
        channels[np.isin(scene.class_map, ids), channel] = 255
    save(root / f"parts_lfw_funneled_gt_images/{name}.ppm", channels)
    return name
