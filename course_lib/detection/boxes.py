"""Formats of boxes, and how much two boxes overlap.

Boxes are (N, 4) float tensors, xyxy in pixels unless a name says otherwise: origin top
left, x2 and y2 one past the last pixel, so that x2 - x1 is the width in pixels. A box
without area is legal and overlaps nothing. Taught in chapters/12_boxes_anchors_ap.
"""

import math

import torch
from torch import Tensor

from course_lib.errors import InputError

EPS = 1e-7  # keeps 0 / 0 away, as torchvision does
KINDS = ("iou", "giou", "diou", "ciou")


def xyxy_to_xywh(boxes: Tensor) -> Tensor:
    """Corners to (left, top, width, height), the format of COCO: (..., 4)."""
    first, last = boxes.split(2, dim=-1)
    return torch.cat([first, last - first], dim=-1)


def xywh_to_xyxy(boxes: Tensor) -> Tensor:
    """(left, top, width, height) to corners: (..., 4)."""
    first, size = boxes.split(2, dim=-1)
    return torch.cat([first, first + size], dim=-1)


def xyxy_to_cxcywh(boxes: Tensor) -> Tensor:
    """Corners to (centre, width, height), the format of anchors and YOLO: (..., 4)."""
    first, last = boxes.split(2, dim=-1)
    return torch.cat([(first + last) / 2, last - first], dim=-1)


def cxcywh_to_xyxy(boxes: Tensor) -> Tensor:
    """(centre, width, height) to corners: (..., 4)."""
    centre, size = boxes.split(2, dim=-1)
    return torch.cat([centre - size / 2, centre + size / 2], dim=-1)


def check_boxes(boxes: Tensor) -> None:
    """Refuse what is not (N, 4) xyxy, saying what came instead.

    Raises:
        InputError: for another shape, or where a box ends before it starts.
    """
    shape = tuple(boxes.shape)
    if len(shape) != 2 or shape[1] != 4:
        hint = "; did you mean boxes.T?" if shape[:1] == (4,) else ""
        raise InputError(f"boxes have the shape {shape}, not (N, 4) xyxy{hint}")
    wrong = (boxes[:, 2:] < boxes[:, :2]).any(dim=1)  # (N,)
    if wrong.any():
        box = [round(x, 2) for x in boxes[wrong][0].tolist()]
        raise InputError(
            f"box {box} ends before it starts; if it is xywh, use xywh_to_xyxy"
        )


def box_area(boxes: Tensor) -> Tensor:
    """Area of every box, (N, 4) -> (N,) in square pixels.

    Raises:
        InputError: for what ``check_boxes`` refuses.
    """
    check_boxes(boxes)
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Intersection over union of every pair, (N, 4) and (M, 4) -> (N, M) in [0, 1].

    It is 0 where a pair does not meet, also for two boxes without area.

    Raises:
        InputError: for what ``check_boxes`` refuses.

    Everingham et al., The PASCAL Visual Object Classes Challenge, IJCV 2010, eq. 3.
    Taught in chapters/12_boxes_anchors_ap.
    """
    area1, area2 = box_area(boxes1), box_area(boxes2)  # (N,), (M,)
    first = torch.max(boxes1[:, None, :2], boxes2[:, :2])  # (N, M, 2)
    last = torch.min(boxes1[:, None, 2:], boxes2[:, 2:])  # (N, M, 2)
    intersection = (last - first).clamp(min=0).prod(dim=-1)  # (N, M)
    union = area1[:, None] + area2 - intersection
    return intersection / union.clamp(min=EPS)


def recall(found: Tensor, truths: Tensor, threshold: float = 0.5) -> float:
    """Share of the true boxes that some found box overlaps by ``threshold`` or more.

    Args:
        found: (N, 4) xyxy: windows, proposals, anchors or detections.
        truths: (M, 4) xyxy.
        threshold: of the IoU.

    Returns:
        0 to 1; NaN where nothing is to be found.

    Taught in chapters/12_boxes_anchors_ap.
    """
    if len(found) == 0:
        return 0.0 if len(truths) else math.nan
    best = box_iou(found, truths).amax(dim=0)  # (M,)
    return (best >= threshold).float().mean().item()


def paired_iou(boxes1: Tensor, boxes2: Tensor, kind: str = "iou") -> Tensor:
    """Overlap of box i of one list with box i of the other, (N, 4) twice -> (N,).

    Args:
        boxes1: (N, 4) xyxy.
        boxes2: (N, 4) xyxy.
        kind: "iou", in [0, 1]; "giou", less the share of the enclosing box that
            neither covers, in [-1, 1]; "diou", less the squared distance of the
            centres over the squared diagonal of the enclosing box; "ciou", less a
            penalty for unequal shapes as well. One minus each is a loss.

    Raises:
        InputError: for another kind, and for what ``check_boxes`` refuses.

    Rezatofighi et al., Generalized IoU, CVPR 2019, algorithm 1; Zheng et al.,
    Distance-IoU Loss, AAAI 2020, equations 7 and 10. Taught in
    chapters/12_boxes_anchors_ap.
    """
    if kind not in KINDS:
        raise InputError(f"overlap {kind!r} is unknown; choose from {', '.join(KINDS)}")
    area1, area2 = box_area(boxes1), box_area(boxes2)
    first = torch.max(boxes1[:, :2], boxes2[:, :2])  # (N, 2)
    last = torch.min(boxes1[:, 2:], boxes2[:, 2:])
    intersection = (last - first).clamp(min=0).prod(dim=-1)  # (N,)
    union = area1 + area2 - intersection
    iou = intersection / (union + EPS)
    if kind == "iou":
        return iou
    around = torch.max(boxes1[:, 2:], boxes2[:, 2:]) - torch.min(
        boxes1[:, :2], boxes2[:, :2]
    )  # (N, 2), size of the enclosing box
    if kind == "giou":
        enclosing = around.prod(dim=-1)
        return iou - (enclosing - union) / (enclosing + EPS)
    one, two = xyxy_to_cxcywh(boxes1), xyxy_to_cxcywh(boxes2)
    apart = (one[:, :2] - two[:, :2]).square().sum(dim=-1)
    diou = iou - apart / (around.square().sum(dim=-1) + EPS)
    return diou if kind == "diou" else diou - _shape_penalty(one, two, iou)


def _shape_penalty(one: Tensor, two: Tensor, iou: Tensor) -> Tensor:
    """The last term of CIoU, for boxes (N, 4) cxcywh: alpha v, alpha a constant."""
    angles = [torch.atan(box[:, 2] / (box[:, 3] + EPS)) for box in (one, two)]
    v = 4 / math.pi**2 * (angles[0] - angles[1]).square()
    with torch.no_grad():
        alpha = v / (1 - iou + v + EPS)
    return alpha * v
