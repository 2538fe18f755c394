"""Non-maximum suppression: one box for each thing.

Written to be read; where speed counts, ``torchvision.ops`` does the same. Taught in
chapters/12_boxes_anchors_ap.
"""

import torch
from torch import Tensor

from course_lib.detection.boxes import box_iou
from course_lib.errors import InputError


def nms(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    """Keep a box unless a better one overlaps it by more than ``threshold``.

    Args:
        boxes: (N, 4) xyxy in pixels.
        scores: (N,); of equal ones the earlier counts as better.
        threshold: of the IoU, 0-1.

    Returns:
        (K,) int64 indices of the kept boxes, best first.

    Taught in chapters/12_boxes_anchors_ap.
    """
    _check(boxes, scores)
    order = scores.argsort(descending=True, stable=True)
    overlap = box_iou(boxes, boxes)  # (N, N)
    gone = torch.zeros(len(boxes), dtype=torch.bool, device=boxes.device)
    kept = []
    for i in order:
        if not gone[i]:
            kept.append(i)
            gone |= overlap[i] > threshold
    return torch.stack(kept) if kept else order


def class_wise_nms(
    boxes: Tensor, scores: Tensor, labels: Tensor, threshold: float
) -> Tensor:
    """``nms`` in which only boxes of one label (N,) suppress each other.

    Every label's boxes are moved to a place of their own, where they meet no others.
    Taught in chapters/12_boxes_anchors_ap.
    """
    if len(boxes) == 0:
        return nms(boxes, scores, threshold)
    reach = boxes.max() - boxes.min() + 1
    return nms(boxes + (labels * reach)[:, None], scores, threshold)


def soft_nms(
    boxes: Tensor,
    scores: Tensor,
    sigma: float = 0.5,
    threshold: float = 0.001,
    method: str = "gaussian",
) -> tuple[Tensor, Tensor]:
    """Lower the scores of what overlaps a better box instead of removing it.

    Args:
        boxes: (N, 4) xyxy in pixels.
        scores: (N,) in [0, 1].
        sigma: "gaussian" multiplies by exp(-IoU² / sigma); for "linear" it is the IoU
            above which a score is multiplied by 1 - IoU.
        threshold: boxes whose score falls to this or below are dropped.
        method: "gaussian" or "linear".

    Returns:
        Indices (K,) int64 of the boxes left, best first, and their new scores (K,).

    Bodla et al., Soft-NMS, ICCV 2017, equations 2 and 3. Taught in
    chapters/12_boxes_anchors_ap.
    """
    _check(boxes, scores)
    if method not in ("gaussian", "linear"):
        raise InputError(f"soft-NMS {method!r} is unknown; choose gaussian or linear")
    overlap, left = box_iou(boxes, boxes), scores.clone()
    if method == "gaussian":
        factor = torch.exp(-overlap.square() / sigma)  # (N, N)
    else:
        factor = torch.where(overlap > sigma, 1 - overlap, 1.0)
    kept, new = [], []
    while (left > threshold).any():
        best = left.argmax()
        kept.append(best)
        new.append(left[best].clone())
        left *= factor[best]
        left[best] = -1.0  # stays below, whatever it is multiplied by
    if not kept:
        return torch.zeros(0, dtype=torch.int64, device=boxes.device), scores[:0]
    return torch.stack(kept), torch.stack(new)


def _check(boxes: Tensor, scores: Tensor) -> None:
    if scores.shape != boxes.shape[:1]:
        raise InputError(
            f"{len(boxes)} boxes have scores of shape {tuple(scores.shape)}; give one "
            "score for each box"
        )
