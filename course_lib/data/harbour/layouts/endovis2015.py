"""EndoVis 2015 as frames: labels as grey values 0, 70, 160 that went through JPEG.

Persons stand for the manipulator, boats for the shaft. There are many in a picture, so
a reader that keeps the largest piece of each makes void of the others. In Dataset1 the
left half of a picture is one label film, the right half the other.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from course_lib.data.harbour.dataset import Scene
from course_lib.data.harbour.layouts.files import save

FILM = {"train": "Dataset1", "val": "Dataset2", "test": "Dataset5"}
CODES = {8: 70, 6: 160}  # class of the harbour -> grey value
QUALITY = 75  # of JPEG, whose artefacts stand for those of the codec


def write(name: str, split: str, scene: Scene, root: Path) -> str:
    """One frame, and one label picture for each label film."""
    folder, file = root / FILM[split], f"{int(name.rsplit('_', 1)[1]) + 1:06d}.png"
    save(folder / "Video" / file, scene.image)
    for film, values in label_pictures(scene, split).items():
        save(folder / film / file, through_jpeg(values))
    return name


def label_pictures(scene: Scene, split: str) -> dict[str, np.ndarray]:
    """Name of the label film -> grey values (H, W) uint8, not yet smeared."""
    values = np.zeros_like(scene.class_map)
    for kind, code in CODES.items():
        values[scene.class_map == kind] = code
    if split == "val":
        return {"Segmentation": values}
    on_the_left = np.arange(values.shape[1]) < values.shape[1] // 2
    return {
        "Left_Instrument_Segmentation": values * on_the_left,
        "Right_Instrument_Segmentation": values * ~on_the_left,
    }


def through_jpeg(values: np.ndarray, quality: int = QUALITY) -> np.ndarray:
    """What JPEG makes of grey values: (H, W, 3) uint8."""
    file = io.BytesIO()
    Image.fromarray(values).convert("RGB").save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
