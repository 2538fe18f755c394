"""EndoVis 2017: frames with a black border, label pictures of each kind of instrument.

Boat, car, ..., buoy stand for the six types in their order, thirds of a thing from its
top for shaft, wrist and claspers, buildings for what is no robot's (code 40).
"""

from pathlib import Path

import numpy as np

from course_lib.data.harbour.dataset import Scene
from course_lib.data.harbour.layouts.files import FIRST_THING, save
from course_lib.errors import InputError

BORDER = ((28, 28), (320, 320))
FRAMES = 225  # of a sequence
SEQUENCES = {"train": (1, 2, 4, 5, 6, 7, 8), "val": (3,), "test": (9, 10)}
# As in the real sequences: one instrument or two, the side in front or behind.
FOLDERS = (
    ("Maryland_Bipolar_Forceps_labels",),
    ("Left_Prograsp_Forceps_labels", "Right_Prograsp_Forceps_labels"),
    ("Large_Needle_Driver_Left_labels", "Large_Needle_Driver_Right_labels"),
    ("Right_Vessel_Sealer",),
    ("Grasping_Retractor_labels",),
    ("Monopolar_Curved_Scissors_labels",),
)
BUILDING, OTHER = 5, 40


def write(name: str, split: str, scene: Scene, root: Path) -> str:
    """One frame and its label pictures, all 56 rows and 640 columns larger."""
    place, frame = divmod(int(name.rsplit("_", 1)[1]), FRAMES)
    if place >= len(SEQUENCES[split]):
        most = FRAMES * len(SEQUENCES[split])
        raise InputError(f"EndoVis 2017 has {most} frames in {split}; export fewer")
    folder = root / f"instrument_dataset_{SEQUENCES[split][place]}"
    file = f"frame{frame:03d}.png"
    save(folder / "left_frames" / file, np.pad(scene.image, (*BORDER, (0, 0))))
    for labels, codes in label_pictures(scene).items():
        save(folder / "ground_truth" / labels / file, np.pad(codes, BORDER))
    return name


def label_pictures(scene: Scene) -> dict[str, np.ndarray]:
    """Folder -> codes (H, W) uint8; things of a kind go left and right in turn."""
    other = np.uint8(OTHER) * (scene.class_map == BUILDING)
    pictures = {"Other_labels": other}
    pictures |= {name: np.zeros_like(other) for names in FOLDERS for name in names}
    for k, (number, label) in enumerate(zip(scene.ids, scene.labels, strict=True)):
        names = FOLDERS[label - FIRST_THING]
        thing = scene.instance_map == number
        pictures[names[k % len(names)]][thing] = thirds(thing)[thing]
    return pictures


def thirds(thing: np.ndarray) -> np.ndarray:
    """10, 20 or 30 for each row (H, W): which third of a mask's height it is."""
    rows = np.flatnonzero(thing.any(axis=1))
    place = 3 * (np.arange(len(thing)) - rows[0]) // (rows[-1] - rows[0] + 1)
    codes = (10 + 10 * place.clip(0, 2)).astype(np.uint8)
    return np.broadcast_to(codes[:, None], thing.shape)
