"""The parameter audit: is everything that should learn really being trained?

A layer left out of the optimiser raises no error and has the right shapes; the
scores are merely lower than the paper's. Two questions find it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course_lib.errors import InputError


@dataclass(frozen=True)
class Audit:
    """What an audit found, as names of parameters.

    Attributes:
        missing: trainable, but in no group of the optimiser.
        twice: in the groups more than once.
        foreign: how many tensors of the groups are no parameter of the net.
        without_gradient: trainable, but no output depends on them.

    Taught in chapters/05_training_recipes.
    """

    missing: tuple[str, ...]
    twice: tuple[str, ...]
    foreign: int
    without_gradient: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return self == Audit((), (), 0, ())

    def check(self) -> None:
        """Raise an InputError that names what was found."""
        found = [
            f"{len(names)} {what} ({', '.join(names[:3])}{', ...' * (len(names) > 3)})"
            for what, names in (
                ("in no optimiser group", self.missing),
                ("in two optimiser groups", self.twice),
                ("without a gradient", self.without_gradient),
            )
            if names
        ]
        if self.foreign:
            found.append(f"{self.foreign} tensors of another net")
        if found:
            raise InputError(
                f"the parameter audit found {'; '.join(found)}; every trainable "
                "tensor belongs in exactly one group and needs a gradient"
            )


def audit(net: nn.Module, groups: list[dict], images: Tensor | None = None) -> Audit:
    """Compare a network's trainable tensors with what an optimiser was given.

    Args:
        net: in training mode it gives logits, or a dict of logits as every net of
            ``known()``; its weights, statistics and mode are left as they are.
        groups: of the optimiser, ``optimiser.param_groups``.
        images: (B, 3, H, W) float for the pass that asks for gradients, B at least 2
            for batch norm; by default two of noise, 64 x 96 pixels.

    Taught in chapters/05_training_recipes.
    """
    names = {id(p): name for name, p in net.named_parameters() if p.requires_grad}
    given = [id(p) for group in groups for p in group["params"]]
    ours = {id(p) for p in net.parameters()}
    return Audit(
        missing=tuple(name for key, name in names.items() if key not in given),
        twice=tuple(name for key, name in names.items() if given.count(key) > 1),
        foreign=sum(key not in ours for key in given),
        without_gradient=tuple(without_gradient(net, images)),
    )


def without_gradient(net: nn.Module, images: Tensor | None = None) -> list[str]:
    """Names of trainable tensors whose gradient is absent, or 0 in every element.

    The loss is the sum of all outputs, each element times a number drawn at random.

    Taught in chapters/05_training_recipes.
    """
    trainable = {n: p for n, p in net.named_parameters() if p.requires_grad}
    kept = {name: value.clone() for name, value in net.named_buffers()}
    was_training = net.training
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        images = torch.randn(2, 3, 64, 96) if images is None else images
        outputs = net.train()(images.to(next(net.parameters()).device))
        outputs = outputs.values() if isinstance(outputs, dict) else [outputs]
        loss = sum((o * torch.randn(o.shape, device=o.device)).sum() for o in outputs)
    gradients = torch.autograd.grad(loss, trainable.values(), allow_unused=True)
    net.train(was_training)
    for name, value in net.named_buffers():
        value.copy_(kept[name])
    return [
        name
        for name, gradient in zip(trainable, gradients, strict=True)
        if gradient is None or not gradient.any()
    ]
