"""Pieces that several networks share."""

import torch.nn.functional as F
from torch import Tensor, nn


def conv_bn(
    in_channels: int,
    out_channels: int,
    size: int = 3,
    stride: int = 1,
    dilation: int = 1,
) -> nn.Sequential:
    """Convolution that keeps the size (up to its stride), then batch norm."""
    padding = dilation * (size // 2)
    conv = nn.Conv2d(
        in_channels, out_channels, size, stride, padding, dilation, bias=False
    )
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))


def conv_bn_relu(in_channels: int, out_channels: int, **options) -> nn.Sequential:
    """``conv_bn``, then ReLU; options as there."""
    conv = conv_bn(in_channels, out_channels, **options)
    return nn.Sequential(conv, nn.ReLU(inplace=True))


def conv_unit(in_channels: int, out_channels: int, **options) -> nn.Sequential:
    """``conv_bn_relu`` with its three layers in one row, as torchvision's heads."""
    return nn.Sequential(*conv_bn(in_channels, out_channels, **options), nn.ReLU())


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a short cut around them.

    (B, in_channels, H, W) -> (B, out_channels, H/stride, W/stride). He et al.,
    Deep Residual Learning, CVPR 2016, figure 5 left; with dilation, Yu et al.,
    Dilated Residual Networks, CVPR 2017.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int = 1, dilation: int = 1
    ):
        super().__init__()
        self.first = conv_bn(in_channels, out_channels, 3, stride, dilation)
        self.second = conv_bn(out_channels, out_channels, 3, 1, dilation)
        same = in_channels == out_channels and stride == 1
        self.shortcut = (
            nn.Identity() if same else conv_bn(in_channels, out_channels, 1, stride)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(shortcut(x) + second(relu(first(x))))."""
        out = self.second(F.relu(self.first(x), inplace=True))
        return F.relu(out + self.shortcut(x), inplace=True)


def stage(
    in_channels: int, out_channels: int, stride: int, dilations: tuple[int, ...]
) -> nn.Sequential:
    """Residual blocks in a row, one per dilation; the first takes the stride."""
    first = ResidualBlock(in_channels, out_channels, stride, dilations[0])
    rest = [ResidualBlock(out_channels, out_channels, 1, d) for d in dilations[1:]]
    return nn.Sequential(first, *rest)


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear resize of (B, C, h, w) to ``size`` (H, W), half-pixel centres."""
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)
