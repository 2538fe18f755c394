"""SBU shadow: a mask a picture, 255 = shadow. The things of the harbour stand for it.

What is void in the harbour is 0 here: this set knows no void.
"""

from pathlib import Path

import numpy as np

from course_lib.data.harbour.dataset import Scene
from course_lib.data.harbour.layouts.files import save

FOLDERS = {"train": "SBUTrain4KRecoveredSmall", "val": "SBU-Val", "test": "SBU-Test"}


def write(name: str, split: str, scene: Scene, root: Path) -> str:
    """SBU shadow: a JPEG and a PNG of one stem."""
    folder = root / FOLDERS[split]
    save(folder / f"ShadowImages/{name}.jpg", scene.image, quality=95)
    mask = np.where(scene.instance_map > 0, np.uint8(255), np.uint8(0))
    save(folder / f"ShadowMasks/{name}.png", mask)
    return name
