"""IoU along the contours, where a thin error weighs as much as it looks."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.errors import InputError
from course_lib.metrics.confusion import ConfusionMatrix


def boundary_region(mask: Tensor, distance: int) -> Tensor:
    """The part of a region that lies within some pixels of its contour.

    Args:
        mask: (..., H, W) bool.
        distance: pixels, counted as a chessboard king walks; the edge of the
            picture is contour.

    Returns:
        (..., H, W) bool, a part of ``mask``.

    Cheng et al., Boundary IoU, CVPR 2021, section 4 (G_d and G together).
    Taught in chapters/01_pixels_and_labels.
    """
    outside = (~mask).float().reshape(-1, 1, *mask.shape[-2:])  # (N, 1, H, W)
    near = F.pad(outside, (distance,) * 4, value=1.0)
    for kernel in ((1, 2 * distance + 1), (2 * distance + 1, 1)):
        near = F.max_pool2d(near, kernel, stride=1)  # ends as (N, 1, H, W)
    return mask & (near.view(mask.shape) > 0)


def boundary_iou(
    labels: Tensor,
    prediction: Tensor,
    num_classes: int,
    distance: int | None = None,
    ignore_index: int = 255,
) -> Tensor:
    """IoU of every class, looking only at the pixels near its contours.

    Args:
        labels: (H, W) or (B, H, W) ids of the truth.
        prediction: ids of the same shape.
        num_classes: C.
        distance: pixels from the contour; None is 2 % of the diagonal, at least 1.
        ignore_index: void; such pixels of the truth are left out.

    Returns:
        (C,) float64 in [0, 1]; NaN where neither has the class.

    Cheng et al., Boundary IoU, CVPR 2021, eq. 3. Taught in
    chapters/01_pixels_and_labels.
    """
    ConfusionMatrix(num_classes, ignore_index).update(labels, prediction)  # checks
    if distance is None:
        distance = max(1, round(0.02 * math.hypot(*labels.shape[-2:])))
    if distance < 1:
        raise InputError(f"distance is {distance} px; give at least 1")
    labelled = labels != ignore_index  # (H, W)
    values = []
    for class_id in range(num_classes):
        truth = boundary_region(labels == class_id, distance) & labelled
        answer = boundary_region(prediction == class_id, distance) & labelled
        values.append((truth & answer).sum().double() / (truth | answer).sum())
    return torch.stack(values).cpu()  # (C,)
