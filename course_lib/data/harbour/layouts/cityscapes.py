"""Cityscapes: leftImg8bit/SPLIT/harbour/ and gtFine/SPLIT/harbour/."""

from pathlib import Path

import numpy as np

from course_lib.data.classes import VOID
from course_lib.data.harbour.dataset import Harbour, Scene
from course_lib.data.harbour.layouts.files import ordered, save

# Cityscapes keeps 34 ids in its files and trains on 19. Class k of the harbour takes
# the file id whose train id is k, so that a Cityscapes reader gives k back.
CITY_IDS = np.zeros(256, np.uint16)
CITY_IDS[:12] = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24]


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


def finish(root: Path, split: str, lines: list, dataset: Harbour) -> None:
    """Nothing: Cityscapes has no lists, its folders are its splits."""
