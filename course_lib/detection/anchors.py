"""Anchors: boxes to begin from, in every cell of a map.

Ren et al., Faster R-CNN, NIPS 2015, section 3.1. Taught in
chapters/12_boxes_anchors_ap.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.detection.boxes import cxcywh_to_xyxy, xyxy_to_cxcywh
from course_lib.errors import InputError

NEGATIVE, IGNORED = -1, -2  # what ``match`` says of an anchor without a box
LARGEST = math.log(1000 / 16)  # of dw and dh: no box is wider than 62.5 anchors


def anchor_grid(
    cells: tuple[int, int],
    stride: float,
    sizes: Sequence[float],
    ratios: Sequence[float] = (0.5, 1.0, 2.0),
) -> Tensor:
    """Boxes of every size and ratio around the centre of every cell.

    Args:
        cells: (h, w) of the map.
        stride: pixels between neighbouring cells.
        sizes: roots of the areas, in pixels.
        ratios: height over width.

    Returns:
        (h * w * A, 4) float xyxy in pixels, A = len(sizes) * len(ratios): cells row by
        row, in each cell the ratios of the first size first. Boxes at the rim reach
        beyond the picture.

    Taught in chapters/12_boxes_anchors_ap.
    """
    if min(*cells, stride, *sizes, *ratios) <= 0:
        raise InputError(
            f"anchors of {cells} cells, stride {stride}, sizes {sizes} and ratios "
            f"{ratios}: give numbers above 0"
        )
    shapes = [(s / math.sqrt(r), s * math.sqrt(r)) for s in sizes for r in ratios]
    rows, columns = ((torch.arange(n) + 0.5) * stride for n in cells)
    y, x = torch.meshgrid(rows, columns, indexing="ij")  # (h, w)
    centres = torch.stack([x, y], dim=-1).reshape(-1, 1, 2)  # (h * w, 1, 2)
    shapes = torch.tensor(shapes).expand(len(centres), -1, 2)  # (h * w, A, 2)
    centres = centres.expand(-1, shapes.shape[1], 2)
    return cxcywh_to_xyxy(torch.cat([centres, shapes], dim=-1)).reshape(-1, 4)


def match(
    iou: Tensor, positive: float, negative: float, keep_best: bool = False
) -> Tensor:
    """Say which box every anchor should learn.

    Args:
        iou: (N anchors, M boxes).
        positive: from this IoU on, an anchor learns its best box.
        negative: below this IoU with every box it is background; between the two it
            is ignored.
        keep_best: every box also gets the anchors that overlap it most, however
            little, so that no box is without one.

    Returns:
        (N,) int64: index of a box, -1 for background, -2 for ignored.

    Ren et al., Faster R-CNN, NIPS 2015, section 3.1.2. Taught in
    chapters/12_boxes_anchors_ap.
    """
    if not 0 <= negative <= positive <= 1:
        raise InputError(
            f"positive is {positive} and negative {negative}; give 0 <= negative <= "
            "positive <= 1"
        )
    if iou.shape[1] == 0:
        return torch.full(iou.shape[:1], NEGATIVE, device=iou.device)
    best, index = iou.max(dim=1)  # (N,)
    matched = torch.where(best >= positive, index, IGNORED)
    matched[best < negative] = NEGATIVE
    if keep_best and len(iou):
        most = iou.max(dim=0).values  # (M,)
        chosen = ((iou == most) & (most > 0)).any(dim=1)
        matched[chosen] = index[chosen]
    return matched


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """What must be added to anchors to make them boxes, (N, 4) xyxy twice -> (N, 4).

    (dx, dy, dw, dh): the way of the centre in widths and heights of the anchor, and
    the logarithms of the factors of width and height.

    Girshick et al., R-CNN, CVPR 2014, appendix C, equations 6 to 9. Taught in
    chapters/12_boxes_anchors_ap.
    """
    to, start = xyxy_to_cxcywh(boxes), xyxy_to_cxcywh(anchors)
    centre = (to[:, :2] - start[:, :2]) / start[:, 2:]
    return torch.cat([centre, (to[:, 2:] / start[:, 2:]).log()], dim=1)


def decode(deltas: Tensor, anchors: Tensor) -> Tensor:
    """The boxes that (N, 4) ``deltas`` make of (N, 4) xyxy ``anchors``: (N, 4) xyxy.

    The inverse of ``encode``, but for factors above 62.5, which are cut to that: an
    untrained net must not make infinite boxes. Taught in chapters/12_boxes_anchors_ap.
    """
    start = xyxy_to_cxcywh(anchors)
    centre = start[:, :2] + deltas[:, :2] * start[:, 2:]
    size = start[:, 2:] * deltas[:, 2:].clamp(max=LARGEST).exp()
    return cxcywh_to_xyxy(torch.cat([centre, size], dim=1))
