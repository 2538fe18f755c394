"""The old way to instances: a class map, cut where its pieces do not touch."""

import torch
from torch import Tensor


def components(class_map: Tensor, confidence: Tensor | None = None) -> dict:
    """Every connected piece of a class as one thing, in the form of a prediction.

    Args:
        class_map: (H, W) int64, 0 is background.
        confidence: (H, W) float in 0-1; a piece scores the highest in it. None scores
            every piece 1.

    Returns:
        ``boxes`` (N, 4) xyxy in pixels, ``labels`` (N,), ``scores`` (N,) and ``masks``
        (N, 1, H, W) float, 0 or 1. Pixels that touch at a corner belong together.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    from skimage.measure import label
    from torchvision.ops import masks_to_boxes

    pieces = torch.from_numpy(label(class_map.numpy(), background=0, connectivity=2))
    numbers = pieces.unique()
    masks = pieces == numbers[numbers > 0][:, None, None]  # (N, H, W)
    if len(masks) == 0:
        empty = torch.zeros(0, dtype=torch.int64)
        return {"boxes": torch.zeros(0, 4), "labels": empty, "scores": torch.zeros(0),
                "masks": masks[:, None].float()}  # fmt: skip
    confidence = torch.ones(class_map.shape) if confidence is None else confidence
    return {
        "boxes": masks_to_boxes(masks) + torch.tensor([0.0, 0, 1, 1]),
        "labels": (masks * class_map).flatten(1).amax(dim=1),
        "scores": (masks * confidence).flatten(1).amax(dim=1),
        "masks": masks[:, None].float(),
    }


def class_map_of(
    masks: Tensor, labels: Tensor, scores: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Forget which pixel belongs to which thing.

    Args:
        masks: (N, H, W); above 0.5 is the thing.
        labels: (N,), from 1.
        scores: (N,) in 0-1; where things overlap the highest wins. None: all 1.

    Returns:
        class map (H, W) int64, 0 where nothing is, and the scores there, (H, W).

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    shape = masks.shape[-2:]
    classes, confidence = torch.zeros(shape, dtype=torch.int64), torch.zeros(shape)
    scores = torch.ones(len(masks)) if scores is None else scores
    for i in scores.argsort():
        inside = masks[i] > 0.5
        classes[inside], confidence[inside] = labels[i], scores[i]
    return classes, confidence
