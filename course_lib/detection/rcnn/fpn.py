"""The feature pyramid: every map as deep in meaning as the coarsest.

Lin et al., Feature Pyramid Networks, CVPR 2017. ``torchvision.ops`` has the same.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FeaturePyramid(nn.Module):
    """Adds to every map of a backbone what the coarser ones know.

    Maps (B, depths[i], H_i, W_i), finest first -> maps (B, channels, H_i, W_i).

    Args:
        depths: channels of the backbone's maps.
        channels: of every map of the pyramid; 256 in the paper.

    Lin et al., figure 3. Taught in chapters/13_mask_rcnn_finetuning.
    """

    def __init__(self, depths: list[int], channels: int = 256):
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(depth, channels, 1) for depth in depths)
        self.output = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=1) for _ in depths
        )

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """The pyramid's maps, finest first."""
        top = self.lateral[-1](maps[-1])
        pyramid = [self.output[-1](top)]
        for i in reversed(range(len(maps) - 1)):  # from coarse to fine
            enlarged = F.interpolate(top, size=maps[i].shape[-2:])  # nearest
            top = self.lateral[i](maps[i]) + enlarged
            pyramid.insert(0, self.output[i](top))
        return pyramid


def pyramid_level(
    boxes: Tensor, lowest: int, highest: int, size: float = 224, level: int = 4
) -> Tensor:
    """The level of the pyramid on which to look at a box.

    Args:
        boxes: (N, 4) xyxy in pixels.
        lowest: log2 of the finest map's stride: 2 where that is 4 px.
        highest: of the coarsest.
        size: root of the area, in pixels, of a box that is looked at on ``level``.
        level: where each halving of the size is a level finer.

    Returns:
        (N,) int64 in lowest to highest.

    Lin et al., equation 1. Taught in chapters/13_mask_rcnn_finetuning.
    """
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    wanted = level + torch.log2(area.sqrt() / size) + 1e-6
    return wanted.floor().clamp(lowest, highest).long()
