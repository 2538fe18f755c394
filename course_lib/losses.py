"""Losses of segmentation networks. Void pixels (255) never count."""

import torch
import torch.nn.functional as F
from torch import Tensor

VOID = 255


def cross_entropy(
    logits: Tensor, labels: Tensor, class_weights: Tensor | None = None
) -> Tensor:
    """Mean cross entropy over the pixels that have a class.

    Args:
        logits: (B, C, H, W) float.
        labels: (B, H, W) int64, 0 to C - 1 or 255; if their size differs, the
            labels are resized to the logits by nearest, so ids stay ids.
        class_weights: (C,) float, or None for equal ones.

    Returns:
        Scalar; 0 if every pixel is void.

    Taught in chapters/02_fcn_conversion.
    """
    if labels.shape[-2:] != logits.shape[-2:]:
        labels = shrink_labels(labels, logits.shape[-2:])
    if (labels == VOID).all():
        return logits.sum() * 0
    return F.cross_entropy(logits.float(), labels, class_weights, ignore_index=VOID)


def shrink_labels(labels: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, H, W) int64 labels at ``size`` (h, w), by nearest neighbour."""
    return F.interpolate(labels[:, None].float(), size=size, mode="nearest-exact")[
        :, 0
    ].long()


def lovasz_softmax(logits: Tensor, labels: Tensor) -> Tensor:
    """Convex surrogate of 1 - mean IoU, over the classes present in the batch.

    Args:
        logits: (B, C, H, W) float.
        labels: (B, H, W) int64, 255 is void.

    Berman et al., The Lovasz-Softmax loss, CVPR 2018, equations 8 and 9.
    """
    num_classes = logits.shape[1]
    keep = labels.flatten() != VOID
    shares = logits.float().softmax(dim=1).movedim(1, -1).reshape(-1, num_classes)
    shares, truth = shares[keep], labels.flatten()[keep]  # (N, C), (N,)
    losses = [
        _lovasz_of_class(shares[:, c], truth == c)
        for c in torch.unique(truth).tolist()
    ]
    return torch.stack(losses).mean() if losses else logits.sum() * 0


def _lovasz_of_class(share: Tensor, truth: Tensor) -> Tensor:
    errors, order = (truth.float() - share).abs().sort(descending=True)
    truth = truth[order].float()
    intersection = truth.sum() - truth.cumsum(0)
    union = truth.sum() + (1 - truth).cumsum(0)
    jaccard = 1 - intersection / union  # of the n largest errors
    return errors @ torch.diff(jaccard, prepend=jaccard.new_zeros(1))
