"""Cityscapes: leftImg8bit/SPLIT/harbour/ and gtFine/SPLIT/harbour/.

Harbour ids 0-5 stand for the first six train ids, road to pole; its things, 6-11, for
those that have instances, person to train (train ids 11-16).
"""

from pathlib import Path

import numpy as np

from course_lib.data.classes import VOID
from course_lib.data.harbour.dataset import Scene
from course_lib.data.harbour.layouts.files import ordered, save

CITY_IDS = np.zeros(256, np.uint16)  # label id of every harbour id; void is 0
CITY_IDS[:12] = [7, 8, 11, 12, 13, 17, 24, 25, 26, 27, 28, 31]


def write(name: str, split: str, scene: Scene, root: Path) -> str:
    """Cityscapes: labelIds 8 bit, instanceIds 16 bit (label id * 1000 + number)."""
    stem = f"{split}/harbour/{city_name(name)}"
    labels = CITY_IDS[scene.class_map]
    numbers = labels * 1000 + np.where(scene.class_map == VOID, 0, ordered(scene)) - 1
    instances = np.where(scene.instance_map > 0, numbers, labels).astype(np.uint16)
    save(root / f"leftImg8bit/{stem}_leftImg8bit.png", scene.image)
    save(root / f"gtFine/{stem}_gtFine_labelIds.png", labels.astype(np.uint8))
    save(root / f"gtFine/{stem}_gtFine_instanceIds.png", instances)
    return name


def city_name(name: str) -> str:
    """``harbour_000000_000007`` of ``harbour_train_000007``: city, sequence, frame."""
    return f"harbour_000000_{name.rsplit('_', 1)[1]}"
