"""How good a labelling is: confusion matrix, IoU and accuracies.

Everything is counted in pixels and summed over the pictures before anything is
divided, so it does not matter in which pieces the pictures arrive.

``void`` is the part of the truth nobody labelled. "ignored" leaves those pixels
out; "counted" holds what is predicted there against the predicted class, as some
published figures do. One matrix holds both.
"""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

import torch
from torch import Tensor

from course_lib.errors import InputError

Void = Literal["ignored", "counted"]


@dataclass(frozen=True, eq=False)
class Scores:
    """The figures of one confusion matrix, as shares in [0, 1].

    A class that is neither in the truth nor in the prediction has the IoU NaN, one
    that is not in the truth the accuracy NaN; means leave NaN out.

    Attributes:
        mean_iou: mean of ``class_iou`` (Everingham et al., IJCV 2015, eq. 3).
        mean_iou_without_background: the same without class 0.
        class_iou: (C,) float64, intersection over union.
        class_accuracy: (C,) float64, right pixels over pixels of the class.
        mean_accuracy: mean of ``class_accuracy``.
        pixel_accuracy: right pixels over all pixels that count.
        frequency_weighted_iou: ``class_iou`` weighted by the share of the class
            (Long et al., CVPR 2015, section 5).
        overall: mean of ``mean_iou`` and ``pixel_accuracy`` (Zhou et al., CVPR 2017).

    Taught in chapters/01_pixels_and_labels.
    """

    mean_iou: float
    mean_iou_without_background: float
    class_iou: Tensor
    class_accuracy: Tensor
    mean_accuracy: float
    pixel_accuracy: float
    frequency_weighted_iou: float
    overall: float

    def as_dict(self) -> dict:
        """Numbers and lists as strict JSON has them: NaN becomes None."""
        return {name: _plain(value) for name, value in asdict(self).items()}


