"""LR-ASPP: context as a gate, for telephones.

Howard et al., Searching for MobileNetV3, ICCV 2019, section 6.4. Taught in
chapters/07_psp_deeplab.
"""

from torch import Tensor, nn

from course_lib.models.blocks import conv_unit, resize
from course_lib.models.registry import register

LOW = 4  # index of the first layer of MobileNetV3-Large at stride 8


class LRASPPHead(nn.Module):
    """A gate from the averaged picture opens and closes channels at every place.

    Maps (B, L, H/8, W/8) and (B, C, H/16, W/16) -> logits (B, K, H/8, W/8). The layers
    are torchvision's, name by name. Howard et al., ICCV 2019, figure 10. Taught in
    chapters/07_psp_deeplab.
    """

    def __init__(
        self, low_channels: int, high_channels: int, num_classes: int, channels: int
    ):
        super().__init__()
        self.cbr = conv_unit(high_channels, channels, size=1)
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(high_channels, channels, 1, bias=False),
            nn.Sigmoid(),
        )
        self.low_classifier = nn.Conv2d(low_channels, num_classes, 1)
        self.high_classifier = nn.Conv2d(channels, num_classes, 1)

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        """Scores of the fine map plus scores of the gated coarse one."""
        gated = self.cbr(high) * self.scale(high)  # (B, channels, H/16, W/16)
        gated = resize(gated, low.shape[-2:])
        return self.low_classifier(low) + self.high_classifier(gated)


class LRASPP(nn.Module):
    """MobileNetV3-Large at output stride 16 with an ``LRASPPHead``.

    Images (B, 3, H, W) -> ``{"out": logits (B, C, H, W)}``.

    Taught in chapters/07_psp_deeplab.
    """

    def __init__(self, features: nn.Sequential, num_classes: int, channels: int = 128):
        super().__init__()
        self.backbone = features
        low, high = features[LOW].out_channels, features[-1].out_channels
        self.classifier = LRASPPHead(low, high, num_classes, channels)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Logits at the size of ``images``."""
        low = self.backbone[: LOW + 1](images)
        high = self.backbone[LOW + 1 :](low)
        return {"out": resize(self.classifier(low, high), images.shape[-2:])}


@register("lraspp_mobilenetv3")
def lraspp_mobilenetv3(num_classes: int, width: int = 64) -> LRASPP:
    """LR-ASPP, random weights; ``width=32`` has half the channels of 64.

    With ``width=64`` the keys of its state dict are those of torchvision's
    ``lraspp_mobilenet_v3_large``. Taught in chapters/07_psp_deeplab.
    """
    from torchvision.models import mobilenet_v3_large

    features = mobilenet_v3_large(width_mult=width / 64, dilated=True).features
    return LRASPP(features, num_classes, 2 * width)
