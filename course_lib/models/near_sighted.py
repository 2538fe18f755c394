"""A net that sees 5 x 5 pixels, unless its head looks further: an instrument.

Taught in chapters/07_psp_deeplab.
"""

from torch import Tensor, nn

from course_lib.errors import InputError
from course_lib.models.blocks import conv_unit
from course_lib.models.deeplab import ASPP, RATES
from course_lib.models.psp import BINS, PyramidPooling
from course_lib.models.registry import register

HEADS = {  # channels -> what looks around, in the place of a backbone's head
    "none": lambda channels: nn.Identity(),
    "ppm": PyramidPooling,
    "aspp": lambda channels: ASPP(channels, RATES[16], channels),
    "both": lambda channels: ASPP(channels, RATES[16], channels, BINS),
}


@register("near_sighted")
class NearSighted(nn.Module):
    """Two 3x3 convolutions without stride, a way to look around, 1x1 convolutions.

    Images (B, 3, H, W) -> ``{"out": logits (B, C, H, W)}``. A deep backbone sees the
    whole picture by itself; here the head alone can.

    Args:
        num_classes: C.
        width: channels.
        head: "none", "ppm", "aspp" (rates 6, 12, 18) or "both".

    Raises:
        InputError: for another head.

    Taught in chapters/07_psp_deeplab.
    """

    def __init__(self, num_classes: int, width: int = 16, head: str = "none"):
        super().__init__()
        if head not in HEADS:
            raise InputError(f"head is {head!r}; choose one of {', '.join(HEADS)}")
        self.backbone = nn.Sequential(conv_unit(3, width), conv_unit(width, width))
        self.head = HEADS[head](width)
        wider = 2 * width if head == "ppm" else width
        mix = conv_unit(wider, 2 * width, size=1)
        self.score = nn.Sequential(mix, nn.Conv2d(2 * width, num_classes, 1))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Logits at the size of ``images``."""
        return {"out": self.score(self.head(self.backbone(images)))}
