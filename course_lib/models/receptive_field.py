"""What one cell of a map has seen: by arithmetic, and by gradient.

Taught in chapters/02_fcn_conversion.
"""

import copy
from collections.abc import Iterable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.errors import InputError

POOLINGS = (nn.MaxPool2d, nn.AvgPool2d)
BY_PIXEL = (nn.ReLU, nn.Dropout, nn.Dropout2d, nn.BatchNorm2d, nn.Identity)


class Field(NamedTuple):
    """What a cell sees after one layer; all in pixels of the picture.

    Attributes:
        name: of the layer, such as "conv3" (third convolution) or "pool1".
        size: side of the square that a cell sees.
        stride: from one cell to the next.
        start: where the field of the first cell begins; negative: in the padding.
    """

    name: str
    size: int
    stride: int
    start: int


def receptive_field(layers: Iterable[nn.Module]) -> list[Field]:
    """Receptive field and stride after every convolution and pooling, by arithmetic.

    A kernel of k, dilated by d, adds (k - 1) d steps of the stride so far; then the
    stride grows by the layer's own.

    Args:
        layers: an ``nn.Sequential`` or a list of layers; Sequentials within are
            walked through. Kernels and strides are square.

    Returns:
        One ``Field`` for each layer that has a kernel.

    Raises:
        InputError: for a layer that is no chain of convolutions and poolings.

    Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016.
    Taught in chapters/02_fcn_conversion.
    """
    size, stride, start = 1, 1, 0
    fields, counts = [], {"conv": 0, "pool": 0}
    for layer in _leaves(layers):
        kernel, step, padding, dilation = _geometry(layer)
        size += (kernel - 1) * dilation * stride
        start -= padding * stride
        stride *= step
        kind = "pool" if isinstance(layer, POOLINGS) else "conv"
        counts[kind] += 1
        fields.append(Field(f"{kind}{counts[kind]}", size, stride, start))
    return fields


def _leaves(layers: Iterable[nn.Module]) -> Iterable[nn.Module]:
    for layer in layers:
        if isinstance(layer, nn.Sequential):
            yield from _leaves(layer)
        elif isinstance(layer, (nn.Conv2d, *POOLINGS)):
            yield layer
        elif not isinstance(layer, BY_PIXEL):
            raise InputError(
                f"a {type(layer).__name__} is no link of a chain; give convolutions "
                "and poolings in a row, or use receptive_field_by_gradient"
            )


def _geometry(layer: nn.Module) -> tuple[int, int, int, int]:
    """Kernel, stride, padding and dilation of a layer, of its first axis."""
    names = ("kernel_size", "stride", "padding", "dilation")
    values = [getattr(layer, name, 1) for name in names]  # AvgPool2d has no dilation
    return tuple(v[0] if isinstance(v, tuple) else v for v in values)


@torch.enable_grad()
def receptive_field_by_gradient(net: nn.Module, size: int) -> int:
    """Side of the square of pixels that move the middle cell of a net's map.

    Weights of a copy are made 1 and maxima averages, so that nothing cancels and
    every pixel that could have an influence has one. Works for nets with branches
    and short cuts too.

    Args:
        net: (B, 3, H, W) -> (B, K, h, w).
        size: side in pixels of the picture to try, larger than the field.

    Raises:
        InputError: if the field reaches the border of that picture.

    Taught in chapters/02_fcn_conversion.
    """
    picture = torch.ones(1, 3, size, size, dtype=torch.float64, requires_grad=True)
    cells = _skeleton(net)(picture)  # (1, K, h, w)
    height, width = cells.shape[-2:]
    cells[0, :, height // 2, width // 2].sum().backward()
    seen = picture.grad[0, 0] != 0  # (H, W)
    places = seen.any(dim=0).nonzero()
    first, last = places.min().item(), places.max().item()
    if first == 0 or last == size - 1:
        raise InputError(
            f"the receptive field reaches the border of {size} px; give a larger size"
        )
    return last - first + 1


class _Ones(nn.Module):
    """A layer with a kernel, all ones, on the mean of the channels."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.kernel, *self.geometry = _geometry(layer)

    def forward(self, x: Tensor) -> Tensor:
        ones = x.new_full((1, 1, self.kernel, self.kernel), 1 / self.kernel**2)
        return F.conv2d(x.mean(dim=1, keepdim=True), ones, None, *self.geometry)


def _skeleton(net: nn.Module) -> nn.Module:
    """A copy of the net in which only the geometry of the layers is left."""
    shared = {id(p): p for p in net.parameters()}  # not copied: VGG-16 is large
    net = nn.Sequential(copy.deepcopy(net, shared)).eval()
    for parent in list(net.modules()):
        for name, child in parent.named_children():
            if isinstance(child, (nn.Conv2d, *POOLINGS)):
                setattr(parent, name, _Ones(child))
            elif isinstance(child, nn.BatchNorm2d):
                setattr(parent, name, nn.Identity())
    return net
