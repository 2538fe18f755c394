"""A light street-scene network: dilated residual encoder, top-down decoder.

Nothing in it is new: residual blocks (He et al., CVPR 2016), dilation at the
coarsest stage (Yu et al., CVPR 2017), a global-context vector (Liu et al.,
ParseNet, 2015) and lateral 1x1 convolutions added top-down (Lin et al., Feature
Pyramid Networks, CVPR 2017). Chosen on CamVid's validation pictures for what
fifteen minutes on two cores can train.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.models.blocks import conv_bn, conv_bn_relu, resize, stage
from course_lib.models.registry import register


@register("dilated_fpn")
class DilatedFPN(nn.Module):
    """Residual encoder to stride 16, then back to stride 2 by lateral maps.

    Args:
        num_classes: C.
        widths: channels at strides 2, 4, 8 and 16.
        blocks: residual blocks at strides 4 and 8.
        dilations: one residual block at stride 16 for each.
        decoder_width: channels of the decoder at strides 8 and 4.
        fine_width: channels of the decoder at stride 2, where poles are decided.

    Images (B, 3, H, W) float32, ImageNet-normalised -> ``{"out": (B, C, H, W)}``,
    in training also ``"aux": (B, C, H/16, W/16)`` from the encoder's end.

    Used in chapters/01_pixels_and_labels on real streets.
    """

    def __init__(
        self,
        num_classes: int,
        widths: tuple[int, int, int, int] = (32, 64, 96, 128),
        blocks: tuple[int, int] = (1, 2),
        dilations: tuple[int, ...] = (1, 2, 4, 8),
        decoder_width: int = 64,
        fine_width: int = 24,
    ):
        super().__init__()
        at2, at4, at8, at16 = widths
        self.stem = conv_bn_relu(3, at2, stride=2)
        self.encoder4 = stage(at2, at4, 2, (1,) * blocks[0])
        self.encoder8 = stage(at4, at8, 2, (1,) * blocks[1])
        self.encoder16 = stage(at8, at16, 2, tuple(dilations))
        self.context = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(at16, at16, 1))
        self.lateral16 = conv_bn(at16, decoder_width, 1)
        self.lateral8 = conv_bn(at8, decoder_width, 1)
        self.lateral4 = conv_bn(at4, decoder_width, 1)
        self.decoder8 = conv_bn_relu(decoder_width, decoder_width)
        self.decoder4 = conv_bn_relu(decoder_width, decoder_width)
        self.narrow = conv_bn(decoder_width, fine_width, 1)
        self.lateral2 = conv_bn(at2, fine_width, 1)
        self.decoder2 = conv_bn_relu(fine_width, fine_width)
        self.score = nn.Sequential(
            nn.Dropout2d(0.1), nn.Conv2d(fine_width, num_classes, 1)
        )
        self.aux_score = nn.Conv2d(at16, num_classes, 1)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Logits at the size of ``images``."""
        x2 = self.stem(images)  # (B, C2, H/2, W/2)
        x4 = self.encoder4(x2)  # (B, C4, H/4, W/4)
        x8 = self.encoder8(x4)  # (B, C8, H/8, W/8)
        x16 = self.encoder16(x8)  # (B, C16, H/16, W/16)
        top = self.lateral16(x16 + self.context(x16))
        top = self.decoder8(F.relu(resize(top, x8.shape[-2:]) + self.lateral8(x8)))
        top = self.decoder4(F.relu(resize(top, x4.shape[-2:]) + self.lateral4(x4)))
        fine = resize(self.narrow(top), x2.shape[-2:]) + self.lateral2(x2)
        top = self.decoder2(F.relu(fine))  # (B, fine_width, H/2, W/2)
        logits = {"out": resize(self.score(top), images.shape[-2:])}
        if self.training:
            logits["aux"] = self.aux_score(x16)
        return logits
