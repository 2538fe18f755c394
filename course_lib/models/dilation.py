"""Strides of a trained network turned into dilation, its weights untouched.

Yu and Koltun, Multi-Scale Context Aggregation by Dilated Convolutions, ICLR 2016;
Chen et al., DeepLab, TPAMI 2018, section 3.1. Taught in chapters/06_dilated_resnets.
"""

from torch import nn

from course_lib.errors import InputError

STRIDED = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)


def stride_to_dilation(
    net: nn.Module, output_stride: int, multi_grid: tuple[int, ...] | None = None
) -> nn.Module:
    """Make the map of a net finer: strides become 1, what follows is dilated.

    Cell (i, j) of the old map is cell (f i, f j) of the new one, f the old output
    stride over the new; no weight changes. The convolution that had the stride
    keeps its dilation, those after it are spread by the stride.

    Args:
        net: a ResNet of torchvision or of ours, or any net whose children, in the
            order of ``net.children()``, are its parts, at most one stride in each;
            undilated. It is changed.
        output_stride: pixels of the picture from cell to cell of the new map.
        multi_grid: one more factor on the dilation for each block of the last part
            that has any, such as (1, 2, 4) for the three of ResNet-50's ``layer4``
            (Chen et al., Rethinking Atrous Convolution, 2017, section 3.2.1); with
            it the old map is no longer a part of the new one.

    Returns:
        ``net``.

    Raises:
        InputError: if the net is dilated already, if strides of its convolutions
            cannot give ``output_stride``, or if ``multi_grid`` does not fit.

    Taught in chapters/06_dilated_resnets.
    """
    if any(conv.dilation != (1, 1) for conv in _convolutions(net)):
        raise InputError("the net is dilated already; give one with all its strides")
    parts = list(net.children())
    _check(output_stride, [_stride(part) for part in parts], parts)
    stride = dilation = 1
    for part in parts:
        own = _stride(part)
        if stride * own <= output_stride:
            stride, own = stride * own, 1
        _spread(part, dilation, dilation * own)
        dilation *= own
    if multi_grid is not None:
        _apply_multi_grid(parts, multi_grid)
    return net


def _convolutions(part: nn.Module) -> list[nn.Conv2d]:
    return [layer for layer in part.modules() if isinstance(layer, nn.Conv2d)]


def _stride(part: nn.Module) -> int:
    """The largest stride in a part; its short cut, if it has one, has the same."""
    strides = [m.stride for m in part.modules() if isinstance(m, STRIDED)]
    return max((s[0] if isinstance(s, tuple) else s for s in strides), default=1)


def _check(output_stride: int, strides: list[int], parts: list[nn.Module]) -> None:
    fixed = total = 1  # by the stem, whose pooling cannot be undone; in all
    for stride, part in zip(strides, parts, strict=True):
        total *= stride
        fixed = total if isinstance(part, STRIDED[1:]) else fixed
    possible = [total]
    for stride in reversed(strides):
        if stride > 1 and possible[0] // stride >= fixed:
            possible.insert(0, possible[0] // stride)
    if output_stride not in possible:
        raise InputError(
            f"output_stride is {output_stride}; this net can have "
            f"{', '.join(map(str, possible))}"
        )


def _spread(part: nn.Module, before: int, after: int) -> None:
    """Dilate the convolutions of a part; ``after`` follows a stride that went."""
    for conv in _convolutions(part):
        dilation = after
        if conv.stride != (1, 1):
            dilation = before
            conv.stride = (1, 1) if after > before else conv.stride
        _dilate(conv, dilation)


def _dilate(conv: nn.Conv2d, dilation: int) -> None:
    if conv.kernel_size == (1, 1):  # nothing to spread; torch would take a slower way
        return
    conv.dilation = (dilation, dilation)
    conv.padding = tuple(dilation * (side // 2) for side in conv.kernel_size)


def _apply_multi_grid(parts: list[nn.Module], factors: tuple[int, ...]) -> None:
    blocks = list([part for part in parts if isinstance(part, nn.Sequential)][-1])
    if len(factors) != len(blocks):
        raise InputError(
            f"multi_grid has {len(factors)} factors and the last stage {len(blocks)} "
            "blocks; give one for each"
        )
    for block, factor in zip(blocks, factors, strict=True):
        for conv in _convolutions(block):
            _dilate(conv, conv.dilation[0] * factor)
