"""What the optimiser is given: parameter groups and class weights."""

import torch
from torch import Tensor, nn

from course_lib.data.statistics import class_statistics


def groups(net: nn.Module, weight_decay: float) -> list[dict]:
    """Parameter groups: weights decay, biases and batch-norm factors do not.

    Every parameter of ``net`` is in exactly one group.
    """
    parameters = [p for p in net.parameters() if p.requires_grad]
    weights = [p for p in parameters if p.ndim > 1]
    others = [p for p in parameters if p.ndim <= 1]
    return [
        {"params": weights, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def class_weights(masks, num_classes: int, power: float) -> Tensor:
    """(C,) float: (1 / share of pixels) ** power, scaled to a mean of 1 a pixel.

    Power 0 weights every pixel alike, 1 every class; a class that does not occur
    gets 0.
    """
    share = class_statistics(masks, num_classes).share.float()
    weights = torch.where(share > 0, share.clamp(min=1e-9) ** -power, 0.0)
    return weights / (weights * share).sum()
