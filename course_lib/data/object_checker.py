"""Look at the boxes and masks of a data set before training a detector on them."""

import copy
import math
from collections import Counter
from dataclasses import dataclass, field

import torch
from torch import Tensor

from course_lib.errors import InputError

CLOSE = 3  # px by which a written box may differ from its mask without a word


@dataclass
class ObjectReport:
    """What ``check_objects`` saw.

    Attributes:
        names: of the classes, the background first.
        pictures, empty: pictures looked at, and those without an object.
        counts: objects of every class, by name.
        crowds: objects that stand for a crowd.
        smallest: the shortest side of a box, px.
        remarks: what is no fault, yet worth a look: boxes that were written down
            otherwise than their masks show them.
    """

    names: tuple[str, ...]
    pictures: int = 0
    empty: int = 0
    counts: Counter = field(default_factory=Counter)
    crowds: int = 0
    smallest: float = math.inf
    remarks: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kinds = len(self.names) - 1
        text = (
            f"{self.pictures} pictures, {self.empty} of them without objects, "
            f"{self.counts.total()} objects ({self.crowds} crowds) in "
            f"{len(self.counts)} of {kinds} classes"
        )
        if self.counts:
            text += f", the shortest side {self.smallest:g} px"
        return "\n".join([text, *self.remarks])


def check_objects(dataset, limit: int | None = None) -> ObjectReport:
    """Check labels, boxes and masks of a detection data set, before any transform.

    Args:
        dataset: gives (image (3, H, W), target) as ``data.targets.target_of`` makes
            it; has ``classes`` with the background first, and ``file(i)``. One with
            ``written_boxes(i)``, boxes (N, 4) kept apart from the masks, has the two
            compared; where they differ by more than 3 px, it is remarked.
        limit: look at this many samples only, evenly spread; None means all.

    Raises:
        InputError: for the first fault; names the file, the value and the fix.
    """
    if len(dataset) == 0:
        raise InputError(f"{dataset.name} holds no pictures; check folder and split")
    plain = copy.copy(dataset)
    plain.transform = None
    report = ObjectReport(tuple(dataset.classes.names))
    for i in range(0, len(dataset), -(-len(dataset) // (limit or len(dataset)))):
        image, target = plain[i]
        file = dataset.file(i)
        _check_target(target, tuple(image.shape[-2:]), len(report.names), file)
        _count(report, target)
        if hasattr(dataset, "written_boxes"):
            written = dataset.written_boxes(i)
            report.remarks += _differences(written, target["boxes"], file)
    return report


def _check_target(target, size: tuple[int, int], num_classes: int, file: str) -> None:
    if not isinstance(target, dict) or not {"boxes", "labels"} <= set(target):
        raise InputError(
            f"{file}: the target is {type(target).__name__}, not boxes and labels; "
            "give a data set for detection"
        )
    boxes, labels = target["boxes"], target["labels"]
    if boxes.shape != (len(labels), 4):
        raise InputError(
            f"{file}: {len(labels)} labels, but boxes of shape {tuple(boxes.shape)}; "
            "give one box (x1, y1, x2, y2) for each label"
        )
    for label, box in zip(labels.tolist(), boxes.tolist(), strict=True):
        _check_label(label, num_classes, file)
        _check_box(box, size, file)
    masks = target.get("masks")
    if masks is not None and tuple(masks.shape) != (len(labels), *size):
        raise InputError(
            f"{file}: masks of shape {tuple(masks.shape)}; give ({len(labels)}, "
            f"{size[0]}, {size[1]}), one of the picture's size for each box"
        )


def _check_label(label: int, num_classes: int, file: str) -> None:
    if not 1 <= label < num_classes:
        hint = "0 is the background, things count from 1" if label == 0 else (
            "check the number of classes"
        )  # fmt: skip
        raise InputError(
            f"{file} holds the label {label}, but things are 1 to {num_classes - 1}; "
            f"{hint}"
        )


def _check_box(box: list[float], size: tuple[int, int], file: str) -> None:
    x1, y1, x2, y2 = box
    shown = ", ".join(f"{value:g}" for value in box)
    if not all(map(math.isfinite, box)) or x2 <= x1 or y2 <= y1:
        raise InputError(
            f"{file} holds the box ({shown}), which has no area; give x1 < x2 and "
            "y1 < y2, x2 and y2 behind the last pixel"
        )
    if min(x1, y1) < -0.5 or x2 > size[1] + 0.5 or y2 > size[0] + 0.5:
        raise InputError(
            f"{file} holds the box ({shown}), but the picture is {size[1]}x{size[0]}; "
            "cut it at the rim, or find the right picture"
        )


def _count(report: ObjectReport, target: dict) -> None:
    labels, boxes = target["labels"], target["boxes"]
    report.pictures += 1
    report.empty += len(labels) == 0
    report.counts.update(report.names[label] for label in labels.tolist())
    report.crowds += int(target.get("iscrowd", torch.zeros(0)).sum())
    if len(boxes):
        sides = (boxes[:, 2:] - boxes[:, :2]).min().item()
        report.smallest = min(report.smallest, sides)


def _differences(written: Tensor, boxes: Tensor, file: str) -> list[str]:
    """One line for each object whose written box is not that of its mask."""
    if len(written) != len(boxes):
        return [f"{file}: {len(written)} boxes are written, {len(boxes)} masks drawn"]
    off = (written - boxes).abs().amax(dim=1)
    return [
        f"{file}: object {i + 1} is written as {_whole(written[i])}, its mask spans "
        f"{_whole(boxes[i])}: {off[i]:g} px apart"
        for i in (off > CLOSE).nonzero().flatten().tolist()
    ]


def _whole(box: Tensor) -> tuple[int, ...]:
    return tuple(int(value) for value in box)
