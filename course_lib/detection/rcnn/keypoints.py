"""Keypoints out of masks, to train Keypoint R-CNN where nobody marked any."""

import torch
from torch import Tensor

NAMES = ("top", "right", "bottom", "left")
FLIP_PAIRS = ((1, 3),)  # right and left change their names in a mirror


def extreme_points(masks: Tensor) -> Tensor:
    """The topmost, rightmost, lowest and leftmost point of every mask.

    Args:
        masks: (N, H, W) bool or uint8, none of them empty.

    Returns:
        (N, 4, 3) float: x, y in pixels, the centres of those cells, and 1 for
        visible. Where several pixels are topmost, the middle one of them.

    Zhou et al., Bottom-up Object Detection by Grouping Extreme and Center Points,
    CVPR 2019, section 4.1. Taught in chapters/13_mask_rcnn_finetuning.
    """
    points = torch.ones(len(masks), 4, 3)
    for thing, mask in zip(points, masks, strict=True):
        y, x = mask.nonzero(as_tuple=True)
        sides = ((y, y.min()), (x, x.max()), (y, y.max()), (x, x.min()))
        for point, (places, end) in zip(thing, sides, strict=True):
            at_end = places == end
            point[0] = x[at_end].float().median() + 0.5
            point[1] = y[at_end].float().median() + 0.5
    return points
