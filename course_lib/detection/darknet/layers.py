"""The layers of a Darknet net as torch modules.

A module takes the list of its inputs, each (B, C, H, W), and gives one (B, C, H, W).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Darknet's own, not PyTorch's 1e-5: with that the scores of real files move by 1e-3.
EPSILON = 1e-6
ACTIVATIONS = {
    "linear": nn.Identity,
    "leaky": lambda: nn.LeakyReLU(0.1, inplace=True),
    "relu": lambda: nn.ReLU(inplace=True),
    "relu6": lambda: nn.ReLU6(inplace=True),
    "logistic": nn.Sigmoid,
    "tanh": nn.Tanh,
    "elu": nn.ELU,
    "mish": nn.Mish,
    "swish": nn.SiLU,
}


class Convolutional(nn.Module):
    """Convolution, batch normalisation if wanted, activation."""

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d | None, activation: str):
        super().__init__()
        self.conv, self.norm = conv, norm
        self.activation = ACTIVATIONS[activation]()

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:  # noqa: D102
        x = self.conv(inputs[0])
        return self.activation(x if self.norm is None else self.norm(x))


def convolutional(
    channels: int, filters: int, size: int, stride: int, padding: int, dilation: int,
    groups: int, batch_normalize: bool, activation: str,
) -> Convolutional:  # fmt: skip
    """The layer with random weights; with batch normalisation the bias is its own."""
    conv = nn.Conv2d(
        channels, filters, size, stride, padding, dilation, groups, not batch_normalize
    )
    norm = nn.BatchNorm2d(filters, eps=EPSILON) if batch_normalize else None
    return Convolutional(conv, norm, activation)


class MaxPool(nn.Module):
    """Maximum of a window; ``padding`` in all, the smaller half left and above.

    Darknet pads by size - 1, so that stride 1 keeps the size, and beyond the border
    nothing counts.
    """

    def __init__(self, size: int, stride: int, padding: int):
        super().__init__()
        self.size, self.stride, self.padding = size, stride, padding

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:  # noqa: D102
        (x,) = inputs
        before, after = self.padding // 2, self.padding - self.padding // 2
        if before == after and before <= self.size // 2:
            return F.max_pool2d(x, self.size, self.stride, before)
        if self.size == self.stride == 2 and after == 1:
            return F.max_pool2d(x, 2, 2, ceil_mode=True)
        x = F.pad(x, (before, after, before, after), value=-torch.inf)
        return F.max_pool2d(x, self.size, self.stride)


class AveragePool(nn.Module):
    """Mean of each whole map: (B, C, 1, 1)."""

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:  # noqa: D102
        return inputs[0].mean(dim=(2, 3), keepdim=True)


class Shortcut(nn.Module):
    """Sum of the layer before and earlier ones.

    Where shapes differ (resnet18.cfg), Darknet adds what both have: the first
    channels, and of the larger map every second row and column.
    """

    def __init__(self, activation: str):
        super().__init__()
        self.activation = ACTIVATIONS[activation]()

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:  # noqa: D102
        total = inputs[0]
        for other in inputs[1:]:
            same = other.shape == total.shape
            total = total + other if same else _add_common(total, other)
        return self.activation(total)


def _add_common(x: Tensor, other: Tensor) -> Tensor:
    step, sample = shortcut_steps(x.shape[-1], other.shape[-1])
    other = other[:, : x.shape[1], ::step, ::step]
    view = (x := x.clone())[:, : other.shape[1], ::sample, ::sample]
    height, width = map(min, view.shape[2:], other.shape[2:])
    view[..., :height, :width] += other[..., :height, :width]
    return x


def shortcut_steps(width: int, other: int) -> tuple[int, int]:
    """Steps over the earlier map and over this one, as Darknet's integers have them."""
    return max(1, other // width), max(1, width // other)


class Route(nn.Module):
    """Earlier layers behind one another, or one of ``groups`` parts of each."""

    def __init__(self, groups: int = 1, group_id: int = 0):
        super().__init__()
        self.groups, self.group_id = groups, group_id

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:  # noqa: D102
        if self.groups > 1:
            inputs = [x.chunk(self.groups, dim=1)[self.group_id] for x in inputs]
        return inputs[0] if len(inputs) == 1 else torch.cat(list(inputs), dim=1)


class Upsample(nn.Module):
    """Every value ``stride`` times in each direction."""

    def __init__(self, stride: int):
        super().__init__()
        self.stride = stride

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:  # noqa: D102
        return F.interpolate(inputs[0], scale_factor=self.stride, mode="nearest")


class Reorg(nn.Module):
    """YOLOv2's passthrough: (B, C, H, W) to (B, C s^2, H / s, W / s).

    It is no plain space-to-depth: Darknet reads the memory as if it were
    (C / s^2, H s, W s), and files trained with it want it so.
    """

    def __init__(self, stride: int):
        super().__init__()
        self.stride = stride

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:  # noqa: D102
        (x,), s = inputs, self.stride
        b, c, h, w = x.shape
        x = x.reshape(b, c // s**2, h, s, w, s)  # seen as (C / s^2, H s, W s)
        x = x.permute(0, 3, 5, 1, 2, 4)  # (B, s, s, C / s^2, H, W)
        return x.reshape(b, c * s**2, h // s, w // s)


class Softmax(nn.Module):
    """Softmax over the channels, within each of ``groups``."""

    def __init__(self, groups: int = 1, temperature: float = 1.0):
        super().__init__()
        self.groups, self.temperature = groups, temperature

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:  # noqa: D102
        parts = (inputs[0] / self.temperature).chunk(self.groups, dim=1)
        return torch.cat([part.softmax(dim=1) for part in parts], dim=1)


class Dropout(nn.Dropout):
    """Zeroes values in training."""

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:  # noqa: D102
        return super().forward(inputs[0])
