"""What becomes of batch norm: frozen, given exact statistics, or replaced.

Taught in chapters/05_training_recipes.
"""

from collections.abc import Callable, Iterable
from math import gcd

import torch
from torch import Tensor, nn

BatchNorm = nn.modules.batchnorm._BatchNorm


def freeze_batch_norm(net: nn.Module) -> nn.Module:
    """Put fixed scales and shifts in the place of every batch norm, in place.

    The net answers in both modes as it did in evaluation mode, and what remains of
    batch norm is a buffer that no optimiser moves. Weight files lose the key
    ``num_batches_tracked``. Taught in chapters/05_training_recipes.
    """
    from torchvision.ops import FrozenBatchNorm2d

    def frozen(norm: BatchNorm) -> nn.Module:
        new = FrozenBatchNorm2d(norm.num_features, norm.eps)
        # of its state, new takes all but num_batches_tracked
        new.load_state_dict(norm.state_dict())
        return new

    return replace_norms(net, frozen)


def group_norm(net: nn.Module, groups: int = 8) -> nn.Module:
    """Put group norm in the place of every batch norm, in place.

    Scale and shift are kept. Channels that ``groups`` does not divide get the
    largest number of groups that divides both. Wu and He, Group Normalization, ECCV
    2018, equation 7. Taught in chapters/05_training_recipes.
    """

    def grouped(norm: BatchNorm) -> nn.Module:
        new = nn.GroupNorm(gcd(groups, norm.num_features), norm.num_features, norm.eps)
        new.weight, new.bias = norm.weight, norm.bias
        return new

    return replace_norms(net, grouped)


def replace_norms(net: nn.Module, change: Callable) -> nn.Module:
    """Replace every batch norm inside ``net`` by ``change(norm)``; gives ``net``."""
    for parent in list(net.modules()):
        for name, child in parent.named_children():
            if isinstance(child, BatchNorm):
                new = change(child).to(child.weight.device)
                setattr(parent, name, new.train(child.training))
    return net


@torch.no_grad()
def population_statistics(net: nn.Module, batches: Iterable[Tensor]) -> nn.Module:
    """Give every batch norm the plain average of its statistics over one pass.

    Args:
        net: changed in place, and left in evaluation mode; during the pass only its
            batch norms are in training mode, so dropout is off.
        batches: of images (B, 3, H, W), all of one size B.

    Ioffe and Szegedy, Batch Normalization, ICML 2015, algorithm 2, steps 8-10.
    Taught in chapters/05_training_recipes.
    """
    norms = [m for m in net.eval().modules() if isinstance(m, BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.train().reset_running_stats()
        norm.momentum = None  # torch: average of all batches, each counts alike
    for images in batches:
        net(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return net.eval()
