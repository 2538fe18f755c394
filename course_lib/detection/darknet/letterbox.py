"""Bring a picture to the size a net wants, and its boxes back."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

GREY = 0.5  # Darknet's bars


class Placement(NamedTuple):
    """Where a picture lies in the input: x_input = x * scale_x + left, in pixels."""

    scale_x: float
    scale_y: float
    left: int
    top: int


def letterbox(image: Tensor, size: tuple[int, int]) -> tuple[Tensor, Placement]:
    """Shrink or enlarge a picture until it fits, and fill up with grey bars.

    Args:
        image: (3, H, W) float in 0 to 1.
        size: (height, width) of the input in pixels.

    Returns:
        (3, height, width) float, and where the picture lies in it.

    Taught in chapters/14_yolov3_darknet.
    """
    height, width = size
    h, w = image.shape[-2:]
    scale = min(height / h, width / w)
    inner = max(1, int(h * scale + 1e-6)), max(1, int(w * scale + 1e-6))
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    small, (scale_x, scale_y, _, _) = stretch(image, inner)
    canvas = image.new_full((image.shape[0], height, width), GREY)
    canvas[:, top : top + inner[0], left : left + inner[1]] = small
    return canvas, Placement(scale_x, scale_y, left, top)


def stretch(image: Tensor, size: tuple[int, int]) -> tuple[Tensor, Placement]:
    """Resize a picture to ``size`` whatever its shape: what OpenCV does.

    Bilinear between pixel centres (x + 0.5), without smoothing first.

    Args:
        image: (3, H, W) float in 0 to 1.
        size: (height, width) of the input in pixels.

    Returns:
        (3, height, width) float, and where the picture lies in it.

    Taught in chapters/14_yolov3_darknet.
    """
    h, w = image.shape[-2:]
    resized = F.interpolate(image[None], size, mode="bilinear", align_corners=False)[0]
    return resized, Placement(size[1] / w, size[0] / h, 0, 0)


def to_input(boxes: Tensor, placement: Placement) -> Tensor:
    """Boxes of the picture as boxes of the input, both (N, 4) xyxy in pixels."""
    scale_x, scale_y, left, top = placement
    scale = boxes.new_tensor([scale_x, scale_y, scale_x, scale_y])
    return boxes * scale + boxes.new_tensor([left, top, left, top])


def unletterbox(boxes: Tensor, placement: Placement) -> Tensor:
    """Boxes of the input as boxes of the picture, both (N, 4) xyxy in pixels.

    Taught in chapters/14_yolov3_darknet.
    """
    scale_x, scale_y, left, top = placement
    scale = boxes.new_tensor([scale_x, scale_y, scale_x, scale_y])
    return (boxes - boxes.new_tensor([left, top, left, top])) / scale


RESIZE = {"letterbox": letterbox, "stretch": stretch}


def batch(images: list[Tensor], size: tuple[int, int], resize: str) -> tuple:
    """Pictures of any sizes as one input (B, 3, height, width), and placements."""
    placed = [RESIZE[resize](image, size) for image in images]
    return torch.stack([p[0] for p in placed]), [p[1] for p in placed]
