"""All figures of a network at once: IoU, along contours, by the width of thin things.

Used in chapters/06_dilated_resnets and, without a network, by ``training.squares``.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from course_lib.metrics import ConfusionMatrix, boundary_iou
from course_lib.metrics.widths import iou_by_width
from course_lib.training.evaluation import predictions

WIDTHS = (2, 4, 8)  # px, of poles


def measured(net: nn.Module, test_set: Dataset, thin_class: str | None = None) -> dict:
    """Figures of a network on test pictures: IoU, along contours, by width of poles."""
    names = test_set.classes.names
    matrix = ConfusionMatrix(len(names))
    truths, answers = [], []
    for _, logits, masks in predictions(net, test_set):
        answer = logits.argmax(dim=1)  # (B, H, W)
        matrix.update(torch.stack(masks), answer)
        truths += [mask.to(torch.uint8) for mask in masks]
        answers += list(answer.to(torch.uint8))
    figures = {}
    for void in ("ignored", "counted"):
        scores = matrix.scores(void).as_dict()
        each = dict(zip(names, scores["class_iou"], strict=True))
        kept = {k: scores[k] for k in ("mean_iou", "pixel_accuracy", "mean_accuracy")}
        figures[void] = kept | {"class_iou": each}
    result = figures["ignored"] | {"void_counted": figures["counted"]}
    contours = boundary_iou(torch.stack(truths), torch.stack(answers), len(names))
    result["boundary_iou"] = contours.nanmean().item()
    result["class_boundary_iou"] = named(names, contours)
    if thin_class:
        k = names.index(thin_class)
        result["iou_by_width"] = by_width(truths, answers, k)
    return result


def by_width(truths: list[Tensor], answers: list[Tensor], class_id: int) -> dict:
    """IoU of a class where it is up to 2, 4, 8 px wide, and where it is wider."""
    pairs = zip(truths, answers, strict=True)
    right, union = sum(iou_by_width(t, a, class_id, WIDTHS) for t, a in pairs).T
    names = [f"to {width} px" for width in WIDTHS] + ["wider"]
    return named(names, right / union)


def named(names: Sequence[str], values: Tensor) -> dict[str, float | None]:
    """Values by name, as strict JSON has them: NaN becomes None."""
    plain = [None if math.isnan(value) else value for value in values.tolist()]
    return dict(zip(names, plain, strict=True))
