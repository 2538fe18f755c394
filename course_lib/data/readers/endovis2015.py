"""EndoVis 2015: labels that went through a video codec, and how to clean them.

The labels are films whose pixels should be 0, 70 (manipulator) or 160 (shaft). The
codec smears them: along every border grey values in between appear, some of them near
70, so that a thin rim of "manipulator" surrounds the shaft.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision import tv_tensors

from course_lib.data.catalogue import check_folder
from course_lib.data.classes import ENDOVIS_BINARY, VOID, ClassTable
from course_lib.data.images import read_image
from course_lib.data.readers.pairs import (
    PairsOnDisk,
    by_stem,
    check_sizes,
    check_split,
    check_task,
    paired,
)
from course_lib.errors import InputError

CLASSES = ClassTable(
    "endovis2015",
    ("background", "manipulator", "shaft"),
    ((40, 30, 40), (213, 94, 0), (86, 180, 233)),
)
CODES = (0, 70, 160)  # of the classes, in their order
RIM = 2  # pixels, the widest rim of mixed values that is cut off
TASKS = {"binary": ENDOVIS_BINARY, "parts": CLASSES}


def nearest_code(values: Tensor, codes: tuple[int, ...] = CODES) -> Tensor:
    """The place in ``codes`` of the code nearest to each value: (H, W) int64."""
    distance = (values[..., None] - torch.tensor(codes)).abs()  # (H, W, codes)
    return distance.argmin(dim=-1)


def keep_largest(ids: Tensor, width: int = 1) -> Tensor:
    """Of each class above 0 its largest connected piece; the rest becomes void.

    In a film of one instrument each part is one piece, so smaller ones come from the
    codec. Pixels that touch at a corner belong together.

    Args:
        ids: (H, W) int64, 0 = background.
        width: what hangs together by fewer pixels than this comes apart, such as a rim
            that touches the manipulator; 1 is the plain largest piece.

    Returns:
        (H, W) int64, 255 where a smaller piece was; of equal pieces the upper stays.
    """
    cleaned = ids.clone()
    for kind in ids.unique().tolist():
        if kind > 0:
            inside = ids == kind
            largest = torch.from_numpy(_largest(inside.numpy(), width))
            cleaned[inside & ~largest] = VOID
    return cleaned


def _largest(inside: np.ndarray, width: int) -> np.ndarray:
    """The largest piece of a mask (H, W) bool, give or take ``width // 2`` pixels."""
    from skimage.measure import label
    from skimage.morphology import dilation, opening

    square = np.ones((width, width), bool)
    core = opening(inside, square)
    pieces = label(core if core.any() else inside, connectivity=2)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0  # what is not inside
    return dilation(pieces == sizes.argmax(), square)


def clean_labels(values: Tensor) -> Tensor:
    """Ids of a label frame as the codec left it: nearest code, then largest piece.

    Args:
        values: (H, W), grey values from 0 to 255.

    Returns:
        (H, W) int64: 0 background, 1 manipulator, 2 shaft, 255 = void.
    """
    return keep_largest(nearest_code(values), RIM + 1)


class EndoVis2015(PairsOnDisk):
    """Frames cut from the films of ``Dataset1`` and so on; see the catalogue for how.

    Of the two label films of Dataset1 each is cleaned, then both are laid together.

    Bodenstedt et al., Comparative evaluation of instrument segmentation and tracking
    methods in minimally invasive surgery, 2018.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        transform: Callable | None = None,
        *,
        task: str = "binary",
        validation: tuple[int, ...] = (2,),
    ):
        """Open a split; no film is in two.

        Args:
            root: the folder that holds ``Dataset1`` and so on.
            split: "train" or "val".
            transform: joint transform of (image, mask), or None.
            task: "binary" (2 classes) or "parts" (3).
            validation: numbers of the films that make up "val".

        Raises:
            InputError: where files are missing, and for an unknown split or task.
        """
        root = Path(root)
        check_split("endovis2015", split, ("train", "val"))
        check_task("endovis2015", task, TASKS)
        check_folder(root, "endovis2015")
        held_out = [root / f"Dataset{number}" for number in validation]
        pairs = []
        for film in sorted(root.glob("Dataset*/")):
            if (film in held_out) == (split == "val"):
                pairs += _frames(film)
        if not pairs:
            raise InputError(f"{root} holds no film of the split {split}; get it again")
        super().__init__("endovis2015", TASKS[task], pairs, transform)
        self.split, self.task = split, task

    def labels(self, i: int) -> tv_tensors.Mask:
        """(H, W) int64 of one frame, cleaned; of two label films the higher id."""
        first = self.pairs[i][1]
        films = first.parents[1].glob("*Segmentation")
        merged = clean_labels(read_grey(first))
        for path in (film / first.name for film in sorted(films)[1:]):
            ids = clean_labels(read_grey(path))
            check_sizes(merged.shape, ids.shape, first, path)
            merged = merged.maximum(ids)
        if self.task == "binary":
            merged = torch.where(merged == VOID, merged, merged.sign())
        return tv_tensors.Mask(merged)


def read_grey(path: Path) -> Tensor:
    """Mean of the three channels of a label frame, which the codec may tint: (H, W)."""
    return read_image(path).as_subclass(Tensor).float().mean(dim=0)


def _frames(film: Path) -> list[tuple[Path, Path]]:
    """(frame, first label picture), in order; the other label films have the same."""
    frames = by_stem(film / "Video")
    films = [by_stem(folder) for folder in sorted(film.glob("*Segmentation/"))]
    if not films:
        raise InputError(f"{film} holds no folder Segmentation; cut its label film")
    what, fix = f"label picture in {film}", "cut every film into the same frames"
    return [paired(frames, labels, what, fix) for labels in films][0]
