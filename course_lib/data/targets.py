"""What a detector is told about a picture: torchvision's target."""

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.ops import masks_to_boxes


def target_of(masks: Tensor, labels: Tensor, image_id: int) -> dict:
    """The target of a picture, in torchvision's detection contract.

    Args:
        masks: (N, H, W) bool, one object each, none of them empty.
        labels: (N,) int64 class ids, background 0 not among them.
        image_id: number of the picture.

    Returns:
        ``boxes`` (N, 4) float xyxy in pixels, where x2 and y2 lie behind the last
        pixel, so that x2 - x1 is the width in pixels (``masks_to_boxes`` names the
        last pixel itself, and is one smaller); ``labels`` (N,), ``masks`` (N, H, W)
        uint8, ``image_id`` an int, ``area`` (N,) in pixels of the mask, ``iscrowd``
        (N,) zeros.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    boxes = masks_to_boxes(masks) + torch.tensor([0.0, 0, 1, 1])  # (N, 4)
    target = target_of_boxes(boxes, labels, image_id, tuple(masks.shape[-2:]))
    return {
        "boxes": target["boxes"],
        "labels": labels,
        "masks": tv_tensors.Mask(masks.to(torch.uint8)),
        **target,  # image_id and iscrowd; the order is the one chapter 13 prints
        "area": masks.sum(dim=(1, 2), dtype=torch.float32),
    }


def target_of_boxes(
    boxes: Tensor, labels: Tensor, image_id: int, size: tuple[int, int]
) -> dict:
    """The target of a picture (H, W) that has boxes (N, 4) alone; see ``target_of``.

    ``area`` is that of the boxes; there are no ``masks``.
    """
    return {
        "boxes": tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=size),
        "labels": labels,
        "image_id": image_id,
        "area": (boxes[:, 2:] - boxes[:, :2]).prod(dim=1),
        "iscrowd": torch.zeros_like(labels),
    }