class ConfusionMatrix:
    """Counts of (true class, predicted class), summed over pictures.

    Args:
        num_classes: C; class ids are 0 to C-1.
        ignore_index: the id of void.
        void: "ignored" or "counted"; what ``scores`` does unless told otherwise.

    Attributes:
        matrix: (C+1, C+1) int64; rows are ground truth, columns prediction; the
            last row is void in the truth, the last column void as an answer, which
            is a wrong answer wherever the truth has a class.

    Taught in chapters/01_pixels_and_labels.
    """

    def __init__(
        self, num_classes: int, ignore_index: int = 255, void: Void = "ignored"
    ):
        if num_classes < 1:
            raise InputError(f"num_classes is {num_classes}; give at least 1")
        if 0 <= ignore_index < num_classes:
            raise InputError(
                f"ignore_index {ignore_index} is also a class (0 to {num_classes - 1});"
                " give an id beyond the classes"
            )
        self.num_classes, self.ignore_index = num_classes, ignore_index
        self.void = _checked_void(void)
        self.matrix = torch.zeros(num_classes + 1, num_classes + 1, dtype=torch.int64)

    def update(self, labels: Tensor, prediction: Tensor) -> "ConfusionMatrix":
        """Add pictures.

        Args:
            labels: ids of the truth, any integer type and shape.
            prediction: ids of the same shape.

        Returns:
            itself.

        Raises:
            InputError: shapes differ, not ids, or an id that is no class.
        """
        if labels.shape != prediction.shape:
            raise InputError(
                f"labels are {tuple(labels.shape)} but the prediction is "
                f"{tuple(prediction.shape)}; give one id for every pixel"
            )
        size = self.num_classes + 1
        truth = self._ids(labels, "labels")  # (pixels,)
        answer = self._ids(prediction, "prediction")  # (pixels,)
        pairs = torch.bincount(truth * size + answer, minlength=size * size)
        self.matrix += pairs.view(size, size).cpu()
        return self

    def merge(self, other: "ConfusionMatrix") -> "ConfusionMatrix":
        """Add the counts of another matrix of the same classes, and return itself."""
        if other.num_classes != self.num_classes:
            raise InputError(
                f"a matrix of {other.num_classes} classes cannot be added to one of "
                f"{self.num_classes}; use one class table for both"
            )
        self.matrix += other.matrix
        return self

    def scores(self, void: Void | None = None) -> Scores:
        """Every figure; ``void`` overrides the treatment chosen at the start."""
        right, union, truth, void_wrong = self._counts(void)
        iou, accuracy = right / union, right / truth  # (C,), NaN = absent
        pixel_accuracy = (right.sum() / (truth.sum() + void_wrong)).item()
        mean_iou = iou.nanmean().item()
        weighted = (truth * iou).nansum() / truth.sum()
        return Scores(
            mean_iou=mean_iou,
            mean_iou_without_background=iou[1:].nanmean().item(),
            class_iou=iou,
            class_accuracy=accuracy,
            mean_accuracy=accuracy.nanmean().item(),
            pixel_accuracy=pixel_accuracy,
            frequency_weighted_iou=weighted.item(),
            overall=(mean_iou + pixel_accuracy) / 2,
        )

    def _counts(self, void: Void | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Pixels right, in the union, in the truth (C,) and wrong on void ()."""
        classes = self.matrix[:, :-1].double()  # (C+1, C): class as an answer
        truth = self.matrix[:-1].sum(dim=1).double()  # (C,)
        right = classes.diagonal()
        on_void = classes[-1] * (_checked_void(void or self.void) == "counted")
        union = truth + classes[:-1].sum(dim=0) + on_void - right
        return right, union, truth, on_void.sum()

    def _ids(self, ids: Tensor, what: str) -> Tensor:
        """Flat int64 ids with void moved to the id C."""
        if ids.is_floating_point() or ids.dtype == torch.bool:
            raise InputError(
                f"{what}: {ids.dtype} are not class ids; give integers, of logits "
                "their argmax over the classes"
            )
        ids = ids.flatten().long()
        if self._are_classes(ids):  # the usual prediction: nothing to move
            return ids
        void = ids == self.ignore_index
        known = ids.masked_fill(void, 0)
        if not self._are_classes(known):
            wrong = known[(known < 0) | (known >= self.num_classes)][0].item()
            raise InputError(
                f"{what}: id {wrong} is none of the {self.num_classes} classes (0 to "
                f"{self.num_classes - 1}) nor void ({self.ignore_index}); map it to "
                "one of them"
            )
        return known.masked_fill_(void, self.num_classes)

    def _are_classes(self, ids: Tensor) -> bool:
        return not ids.numel() or bool(0 <= ids.min() and ids.max() < self.num_classes)


def reduced_iou(
    pictures: Iterable[ConfusionMatrix],
    reduction: Literal["macro", "micro", "per_image"] = "macro",
) -> float:
    """IoU of many pictures as one number, in one of the three usual ways.

    Args:
        pictures: one matrix a picture, at least one.
        reduction: "macro": sum the pixels, one IoU a class, mean over classes (what
            "mean IoU" means elsewhere here); "micro": intersections of all classes
            over unions of all classes, so large classes rule; "per_image": the mean
            IoU of every picture, then their mean, so every picture weighs the same.

    Returns:
        a share in [0, 1].

    Taught in chapters/01_pixels_and_labels.
    """
    first, *others = pictures
    if reduction == "per_image":
        means = [each.scores().mean_iou for each in (first, *others)]
        return torch.tensor(means, dtype=torch.float64).nanmean().item()
    total = ConfusionMatrix(first.num_classes, first.ignore_index, first.void)
    for each in (first, *others):
        total.merge(each)
    if reduction == "macro":
        return total.scores().mean_iou
    if reduction == "micro":
        right, union, _, _ = total._counts(None)
        return (right.sum() / union.sum()).item()
    raise InputError(
        f'reduction is "{reduction}"; choose "macro", "micro" or "per_image"'
    )


def _checked_void(void: str) -> str:
    if void not in ("ignored", "counted"):
        raise InputError(f'void is "{void}"; choose "ignored" or "counted"')
    return void


def _plain(value: float | Tensor) -> float | list | None:
    if isinstance(value, Tensor):
        return [_plain(each) for each in value.tolist()]
    return None if math.isnan(value) else value
