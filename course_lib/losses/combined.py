"""Losses of a whole net: sums by name, auxiliary heads, which classes are there."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.errors import InputError
from course_lib.losses.overlap import dice, jaccard, lovasz_softmax, tversky
from course_lib.losses.pixels import cross_entropy, focal, ohem

Loss = Callable[..., Tensor]


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
