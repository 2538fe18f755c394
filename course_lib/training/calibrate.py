"""Undo what class weights did to a network's answers.

A loss that weights rare classes up teaches them well, and answers them too often:
every logit has grown by the logarithm of its weight. Taking part of that back
gives the answers that mean IoU wants; how much is chosen on validation pictures.

Menon et al., Long-tail learning via logit adjustment, ICLR 2021, equation 8.
Taught in chapters/05_training_recipes.
"""

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from course_lib.metrics import ConfusionMatrix
from course_lib.training.evaluation import predictions

STRENGTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2)


def calibrate(
    net: nn.Module, class_weights: Tensor, val_set: Dataset, **options
) -> dict:
    """Lower the score layer's bias by the best share of the log class weights.

    Args:
        net: with a ``score`` that ends in a convolution; changed in place.
        class_weights: (C,) of the loss it was trained with, all above 0.
        val_set: what the share is chosen on.
        options: of ``evaluate_net``.

    Returns:
        ``{"strength": share, "mean_iou": {share: mean IoU on val_set}}``.

    Menon et al., ICLR 2021, equation 8. Taught in chapters/05_training_recipes.
    """
    log_weights = class_weights.log().cpu().view(-1, 1, 1)  # (C, 1, 1)
    matrices = {s: ConfusionMatrix(len(class_weights)) for s in STRENGTHS}
    for _, logits, masks in predictions(net, val_set, **options):
        for strength, matrix in matrices.items():
            for mask, logit in zip(masks, logits.float(), strict=True):
                # the enlargement to full size is linear: a bias passes through it
                matrix.update(mask, (logit - strength * log_weights).argmax(dim=0))
    scores = {s: matrix.scores().mean_iou for s, matrix in matrices.items()}
    best = max(scores, key=scores.get)
    with torch.no_grad():
        bias = score_bias(net)
        bias -= best * log_weights.flatten().to(bias.device)
    return {"strength": best, "mean_iou": scores}


def score_bias(net: nn.Module) -> nn.Parameter:
    """The bias (C,) of the convolution that gives a network's logits."""
    return [m for m in net.score.modules() if isinstance(m, nn.Conv2d)][-1].bias
