"""Losses of segmentation networks. Void pixels (255) never count.

Every loss takes logits (B, C, H, W) and labels (B, H, W) int64, 0 to C - 1 or 255.
If their sizes differ, the labels are brought to the size of the logits by nearest
neighbour, so ids stay ids. A loss is a float32 scalar, 0 (with a gradient of 0)
where every pixel is void. Taught in chapters/05_training_recipes.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.errors import InputError

VOID = 255
Loss = Callable[..., Tensor]


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


def tversky(
    logits: Tensor, labels: Tensor, alpha: float = 0.3, beta: float = 0.7
) -> Tensor:
    """1 - TP / (TP + alpha FP + beta FN), mean over the classes the batch shows.

    TP, FP and FN are sums of shares over the batch: of a class's own pixels, its
    share; of all others, what it took from them; of its own, what it left.
    ``beta`` above ``alpha`` punishes missing a class more than inventing it.

    Salehi et al., Tversky loss function for image segmentation using 3D fully
    convolutional deep networks, MLMI 2017, equation 3. Taught in
    chapters/05_training_recipes.

    Raises:
        InputError: unless alpha and beta are above 0.
    """
    if min(alpha, beta) <= 0:
        raise InputError(f"alpha {alpha}, beta {beta}: both must be above 0")
    shares, truth = valid_pixels(logits.float().softmax(dim=1), labels)
    ours = F.one_hot(truth, logits.shape[1]).to(shares)  # (N, C)
    hit = (shares * ours).sum(0)  # (C,)
    taken, left = shares.sum(0) - hit, ours.sum(0) - hit
    shown = ours.any(dim=0)
    if not shown.any():
        return logits.sum() * 0
    index = hit / (hit + alpha * taken + beta * left).where(shown, 1)
    return 1 - index[shown].mean()


def dice(logits: Tensor, labels: Tensor) -> Tensor:
    """1 - 2 TP / (2 TP + FP + FN), a soft F1 score: ``tversky`` with both 0.5.

    Milletari et al., V-Net, 3DV 2016, section 3, without its squares. Taught in
    chapters/05_training_recipes.
    """
    return tversky(logits, labels, 0.5, 0.5)


def jaccard(logits: Tensor, labels: Tensor) -> Tensor:
    """1 - TP / (TP + FP + FN), a soft IoU: ``tversky`` with both 1.

    Rahman and Wang, Optimizing Intersection-Over-Union in Deep Neural Networks,
    ISVC 2016, equation 3. Taught in chapters/05_training_recipes.
    """
    return tversky(logits, labels, 1.0, 1.0)


def lovasz_softmax(logits: Tensor, labels: Tensor) -> Tensor:
    """Convex surrogate of 1 - mean IoU, over the classes the batch shows.

    Berman et al., The Lovasz-Softmax loss, CVPR 2018, equations 8 and 9. Taught in
    chapters/05_training_recipes.
    """
    shares, truth = valid_pixels(logits.float().softmax(dim=1), labels)
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


def class_presence(logits: Tensor, labels: Tensor) -> Tensor:
    """Which classes does the picture show? Mean binary cross entropy.

    Args:
        logits: (B, C), one yes-or-no question for every class.
        labels: (B, H, W) int64, 255 is void; any size.

    Zhang et al., Context Encoding for Semantic Segmentation, CVPR 2018, section 3.1
    (SE-loss, weight 0.2 there). Taught in chapters/05_training_recipes.
    """
    ids = torch.arange(logits.shape[1], device=labels.device)
    shown = (labels.flatten(1)[..., None] == ids).any(dim=1)  # (B, C)
    return F.binary_cross_entropy_with_logits(logits.float(), shown.float())


def supervised(
    outputs: dict[str, Tensor],
    labels: Tensor,
    loss: Loss = cross_entropy,
    aux_weight: float = 0.4,
) -> Tensor:
    """Loss of ``out`` plus ``aux_weight`` times the loss of every other output.

    Zhao et al., Pyramid Scene Parsing Network, CVPR 2017, section 3.3 (0.4). Taught
    in chapters/05_training_recipes.
    """
    total = loss(outputs["out"], labels)
    for name, logits in outputs.items():
        if name != "out":
            total = total + aux_weight * loss(logits, labels)
    return total


LOSSES: dict[str, Loss] = {
    "cross_entropy": cross_entropy,
    "focal": focal,
    "ohem": ohem,
    "dice": dice,
    "jaccard": jaccard,
    "tversky": tversky,
    "lovasz": lovasz_softmax,
}
WEIGHTED = ("cross_entropy", "focal", "ohem")  # these know class weights


def pick_loss(names: str, class_weights: Tensor | None = None) -> Loss:
    """The loss called "focal", or a sum: "cross_entropy+dice".

    Args:
        names: of ``LOSSES``, joined by ``+``.
        class_weights: (C,) for those that know class weights.

    Raises:
        InputError: for an unknown name, and for weights that no loss would use.

    Taught in chapters/05_training_recipes.
    """
    parts = names.split("+")
    for name in parts:
        if name not in LOSSES:
            raise InputError(f"no loss is called {name!r}; known: {', '.join(LOSSES)}")
    if class_weights is not None and not set(parts) & set(WEIGHTED):
        raise InputError(
            f"the loss {names!r} knows no class weights; add one of "
            f"{', '.join(WEIGHTED)}, or set class_weight to 0"
        )

    def total(logits: Tensor, labels: Tensor) -> Tensor:
        return sum(
            LOSSES[n](logits, labels, class_weights)
            if n in WEIGHTED
            else LOSSES[n](logits, labels)
            for n in parts
        )

    return total
