"""What the optimiser is given: parameter groups and class weights."""

from functools import partial

import torch
from torch import Tensor, nn

from course_lib.data.statistics import class_statistics
from course_lib.errors import InputError

OPTIMISERS = {
    "adamw": torch.optim.AdamW,
    "sgd": partial(torch.optim.SGD, momentum=0.9),
}
BACKBONES = ("backbone.", "body.", "features.", "stem.", "encoder")  # how names begin


def groups(net: nn.Module, weight_decay: float, head_lr: float = 1.0) -> list[dict]:
    """Parameter groups: weights decay, biases and norms' factors do not.

    Every trainable parameter of ``net`` is in exactly one group: what is not named
    as the backbone's is the head's, so nothing can be left out.

    Args:
        net: whose backbone, if ``head_lr`` is not 1, is told by ``BACKBONES``.
        weight_decay: of tensors with two axes or more.
        head_lr: learning rate of all that is not backbone, as a multiple; such
            groups carry it as ``"lr_scale"``.

    Raises:
        InputError: if the two rates differ and no name tells the backbone.

    Taught in chapters/05_training_recipes.
    """
    parameters = [(n, p) for n, p in net.named_parameters() if p.requires_grad]
    if head_lr == 1:
        return _by_decay([p for _, p in parameters], weight_decay)
    backbone = [p for n, p in parameters if n.startswith(BACKBONES)]
    head = [p for n, p in parameters if not n.startswith(BACKBONES)]
    if not backbone:
        raise InputError(
            f"head_lr is {head_lr} but {type(net).__name__} has no parameter whose "
            f"name begins with {', '.join(BACKBONES)}; use head_lr 1"
        )
    scaled = [g | {"lr_scale": head_lr} for g in _by_decay(head, weight_decay)]
    return [*_by_decay(backbone, weight_decay), *scaled]


def _by_decay(parameters: list[Tensor], weight_decay: float) -> list[dict]:
    weights = [p for p in parameters if p.ndim > 1]
    others = [p for p in parameters if p.ndim <= 1]
    return [
        {"params": weights, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def set_learning_rate(optimiser: torch.optim.Optimizer, lr: float) -> None:
    """Give every group ``lr`` times its own ``lr_scale``."""
    for group in optimiser.param_groups:
        group["lr"] = lr * group.get("lr_scale", 1.0)


def class_weights(masks, num_classes: int, power: float) -> Tensor:
    """(C,) float: (1 / share of pixels) ** power, scaled to a mean of 1 a pixel.

    Power 0 weights every pixel alike, 1 every class; a class that does not occur
    gets 0.
    """
    share = class_statistics(masks, num_classes).share.float()
    weights = torch.where(share > 0, share.clamp(min=1e-9) ** -power, 0.0)
    return weights / (weights * share).sum()
