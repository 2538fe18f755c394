"""Labels as SBD keeps them: MATLAB files of one struct.

``cls/NAME.mat`` holds GTcls, ``inst/NAME.mat`` holds GTinst. Both have
``Segmentation``, uint8 (H, W): class ids 0-20, or 0 and the instances from 1;
``GTinst.Categories`` is the class of every instance. SBD has no void.
"""

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision import tv_tensors

from course_lib.data.classes import VOC
from course_lib.data.formats.matlab import read_struct
from course_lib.data.images import write_labels
from course_lib.errors import InputError


def read_classes(path: str | Path) -> tv_tensors.Mask:
    """The class ids of a ``cls`` file: (H, W) int64.

    Raises:
        InputError: for a missing or damaged file, and for one of another kind.
    """
    return _segmentation(read_struct(path, "GTcls"), path)


def read_instances(path: str | Path) -> tuple[tv_tensors.Mask, Tensor]:
    """The things of an ``inst`` file: (H, W) int64, 0 or k, and classes (N,) int64.

    Thing k has the class at place k - 1. Raises as ``read_classes`` does, and for
    a thing without a class.
    """
    fields = read_struct(path, "GTinst")
    things = _segmentation(fields, path)
    if "Categories" not in fields:
        raise InputError(f"{path}: its GTinst has no Categories; get the file again")
    classes = torch.from_numpy(fields["Categories"].astype(np.int64).flatten())
    if things.max() > len(classes):
        raise InputError(
            f"{path}: thing {int(things.max())} has no class, Categories names "
            f"{len(classes)}; get the file again"
        )
    return things, classes


def convert(folder: str | Path, to: str | Path) -> int:
    """Turn a folder of ``cls`` files into palette PNGs, as VOC has them.

    A PNG that is there already is left alone, and none is ever half-written: run it
    again after a break.

    Returns:
        The number of PNGs that were written.

    Raises:
        InputError: for a folder without .mat files, and for a damaged one.
    """
    files, to = sorted(Path(folder).glob("*.mat")), Path(to)
    if not files:
        raise InputError(f"{folder} holds no .mat file; give SBD's folder cls")
    to.mkdir(parents=True, exist_ok=True)
    todo = [path for path in files if not (to / f"{path.stem}.png").exists()]
    for path in todo:
        part = to / f"{path.stem}.part"
        write_labels(part, read_classes(path), VOC)
        os.replace(part, to / f"{path.stem}.png")
    return len(todo)


def _segmentation(fields: dict[str, np.ndarray], path: str | Path) -> tv_tensors.Mask:
    ids = fields.get("Segmentation")
    if ids is None or ids.dtype != np.uint8 or ids.ndim != 2:
        raise InputError(f"{path} has no Segmentation, uint8 (H, W); get it again")
    return tv_tensors.Mask(torch.from_numpy(ids.astype(np.int64)))
