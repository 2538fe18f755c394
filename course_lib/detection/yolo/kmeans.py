"""Anchors from the boxes of a data set.

Taught in chapters/15_training_yolo.
"""

import torch
from torch import Tensor
from torch.utils.data import Dataset

from course_lib.errors import InputError


def box_sizes(dataset: Dataset, size: tuple[int, int] | None = None) -> Tensor:
    """Width and height of every box, (M, 2) in pixels.

    With ``size`` (H, W) of the network's input the pixels are the input's: every
    picture is letterboxed to it, one factor for both sides.
    """
    rows = []
    for image, target in (dataset[i] for i in range(len(dataset))):
        boxes = torch.as_tensor(target["boxes"]).as_subclass(Tensor)
        sides = zip(size or image.shape[-2:], image.shape[-2:], strict=True)
        rows.append(
            (boxes[:, 2:] - boxes[:, :2]) * min(new / old for new, old in sides)
        )
    return torch.cat(rows)


def shape_iou(sizes: Tensor, anchors: Tensor) -> Tensor:
    """IoU of boxes that share a corner: (M, 2) and (K, 2) -> (M, K).

    Redmon and Farhadi, YOLO9000, CVPR 2017, section 2. Taught in
    chapters/15_training_yolo.
    """
    shared = torch.min(sizes[:, None], anchors).prod(dim=-1)  # (M, K)
    return shared / (sizes.prod(dim=-1)[:, None] + anchors.prod(dim=-1) - shared)


def kmeans_anchors(
    sizes: Tensor, count: int, *, seed: int = 0, tries: int = 8, rounds: int = 50
) -> Tensor:
    """Group box sizes by k-means with the distance 1 - IoU.

    Args:
        sizes: (M, 2) width and height in pixels.
        count: number of anchors, at most the number of different sizes.
        seed: of the first centres, drawn far from one another (k-means++).
        tries: from other first centres; the best is kept, by mean IoU.
        rounds: of each, at most; a try stops when no box changes its group.

    Returns:
        (count, 2) in pixels, small areas first. A centre is the mean of its boxes.

    Raises:
        InputError: for too few boxes, or a box without area.

    Redmon and Farhadi, YOLO9000, CVPR 2017, section 2; Arthur and Vassilvitskii,
    k-means++, SODA 2007. Taught in chapters/15_training_yolo.
    """
    sizes = sizes.float()
    if not (sizes > 0).all():
        raise InputError("a box has no width or height; leave it out of the anchors")
    different = len(sizes.unique(dim=0))
    if not 1 <= count <= different:
        raise InputError(
            f"{count} anchors from {len(sizes)} boxes; give 1 to {different}, the "
            "number of different sizes"
        )
    generator = torch.Generator().manual_seed(seed)
    starts = (_first_centres(sizes, count, generator) for _ in range(tries))
    found = [_settle(sizes, centres, rounds) for centres in starts]
    best = max(found, key=lambda a: shape_iou(sizes, a).amax(dim=1).mean().item())
    return best[best.prod(dim=1).argsort()]


def _settle(sizes: Tensor, centres: Tensor, rounds: int) -> Tensor:
    """k-means from these centres: each box to its nearest, each centre to its boxes."""
    group = None
    for _ in range(rounds):
        nearest = shape_iou(sizes, centres).argmax(dim=1)  # (M,)
        if group is not None and torch.equal(nearest, group):
            break
        group = nearest
        count = group.bincount(minlength=len(centres))[:, None]  # (K, 1)
        total = torch.zeros_like(centres).index_add(0, group, sizes)
        centres = torch.where(count > 0, total / count.clamp(min=1), centres)
    return centres


def _first_centres(sizes: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """The centres of k-means++: each drawn by its distance from those before it."""
    first = torch.randint(len(sizes), (1,), generator=generator)
    centres = sizes[first]
    while len(centres) < count:
        far = 1 - shape_iou(sizes, centres).amax(dim=1)  # (M,)
        far = far.clamp(min=0).square() * (far > 1e-6)
        centres = torch.cat([centres, sizes[far.multinomial(1, generator=generator)]])
    return centres


def fitness(sizes: Tensor, anchors: Tensor, ratio: float = 4.0) -> dict[str, float]:
    """How well anchors fit boxes, (M, 2) and (K, 2) in pixels.

    Returns:
        ``mean_iou``, of every box with its best anchor; ``recall``, the share of boxes
        with an anchor that differs by less than ``ratio`` in width and height (the
        "best possible recall" of YOLOv5); ``anchors``, how many fit a box on average.

    Taught in chapters/15_training_yolo.
    """
    factor = sizes[:, None] / anchors  # (M, K, 2)
    fits = torch.max(factor, 1 / factor).amax(dim=-1) < ratio  # (M, K)
    return {
        "mean_iou": shape_iou(sizes, anchors).amax(dim=1).mean().item(),
        "recall": fits.any(dim=1).float().mean().item(),
        "anchors": fits.sum(dim=1).float().mean().item(),
    }
