"""A classifier as a detector: slide a window over the picture at many sizes.

Taught in chapters/12_boxes_anchors_ap.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.detection.anchors import match
from course_lib.detection.boxes import box_iou
from course_lib.errors import InputError


def windows(shape: Sequence[int], size: tuple[int, int], stride: int) -> Tensor:
    """Every box of one size whose corner is a multiple of ``stride``.

    Args:
        shape: (..., H, W) of the picture.
        size: (h, w) of the window, pixels; it fits the picture.
        stride: between windows, pixels.

    Returns:
        (N, 4) float xyxy in pixels, row by row.

    Taught in chapters/12_boxes_anchors_ap.
    """
    room = [all_ - own for all_, own in zip(shape[-2:], size, strict=True)]
    if min(*size, stride) < 1 or min(room) < 0:
        raise InputError(
            f"a window of {tuple(size)} px in steps of {stride} does not fit a picture "
            f"of {tuple(shape[-2:])}; give a smaller one, in steps of 1 or more"
        )
    y, x = (torch.arange(0, most + 1, stride) for most in room)
    y, x = (c.flatten() for c in torch.meshgrid(y, x, indexing="ij"))
    return torch.stack([x, y, x + size[1], y + size[0]], dim=1).float()


def pyramid(
    image: Tensor, size: tuple[int, int], factor: float = 0.75
) -> Iterator[tuple[Tensor, Tensor]]:
    """The picture, and smaller and smaller copies of it.

    Args:
        image: (3, H, W) float.
        size: (h, w) that every copy has at least, pixels.
        factor: from one level to the next, below 1.

    Yields:
        Copies (3, h, w), and what makes their boxes those of the picture when
        multiplied, (4,).

    Adelson et al., Pyramid Methods in Image Processing, 1984. Taught in
    chapters/12_boxes_anchors_ap.
    """
    if not 0 < factor < 1:
        raise InputError(f"the pyramid's factor is {factor}; give one between 0 and 1")
    height, width = image.shape[-2:]
    for level in range(100):
        small = round(height * factor**level), round(width * factor**level)
        if small[0] < size[0] or small[1] < size[1]:
            return
        copy = F.interpolate(image[None], small, mode="bilinear", antialias=True)
        yield copy[0], torch.tensor([width / small[1], height / small[0]] * 2)


def cut_out(image: Tensor, size: tuple[int, int], stride: int) -> Tensor:
    """The pixels of ``windows``, (3, H, W) -> (N, 3, h, w)."""
    cuts = image.unfold(1, size[0], stride).unfold(2, size[1], stride)
    return cuts.flatten(1, 2).transpose(0, 1)


def examples(
    image: Tensor,
    boxes: Tensor,
    size: tuple[int, int],
    stride: int = 2,
    factor: float = 0.75,
    background: int = 30,
) -> tuple[Tensor, Tensor]:
    """Windows of a picture to train a classifier on.

    Args:
        image: (3, H, W) float.
        boxes: (M, 4) xyxy in pixels, the things to be found.
        size: (h, w) of the window, pixels.
        stride: between windows, pixels.
        factor: of the pyramid.
        background: so many windows at most, drawn at random from each level.

    Returns:
        Cuts (N, 3, h, w) and their labels (N,): 1 where the IoU with a thing is 0.5 or
        more, 0 where it is below 0.3 with all.

    Taught in chapters/12_boxes_anchors_ap.
    """
    cuts, labels = [], []
    for level, scale in pyramid(image, size, factor):
        places = windows(level.shape, size, stride) * scale
        found = match(box_iou(places, boxes), 0.5, 0.3)
        thing, other = (found >= 0).nonzero()[:, 0], (found == -1).nonzero()[:, 0]
        other = other[torch.randperm(len(other))[:background]]
        cuts.append(cut_out(level, size, stride)[torch.cat([thing, other])])
        labels.append(torch.tensor([1] * len(thing) + [0] * len(other)))
    return torch.cat(cuts), torch.cat(labels)


@torch.no_grad()
def sliding_window(
    classifier: Callable[[Tensor], Tensor],
    image: Tensor,
    size: tuple[int, int],
    stride: int = 4,
    factor: float = 0.75,
) -> tuple[Tensor, Tensor]:
    """What a classifier says of every window of every level of the pyramid.

    Args:
        classifier: (B, 3, h, w) -> logits (B, C).
        image: (3, H, W) as the classifier wants it.
        size: (h, w) of the window, pixels of the level.
        stride: between windows, pixels of the level.
        factor: of the pyramid; see there.

    Returns:
        Boxes (N, 4) xyxy in pixels of ``image``, and probabilities (N, C).

    Taught in chapters/12_boxes_anchors_ap.
    """
    boxes, scores = [], []
    windows(image.shape, size, stride)  # refuses what does not fit
    for level, scale in pyramid(image, size, factor):
        scores.append(classifier(cut_out(level, size, stride)).softmax(dim=1))
        boxes.append(windows(level.shape, size, stride) * scale)
    return torch.cat(boxes), torch.cat(scores)
