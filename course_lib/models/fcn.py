"""FCN-32s: a converted classifier, a score layer, one enlargement by 32.

Long, Shelhamer and Darrell, Fully Convolutional Networks for Semantic
Segmentation, CVPR 2015, section 4.1. Taught in chapters/02_fcn_conversion.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.errors import InputError
from course_lib.models.blocks import resize
from course_lib.models.dense import to_dense
from course_lib.models.registry import register
from course_lib.models.small_vgg import SmallVGG

STRIDE = 32


class Converted(nn.Module):
    """A classifier of windows that labels pictures, without any further training.

    Images (B, 3, H, W) -> ``{"out": logits (B, K, H, W)}``. One pass asks ``net``
    about a window around the middle of every 32 x 32 cell (zeros stand outside the
    picture), and the map of answers is enlarged by 32.

    Args:
        net: a ``SmallVGG``; train it on windows, ``training.windows`` has how.

    Long et al., CVPR 2015, section 3.1. Taught in chapters/02_fcn_conversion.
    """

    def __init__(self, net: SmallVGG):
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Logits at the size of ``images``."""
        if self.training:
            raise InputError(
                "a converted classifier is trained on windows, not on pictures; "
                "choose fcn32s_small to train on pictures"
            )
        height, width = images.shape[-2:]
        padded = whole_cells(images)
        margin = (self.net.size - STRIDE) // 2  # px by which a window exceeds its cell
        coarse = to_dense(self.net)(F.pad(padded, (margin,) * 4))  # (B, K, H/32, W/32)
        logits = resize(coarse, padded.shape[-2:])
        return {"out": logits[..., :height, :width]}


class FCN32s(nn.Module):
    """A converted classifier whose last layer scores pixels, enlarged by 32.

    Images (B, 3, H, W) -> ``{"out": logits (B, C, H, W)}``. Sizes that are no
    multiple of 32 are padded at the right and below, and cut back.

    Args:
        dense: from ``to_dense``; it is changed. Its fc6, a k x k convolution, is
            padded by k // 2, so that the map keeps a cell for every 32 x 32 pixels.
        num_classes: C of a fresh score layer in place of the last one; None keeps
            the classifier's own.

    Long et al., CVPR 2015, section 4.1 (there the picture is padded, by 100 px);
    the enlargement is bilinear and fixed, chapter 03 makes it a layer. Taught in
    chapters/02_fcn_conversion.
    """

    def __init__(self, dense: nn.Sequential, num_classes: int | None = None):
        super().__init__()
        *body, score = dense
        for layer in body:
            if isinstance(layer, nn.Conv2d):  # all but fc6 are padded so already
                layer.padding = tuple(side // 2 for side in layer.kernel_size)
        self.body = nn.Sequential(*body)
        if num_classes is not None:
            score = nn.Conv2d(score.in_channels, num_classes, 1)
        self.score = score

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Logits at the size of ``images``."""
        height, width = images.shape[-2:]
        padded = whole_cells(images)
        coarse = self.score(self.body(padded))  # (B, C, H/32, W/32)
        logits = resize(coarse, padded.shape[-2:])
        return {"out": logits[..., :height, :width]}


def whole_cells(images: Tensor) -> Tensor:
    """Zeros at the right and below, up to the next multiple of 32 px."""
    height, width = images.shape[-2:]
    return F.pad(images, (0, -width % STRIDE, 0, -height % STRIDE))


@register("small_vgg")
def small_vgg(num_classes: int, width: int = 16) -> Converted:
    """Converted ``SmallVGG``, random weights. Taught in chapters/02_fcn_conversion."""
    return Converted(SmallVGG(num_classes, width))


@register("fcn32s_small")
def fcn32s_small(num_classes: int, width: int = 16) -> FCN32s:
    """FCN-32s on ``SmallVGG``, random weights. Taught in chapters/02_fcn_conversion."""
    return FCN32s(to_dense(SmallVGG(num_classes, width)))


@register("fcn32s_vgg16")
def fcn32s_vgg16(num_classes: int) -> FCN32s:
    """FCN-32s on VGG-16, random weights, 134 million of them.

    Taught in chapters/02_fcn_conversion.
    """
    from torchvision.models import vgg16

    return FCN32s(to_dense(vgg16(num_classes=num_classes)))
