"""Two places where torchvision's R-CNN loses pixels, mended.

Small things need every one of them. Taught in chapters/13_mask_rcnn_finetuning.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torchvision.models.detection.rpn import RPNHead
from torchvision.models.detection.transform import GeneralizedRCNNTransform


class FloatHead(RPNHead):
    """torchvision's head of the RPN, whose numbers stay float32 under autocast.

    Boxes are decoded in the type of the deltas, and bfloat16 knows only every second
    whole number from 256 on: proposals, and the truth beside them, would be rounded.
    """

    def forward(self, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Objectness and deltas of every map."""
        objectness, deltas = super().forward(x)
        return [o.float() for o in objectness], [d.float() for d in deltas]


class KeepSize(GeneralizedRCNNTransform):
    """torchvision's normalising and padding, without its resizing.

    (Its own ``_skip_resize`` skips in training only.)
    """

    def resize(self, image: Tensor, target: dict | None = None):
        """Nothing."""
        return image, target


def at_size(detector: nn.Module, short_side: int | Sequence[int] | None) -> nn.Module:
    """The detector, whose pictures keep their size where there is no short side."""
    if short_side is None:
        old = detector.transform
        detector.transform = KeepSize(1, 1, old.image_mean, old.image_std)
    return detector
