"""Pyramid pooling: averages over the whole picture, over quarters, ninths, 36ths.

Zhao et al., Pyramid Scene Parsing Network, CVPR 2017. Taught in
chapters/07_psp_deeplab.
"""

from functools import partial

import torch
from torch import Tensor, nn

from course_lib.errors import InputError
from course_lib.models.blocks import conv_unit, resize
from course_lib.models.registry import register
from course_lib.models.resnet import ResNet, Segmenter, resnet

BINS = (1, 2, 3, 6)  # cells on a side of each level of the pyramid


class PooledBranch(nn.Sequential):
    """Average over a grid of bins, 1x1 convolution, batch norm, ReLU, enlarge.

    (B, in_channels, h, w) -> (B, out_channels, h, w). One bin is the *image pooling*
    of DeepLabV3; a pyramid has several such branches.

    Raises:
        InputError: in training, when one picture and one bin leave batch norm a
            single number a channel, which has no variance.

    Zhao et al., CVPR 2017, section 3.2. Taught in chapters/07_psp_deeplab.
    """

    def __init__(self, in_channels: int, out_channels: int, bins: int):
        conv = conv_unit(in_channels, out_channels, size=1)
        super().__init__(nn.AdaptiveAvgPool2d(bins), *conv)
        self.bins = bins

    def forward(self, x: Tensor) -> Tensor:
        """The branch at the size of ``x``."""
        if self.training and self.bins == 1 and len(x) == 1:
            raise InputError(
                "a training batch of 1 picture leaves batch norm a single number a "
                "channel behind global pooling; give at least 2 pictures, or call "
                "eval()"
            )
        return resize(super().forward(x), x.shape[-2:])


class PyramidPooling(nn.Module):
    """The map beside its averages over grids of bins.

    (B, C, h, w) -> (B, C + len(bins) * (C // len(bins)), h, w).

    Zhao et al., CVPR 2017, figure 3c. Taught in chapters/07_psp_deeplab.
    """

    def __init__(self, channels: int, bins: tuple[int, ...] = BINS):
        super().__init__()
        share = channels // len(bins)
        self.branches = nn.ModuleList(PooledBranch(channels, share, b) for b in bins)
        self.out_channels = channels + share * len(bins)

    def forward(self, x: Tensor) -> Tensor:
        """The channels of ``x`` first, then one group for each grid."""
        return torch.cat([x, *(branch(x) for branch in self.branches)], dim=1)


class PSPHead(nn.Sequential):
    """Pyramid pooling, a 3x3 convolution to a quarter of the channels, the score.

    (B, C, h, w) -> logits (B, K, h, w). Zhao et al., CVPR 2017, section 3.3. Taught in
    chapters/07_psp_deeplab.
    """

    def __init__(
        self, channels: int, num_classes: int, bins: tuple[int, ...] = BINS
    ):
        pyramid = PyramidPooling(channels, bins)
        super().__init__(
            pyramid,
            *conv_unit(pyramid.out_channels, channels // 4),
            nn.Dropout2d(0.1),
            nn.Conv2d(channels // 4, num_classes, 1),
        )


def psp(
    backbone: str,
    num_classes: int,
    width: int = 64,
    aux: bool = True,
    bins: tuple[int, ...] = BINS,
    **options,
) -> Segmenter:
    """PSPNet at output stride 8 on a dilated ResNet, random weights.

    Args:
        backbone: such as "resnet50".
        num_classes: C.
        width: channels of the backbone's first stage; the head follows.
        aux: score the third stage as well, for a loss of weight 0.4 in training.
        bins: of the pyramid.
        options: of ``resnet``, such as ``deep_stem=True``, as in the paper.

    Taught in chapters/07_psp_deeplab.
    """
    net = resnet(backbone, output_stride=8, width=width, **options)
    head = PSPHead(net.channels[3], num_classes, tuple(bins))
    return Segmenter(net, head, aux_head(net, num_classes) if aux else None)


def aux_head(net: ResNet, num_classes: int) -> nn.Module:
    """Deep supervision: a small head on the third stage, for training only.

    Zhao et al., CVPR 2017, section 3.3. Taught in chapters/07_psp_deeplab.
    """
    from torchvision.models.segmentation.fcn import FCNHead

    return FCNHead(net.channels[2], num_classes)


for _name in ("resnet18", "resnet50"):
    register(f"psp_{_name}_8s")(partial(psp, _name))
