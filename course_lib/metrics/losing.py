"""What a measure takes off when one class is lost and all else is right."""

from collections.abc import Iterable

import torch
from torch import Tensor

from course_lib.errors import InputError
from course_lib.metrics.confusion import ConfusionMatrix, reduced_iou


def cost_of_losing(
    masks: Iterable[Tensor], lost: int, instead: int, num_classes: int
) -> dict[str, float]:
    """Points that three measures take off for never finding one class.

    The machine is right everywhere, but answers ``instead`` where the truth is
    ``lost``. Without that mistake it would have 100 points in every measure.

    Args:
        masks: at least one (H, W) integer mask of ids and void (255).
        lost: id of the class that is never found.
        instead: id of the answer in its place.
        num_classes: C.

    Returns:
        Points, 0 to 100, of pixel accuracy, of mean IoU, and of the mean IoU that is
        taken picture by picture.

    Raises:
        InputError: if ``lost`` and ``instead`` are one class.

    Taught in chapters/01_pixels_and_labels.
    """
    if lost == instead:
        raise InputError(f"class {lost} cannot stand in for itself; give another id")
    matrices, total = [], ConfusionMatrix(num_classes)
    for mask in masks:
        answer = torch.where(mask == lost, instead, mask)  # (H, W)
        matrices.append(ConfusionMatrix(num_classes).update(mask, answer))
        total.merge(matrices[-1])
    scores = total.scores()
    kept = {
        "pixel accuracy": scores.pixel_accuracy,
        "mean IoU": scores.mean_iou,
        "mean IoU by picture": reduced_iou(matrices, "per_image"),
    }
    return {measure: 100 * (1 - value) for measure, value in kept.items()}
