"""Look at the labels of a data set before training on them."""

import copy
from collections import Counter
from dataclasses import dataclass, field

import torch
from torch import Tensor

from course_lib.data.classes import VOID
from course_lib.data.readers.pairs import check_sizes
from course_lib.errors import InputError


@dataclass(eq=False)
class LabelReport:
    """What ``check_labels`` saw.

    Attributes:
        pictures: number of label pictures looked at.
        counts: (num_classes,) int64, pixels of every class.
        void: pixels that are 255.
        sizes: (H, W) -> number of pictures.
    """

    pictures: int = 0
    counts: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))
    void: int = 0
    sizes: Counter = field(default_factory=Counter)

    @property
    def ids(self) -> list[int]:
        """The ids that occur, void not among them."""
        return self.counts.nonzero().flatten().tolist()

    @property
    def void_share(self) -> float:
        """Share of the pixels that are void, 0 to 1."""
        return self.void / max(1, self.void + int(self.counts.sum()))

    def __str__(self) -> str:
        sizes = self.sizes.most_common(3)
        shown = ", ".join(f"{n} of {w}x{h}" for (h, w), n in sizes)
        more = f" and {len(self.sizes) - 3} other sizes" if len(self.sizes) > 3 else ""
        return (
            f"{self.pictures} label pictures ({shown}{more}), {len(self.ids)} of "
            f"{len(self.counts)} classes occur, {self.void_share:.1%} of pixels void"
        )


def check_labels(dataset, num_classes: int, limit: int | None = None) -> LabelReport:
    """Check dtype, shape, ids and sizes of the labels, before any transform.

    Args:
        dataset: gives (image uint8 (3, H, W), mask int64 (H, W)) and has
            ``file(i)``; a ``PairsOnDisk`` is read faster.
        num_classes: ids must be 0 to num_classes - 1, or 255.
        limit: look at this many samples only, evenly spread; None means all.

    Raises:
        InputError: for the first fault; names the file, the value and the fix.

    Taught in chapters/01_pixels_and_labels.
    """
    if len(dataset) == 0:
        raise InputError(f"{dataset.name} holds no pictures; check folder and split")
    plain = dataset
    if getattr(dataset, "transform", None) is not None:
        plain = copy.copy(dataset)
        plain.transform = None
    step = -(-len(dataset) // (limit or len(dataset)))
    report = LabelReport(counts=torch.zeros(num_classes, dtype=torch.int64))
    for i in range(0, len(dataset), step):
        mask, file = _mask(plain, i), dataset.file(i)
        counts = check_mask(mask, num_classes, file)
        report.pictures += 1
        report.counts += counts[:num_classes]
        report.void += int(counts[VOID])
        report.sizes[tuple(mask.shape)] += 1
    if report.counts.sum() == 0:
        raise InputError(
            f"{dataset.name} has nothing but void (255) in {report.pictures} label "
            "pictures; check how its ids are mapped"
        )
    return report


def check_mask(mask: Tensor, num_classes: int, file: str) -> Tensor:
    """Check dtype, shape and ids of one label picture.

    Returns:
        (256,) int64, pixels of every id.

    Raises:
        InputError: for a fault; names ``file``, the value and the fix.
    """
    _check_kind(mask, file)
    return _count(mask, num_classes, file)


def _mask(dataset, i: int) -> Tensor:
    if hasattr(dataset, "labels") and hasattr(dataset, "image_size"):
        mask = dataset.labels(i)
        check_sizes(dataset.image_size(i), mask.shape, *dataset.pairs[i])
        return mask
    image, mask = dataset[i]
    if isinstance(mask, Tensor) and mask.ndim == 2:
        check_sizes(image.shape[-2:], mask.shape, "itself", dataset.file(i))
    return mask


def _check_kind(mask: Tensor, file: str) -> None:
    if not isinstance(mask, Tensor):
        raise InputError(
            f"{file}: labels are {type(mask).__name__}, not a mask; give a data set "
            "for segmentation"
        )
    if mask.dtype != torch.int64 or mask.ndim != 2 or mask.numel() == 0:
        raise InputError(
            f"{file}: labels are {mask.dtype} {tuple(mask.shape)}; give int64 (H, W), "
            "one id a pixel"
        )


def _count(mask: Tensor, num_classes: int, file: str) -> Tensor:
    """(256,) pixels of every id; refuses ids that are no class."""
    flat = mask.flatten()
    if flat.min() >= 0 and flat.max() <= VOID:
        counts = torch.bincount(flat, minlength=VOID + 1)
        if not counts[num_classes:VOID].any():
            return counts
    ids = flat.unique().tolist()
    wrong = [i for i in ids if not (0 <= i < num_classes or i == VOID)]
    shown = ", ".join(map(str, wrong[:5])) + (", ..." if len(wrong) > 5 else "")
    raise InputError(
        f"{file} holds the id {shown}, but classes are 0 to {num_classes - 1} and void "
        f"is {VOID}; {_fix(ids, wrong, num_classes)}"
    )


def _fix(ids: list[int], wrong: list[int], num_classes: int) -> str:
    if wrong[0] < 0:
        return f"write {VOID} where nothing is labelled"
    if wrong == [num_classes] and 0 not in ids:
        return f"ids seem to start at 1, so subtract 1 and let 0 become {VOID}"
    if wrong == [num_classes]:
        return f"if {num_classes} means void write {VOID}, if it is a class give more"
    if len(wrong) > 1:
        return "these look like grey values or colours, so map each to its id"
    return "check the number of classes, or map this id to a class or to void"
