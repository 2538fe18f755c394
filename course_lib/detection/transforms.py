"""Transforms that move a picture, its boxes, masks and keypoints together.

Boxes are made anew from the masks wherever a cut may have made them too wide.
Taught in chapters/13_mask_rcnn_finetuning.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.ops import masks_to_boxes
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

Sample = tuple[Tensor, dict]
FLAGS = ("difficult", "truncated")  # of PASCAL VOC


def flip(image: Tensor, target: dict, pairs: Sequence[tuple[int, int]] = ()) -> Sample:
    """Mirror a sample left to right.

    Args:
        image: (3, H, W).
        target: ``boxes`` (N, 4) xyxy in pixels; where there are some ``masks``
            (N, H, W) and ``keypoints`` (N, K, 3), x in pixels, y and visibility.
        pairs: keypoints that change their names, such as (left eye, right eye).

    A box from x1 to x2 goes to W - x2 to W - x1; a keypoint is a place, and goes
    from x to W - x. Taught in chapters/13_mask_rcnn_finetuning.
    """
    width, flipped = image.shape[-1], dict(target)
    for key in {"boxes", "masks"} & set(target):
        flipped[key] = F.horizontal_flip(target[key])
    if "keypoints" in target:
        points = target["keypoints"].clone()  # (N, K, 3)
        points[..., 0] = width - points[..., 0]
        for a, b in pairs:
            points[:, [a, b]] = points[:, [b, a]]
        flipped["keypoints"] = points
    return F.horizontal_flip(image), flipped


def keep_objects(target: dict, kept: Tensor) -> dict:
    """The target without some of its things.

    Args:
        target: N things.
        kept: (N,) bool, or indices of those that stay.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    rows = ("boxes", "labels", "masks", "area", "iscrowd", "keypoints", *FLAGS)
    left = {key: target[key][kept] for key in rows if key in target}
    for key in {"boxes", "masks"} & set(left):  # indexing forgets what they are
        left[key] = tv_tensors.wrap(left[key], like=target[key])
    return target | left


def window(image: Tensor, target: dict, box: tuple[int, int, int, int]) -> Sample:
    """Cut ``box`` (x1, y1, x2, y2 in pixels) out; what is not in it goes.

    Boxes become those of what is left of the masks. Taught in
    chapters/13_mask_rcnn_finetuning.
    """
    x1, y1, x2, y2 = box
    masks = target["masks"][:, y1:y2, x1:x2].as_subclass(Tensor)
    kept = (masks > 0).flatten(1).any(dim=1)  # (N,)
    target, masks = keep_objects(target, kept), masks[kept]
    boxes = torch.zeros(0, 4)
    if len(masks):
        boxes = masks_to_boxes(masks) + torch.tensor([0.0, 0, 1, 1])
    if "keypoints" in target:
        target["keypoints"] = target["keypoints"] - torch.tensor([x1, y1, 0])
    return tv_tensors.Image(image[:, y1:y2, x1:x2]), target | {
        "boxes": tv_tensors.BoundingBoxes(
            boxes, format="XYXY", canvas_size=(y2 - y1, x2 - x1)
        ),
        "masks": tv_tensors.Mask(masks),
        "area": masks.sum(dim=(1, 2), dtype=torch.float32),
    }


def random_window(size: tuple[int, int], low: float) -> tuple[int, int, int, int]:
    """A window of a picture (H, W): each side ``low`` to 1 of it, anywhere."""
    ends = []
    for side in size:
        share = low + (1 - low) * torch.rand(()).item()
        length = max(1, round(share * side))
        start = int(torch.randint(side - length + 1, ()))
        ends.append((start, start + length))
    (y1, y2), (x1, x2) = ends
    return x1, y1, x2, y2


def training_transform(
    *,
    flips: float = 0.5,
    crop: float = 1.0,
    colour: float = 0.0,
    pairs: Sequence[tuple[int, int]] = (),
) -> Callable[[Tensor, dict], Sample]:
    """Flip, crop and colour at random.

    Args:
        flips: probability.
        crop: smallest side of the random window, as a share of the picture's.
        colour: strength of random brightness, contrast and saturation, 0-1.
        pairs: keypoints that change their names in a flip.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    jitter = v2.ColorJitter(colour, colour, colour, colour / 10)

    def transform(image: Tensor, target: dict) -> Sample:
        if torch.rand(()) < flips:
            image, target = flip(image, target, pairs)
        if crop < 1:
            size = image.shape[-2:]
            image, target = window(image, target, random_window(size, crop))
        return (jitter(image) if colour else image), target

    return transform
