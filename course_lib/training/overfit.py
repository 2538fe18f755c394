"""Overfit one picture: the first test of every network and every training loop."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course_lib.data.transforms import normalise
from course_lib.losses import supervised
from course_lib.metrics import ConfusionMatrix
from course_lib.models.normalisation import population_statistics
from course_lib.training.optimiser import groups


@dataclass(frozen=True)
class Overfit:
    """How it went: the loss of every step, then scores on that same picture."""

    losses: list[float]
    pixel_accuracy: float
    mean_iou: float


def overfit(
    net: nn.Module, image: Tensor, mask: Tensor, steps: int = 60, lr: float = 5e-3
) -> Overfit:
    """Train ``net`` in place on one picture and its mirror image, nothing else.

    A net that cannot learn one picture by heart has a bug, or too coarse a map. Two
    pictures, since batch norm of a pooled 1x1 map has nothing to normalise in a
    batch of one; dropout is off. The scores are those of the net as it was trained,
    in training mode; then batch norm gets its statistics from the two pictures, and
    the net is left in evaluation mode.

    Args:
        net: as every net of ``known()``.
        image: (3, H, W) uint8.
        mask: (H, W) int64, 255 is void.
        steps: of AdamW.
        lr: constant.

    Taught in chapters/05_training_recipes.
    """
    images = normalise(torch.stack([image, image.flip(-1)]))  # (2, 3, H, W)
    labels = torch.stack([mask, mask.flip(-1)])  # (2, H, W)
    optimiser = torch.optim.AdamW(groups(net, weight_decay=0.0), lr)
    net.train()
    for module in net.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.eval()
    losses = []
    for _ in range(steps):
        loss = supervised(net(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    with torch.no_grad():
        logits = net(images)["out"]  # (2, C, H, W)
    population_statistics(net, [images])
    matrix = ConfusionMatrix(logits.shape[1])
    matrix.update(labels, logits.argmax(dim=1))
    scores = matrix.scores()
    return Overfit(losses, scores.pixel_accuracy, scores.mean_iou)
