"""Losses that judge every pixel by itself: cross entropy, focal, hard pixels."""

import math

import torch.nn.functional as F
from torch import Tensor

VOID = 255


def cross_entropy(
    logits: Tensor,
    labels: Tensor,
    class_weights: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Cross entropy over the pixels that have a class, their mean or "sum".

    Args:
        logits: (B, C, H, W) float.
        labels: (B, H, W) int64.
        class_weights: (C,) float, or None for equal ones; a weighted mean is divided
            by the weights of the pixels, not by their number.
        reduction: "mean" or "sum".

    Taught in chapters/02_fcn_conversion and, in full, chapters/05_training_recipes.
    """
    labels = shrink_labels(labels, logits.shape[-2:])
    if (labels == VOID).all():
        return logits.sum() * 0
    return F.cross_entropy(
        logits.float(), labels, class_weights, ignore_index=VOID, reduction=reduction
    )


def shrink_labels(labels: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, H, W) int64 labels at ``size`` (h, w), by nearest neighbour."""
    if labels.shape[-2:] == tuple(size):
        return labels
    return F.interpolate(labels[:, None].float(), size=size, mode="nearest-exact")[
        :, 0
    ].long()


def focal(
    logits: Tensor,
    labels: Tensor,
    class_weights: Tensor | None = None,
    gamma: float = 2.0,
) -> Tensor:
    """Cross entropy of every pixel times (1 - p) ** gamma, p its true class's share.

    ``gamma`` 0 is ``cross_entropy``; ``class_weights`` (C,) divide as they do there.

    Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, equation 4, with
    softmax in place of sigmoid. Taught in chapters/05_training_recipes.
    """
    each, weights = _pixel_losses(logits, labels, class_weights)  # (N,), (N,)
    # 1 - p without rounding to 0; the clamp keeps the slope of x ** gamma finite
    wrong = (-(-each).expm1()).clamp(min=1e-12)
    return _mean(wrong**gamma * each, weights)


def ohem(
    logits: Tensor,
    labels: Tensor,
    class_weights: Tensor | None = None,
    threshold: float = 0.7,
    min_kept: int = 4096,
) -> Tensor:
    """Cross entropy of the hard pixels only (online hard example mining).

    A pixel is hard if its true class has a share of at most ``threshold``; where
    fewer than ``min_kept`` are, the pixels of the largest losses fill up.

    Shrivastava et al., Training Region-based Object Detectors with Online Hard
    Example Mining, CVPR 2016. Taught in chapters/05_training_recipes.
    """
    each, weights = _pixel_losses(logits, labels, class_weights)  # (N,), (N,)
    hard = each.detach() >= -math.log(threshold)
    if hard.sum() < min_kept:
        hard = each.detach().topk(min(min_kept, len(each))).indices
    return _mean(each[hard], weights[hard])


def _pixel_losses(logits, labels, class_weights) -> tuple[Tensor, Tensor]:
    """Cross entropy (N,) and weight (N,) of every pixel that has a class."""
    values, truth = valid_pixels(logits.float(), labels)
    if class_weights is None:
        class_weights = values.new_ones(logits.shape[1])
    return F.cross_entropy(values, truth, reduction="none"), class_weights[truth]


def _mean(each: Tensor, weights: Tensor) -> Tensor:
    return (each * weights).sum() / weights.sum().clamp(min=1e-12)


def valid_pixels(values: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Of values (B, C, H, W) those (N, C) at pixels that are not void, and their ids.

    Taught in chapters/05_training_recipes.
    """
    labels = shrink_labels(labels, values.shape[-2:]).flatten()
    keep = labels != VOID  # (B H W,)
    return values.movedim(1, -1).flatten(0, -2)[keep], labels[keep]
