"""DenseASPP: dilated convolutions in a row, each seeing all before it.

Yang et al., DenseASPP for Semantic Segmentation in Street Scenes, CVPR 2018.
Taught in chapters/07_psp_deeplab.
"""

import torch
from torch import Tensor, nn

from course_lib.models.registry import register
from course_lib.models.resnet import Segmenter, resnet

RATES = (3, 6, 12, 18, 24)  # dilations, in cells


class DenseASPP(nn.Module):
    """Each branch takes the map and the answers of all branches before it.

    (B, C, h, w) -> (B, C + len(rates) * growth, h, w). A cell sees
    1 + 2 * sum(rates) cells, 127 with the rates of the paper.

    Args:
        channels: C.
        growth: channels that a branch adds, 64 in the paper.
        rates: dilations.

    Yang et al., CVPR 2018, section 3.2. Taught in chapters/07_psp_deeplab.
    """

    def __init__(
        self, channels: int, growth: int = 64, rates: tuple[int, ...] = RATES
    ):
        super().__init__()
        self.branches = nn.ModuleList()
        for rate in rates:
            self.branches.append(dense_branch(channels, growth, rate))
            channels += growth
        self.out_channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """``x`` first, then the branches in order."""
        for branch in self.branches:
            x = torch.cat([x, branch(x)], dim=1)
        return x


def dense_branch(channels: int, growth: int, rate: int) -> nn.Sequential:
    """Norm, ReLU, 1x1 to ``4 growth``; norm, ReLU, dilated 3x3; dropout."""
    inner = 4 * growth
    return nn.Sequential(
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Conv2d(channels, inner, 1, bias=False),
        nn.BatchNorm2d(inner),
        nn.ReLU(),
        nn.Conv2d(inner, growth, 3, padding=rate, dilation=rate, bias=False),
        nn.Dropout2d(0.1),
    )


@register("denseaspp_resnet18_8s")
def denseaspp_resnet18_8s(
    num_classes: int, width: int = 64, rates: tuple[int, ...] = RATES, **options
) -> Segmenter:
    """DenseASPP on ResNet-18 at output stride 8 (DenseNet in the paper).

    ``width`` is also the growth. Taught in chapters/07_psp_deeplab.
    """
    net = resnet("resnet18", output_stride=8, width=width, **options)
    dense = DenseASPP(net.channels[3], width, tuple(rates))
    score = nn.Conv2d(dense.out_channels, num_classes, 1)
    return Segmenter(net, nn.Sequential(dense, nn.Dropout2d(0.1), score))
