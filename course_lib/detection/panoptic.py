"""Panoptic quality: one figure for finding things and for cutting them out.

A picture is a map of ids, each pixel with one thing or none; so things cannot overlap,
and a pair with an IoU above a half is the only one of both its members.

Kirillov et al., Panoptic Segmentation, CVPR 2019. Taught in
chapters/13_mask_rcnn_finetuning.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib.errors import InputError


@dataclass(frozen=True)
class PanopticQuality:
    """What was found, missed and invented, over all pictures.

    Attributes:
        overlap: sum of the IoUs of the pairs.
        pairs: things that have a region with an IoU above a half.
        missed: things without one.
        invented: regions without a thing.
    """

    overlap: float
    pairs: int
    missed: int
    invented: int

    @property
    def segmentation(self) -> float:
        """Mean IoU of the pairs, 0 to 1; nan without any."""
        return self.overlap / self.pairs if self.pairs else float("nan")

    @property
    def recognition(self) -> float:
        """Harmonic mean of precision and recall, 0 to 1; nan where nothing is."""
        whole = self.pairs + (self.missed + self.invented) / 2
        return self.pairs / whole if whole else float("nan")

    @property
    def quality(self) -> float:
        """The product of both: PQ, 0 to 1; nan where nothing is. Equation 1."""
        return self.segmentation * self.recognition if self.pairs else self.recognition


def panoptic_quality(pictures: Iterable[tuple[Tensor, Tensor]]) -> PanopticQuality:
    """Compare maps of ids.

    Args:
        pictures: (truth, found) of each, (H, W) integer ids, 0 for no thing. Which id
            a thing has does not matter.

    Raises:
        InputError: where the two maps differ in size.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    overlap, pairs, missed, invented = 0.0, 0, 0, 0
    for truth, found in pictures:
        iou = region_iou(truth, found)  # (N, M)
        good = iou[iou > 0.5]
        overlap += good.sum().item()
        pairs += len(good)
        missed += iou.shape[0] - len(good)
        invented += iou.shape[1] - len(good)
    return PanopticQuality(overlap, pairs, missed, invented)


def region_iou(truth: Tensor, found: Tensor) -> Tensor:
    """IoU of every thing with every region, (H, W) ids twice -> (N, M) float64."""
    if truth.shape != found.shape:
        raise InputError(
            f"the truth is {tuple(truth.shape)} and what was found "
            f"{tuple(found.shape)}; give two maps of one size"
        )
    things, first = truth.long().flatten().unique(return_inverse=True)
    regions, second = found.long().flatten().unique(return_inverse=True)
    count = torch.bincount(
        first * len(regions) + second, minlength=len(things) * len(regions)
    )
    both = count.view(len(things), len(regions)).double()  # pixels in common
    either = both.sum(dim=1, keepdim=True) + both.sum(dim=0) - both
    return (both / either)[things > 0][:, regions > 0]


def paste(masks: Tensor, scores: Tensor, threshold: float = 0.5) -> Tensor:
    """Lay masks into one map of ids, the best first; a pixel goes to the first.

    Args:
        masks: (N, H, W) or (N, 1, H, W) in 0 to 1; above 0.5 is inside.
        scores: (N,).
        threshold: masks of a lower score are left out.

    Returns:
        (H, W) int64: i + 1 where mask i is, 0 where none is.
    """
    masks = masks.flatten(0, -3)  # (N, H, W)
    ids = torch.zeros(masks.shape[-2:], dtype=torch.int64)
    for i in scores.argsort(descending=True, stable=True).tolist():
        if scores[i] >= threshold:
            ids[(masks[i] > 0.5) & (ids == 0)] = i + 1
    return ids
