"""Undo what class weights did to a network's answers.

A loss that weights rare classes up teaches them well, and answers them too often:
every logit has grown by the logarithm of its weight. Taking part of that back
gives the answers that mean IoU wants; how much is chosen on validation pictures.

Menon et al., Long-tail learning via logit adjustment, ICLR 2021, equation 8.
Taught in chapter 05.
"""

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from course_lib.training.evaluation import evaluate_net

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

    Menon et al., ICLR 2021, equation 8. Taught in chapter 05.
    """
    bias = score_bias(net)
    before, log_weights = bias.detach().clone(), class_weights.log().to(bias.device)
    scores = {}
    for strength in STRENGTHS:
        with torch.no_grad():
            bias.copy_(before - strength * log_weights)
        scores[strength] = evaluate_net(net, val_set, **options).scores().mean_iou
    best = max(scores, key=scores.get)
    with torch.no_grad():
        bias.copy_(before - best * log_weights)
    return {"strength": best, "mean_iou": scores}


def score_bias(net: nn.Module) -> nn.Parameter:
    """The bias (C,) of the convolution that gives a network's logits."""
    return [m for m in net.score.modules() if isinstance(m, nn.Conv2d)][-1].bias
