"""SBD: img/, cls/ and inst/ with .mat files, a list a split.

Harbour ids 0-11 stand for the first twelve ids of VOC. SBD has no void: what is void
in the harbour lies beside things, and is background here.
"""

from pathlib import Path

import numpy as np

from course_lib.data.classes import VOID
from course_lib.data.harbour.dataset import Harbour, Scene
from course_lib.data.harbour.layouts.files import ordered, save, write_lines

NUM_CLASSES = 20  # VOC's, background not counted


def write(name: str, split: str, scene: Scene, root: Path) -> str:
    """SBD: class ids and instances, each with their outlines, as MATLAB structs."""
    save(root / f"img/{name}.jpg", scene.image, quality=95)
    classes = np.where(scene.class_map == VOID, np.uint8(0), scene.class_map)
    things = np.where(scene.class_map == VOID, np.uint8(0), ordered(scene))
    present = np.unique(classes[classes > 0])[:, None]
    of_class = outlines(classes, range(1, NUM_CLASSES + 1))
    _save(
        root / f"cls/{name}.mat", "GTcls", of_class, classes, CategoriesPresent=present
    )
    labels = scene.labels.astype(np.uint8)[:, None]
    of_thing = outlines(things, range(1, len(labels) + 1))
    _save(root / f"inst/{name}.mat", "GTinst", of_thing, things, Categories=labels)
    return name


def outlines(ids: np.ndarray, wanted: range) -> np.ndarray:
    """A cell (N, 1) of sparse (H, W): the pixels of an id that touch another id."""
    from scipy.sparse import csc_matrix

    wide = np.pad(ids, 1, mode="edge")
    sides = (wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, :-2], wide[1:-1, 2:])
    rim = np.any([side != ids for side in sides], axis=0)
    cell = np.empty((len(wanted), 1), object)
    for row, number in enumerate(wanted):
        cell[row, 0] = csc_matrix(rim & (ids == number))
    return cell


def _save(path: Path, key: str, boundaries, segmentation, **categories) -> None:
    from scipy.io import savemat

    path.parent.mkdir(parents=True, exist_ok=True)
    fields = {"Boundaries": boundaries, "Segmentation": segmentation} | categories
    savemat(path, {key: fields}, do_compression=True)


def finish(root: Path, split: str, lines: list, dataset: Harbour) -> None:
    """Write the list of the split."""
    write_lines(root / f"{split}.txt", lines)
