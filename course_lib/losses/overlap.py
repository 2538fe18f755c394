"""Losses made of overlap: Tversky, Dice, Jaccard, Lovasz."""

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.errors import InputError
from course_lib.losses.pixels import valid_pixels


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
        _lovasz_of_class(shares[:, c], truth == c) for c in torch.unique(truth).tolist()
    ]
    return torch.stack(losses).mean() if losses else logits.sum() * 0


def _lovasz_of_class(share: Tensor, truth: Tensor) -> Tensor:
    errors, order = (truth.float() - share).abs().sort(descending=True)
    truth = truth[order].float()
    intersection = truth.sum() - truth.cumsum(0)
    union = truth.sum() + (1 - truth).cumsum(0)
    jaccard = 1 - intersection / union  # of the n largest errors
    return errors @ torch.diff(jaccard, prepend=jaccard.new_zeros(1))
