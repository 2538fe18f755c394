"""Bring a picture to the size a net wants, and its boxes back."""

from typing import NamedTuple

import torch
from torch import Tensor

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
    """Resize a picture to ``size`` whatever its shape.

    Args:
        image: (3, H, W) float in 0 to 1.
        size: (height, width) of the input in pixels.

    Returns:
        (3, height, width) float, and where the picture lies in it.

    Taught in chapters/14_yolov3_darknet.
    """
    h, w = image.shape[-2:]
    placement = Placement(size[1] / w, size[0] / h, 0, 0)
    if (h, w) == tuple(size):
        return image, placement
    return bilinear_8_bit((image * 255).round().int(), size) / 255, placement


def bilinear_8_bit(image: Tensor, size: tuple[int, int]) -> Tensor:
    """OpenCV's ``resize``, bit by bit: bilinear, no smoothing, half-pixel centres.

    Its whole numbers (weights in 2048ths, bits cut off twice) differ from
    ``F.interpolate`` by one grey level here and there, which moves the scores of
    small nets by 0.01.

    Args:
        image: (3, H, W) int32, 0 to 255.
        size: (height, width) in pixels.

    Returns:
        (3, height, width) int32, 0 to 255.
    """
    x = image.permute(2, 1, 0).contiguous()  # (W, H, 3): whole rows are copied
    low, high, a, b = _neighbours(image.shape[2], size[1], image.device)
    x = x[low].mul_(a[:, None, None]).add_(x[high].mul_(b[:, None, None])) >> 4
    low, high, a, b = _neighbours(image.shape[1], size[0], image.device)
    x = (x[:, low].mul_(a[:, None]) >> 16).add_(x[:, high].mul_(b[:, None]) >> 16)
    return (x.add_(2) >> 2).permute(2, 1, 0)


def _neighbours(old: int, new: int, device) -> tuple[Tensor, ...]:
    """For each new pixel its two old ones and their weights in 2048ths."""
    place = (torch.arange(new, dtype=torch.float64) + 0.5) * (old / new) - 0.5
    place = place.float()
    low = place.floor()
    right = ((place - low) * 2048).round()
    left = ((1 - (place - low)) * 2048).round()
    at = low.long().clamp(0, old - 1), (low.long() + 1).clamp(0, old - 1)
    return tuple(t.to(device) for t in (*at, left.int(), right.int()))


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
