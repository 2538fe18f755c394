"""FCN-16s and FCN-8s: scores of finer maps, added to those of FCN-32s.

Long, Shelhamer and Darrell, Fully Convolutional Networks for Semantic
Segmentation, CVPR 2015, section 4.2. Taught in
chapters/03_transposed_conv_upsampling.
"""

from functools import partial

import torch
from torch import Tensor, nn

from course_lib.models.blocks import resize
from course_lib.models.dense import to_dense
from course_lib.models.fcn import FCN32s, whole_cells
from course_lib.models.registry import register
from course_lib.models.resnet import resnet, score
from course_lib.models.small_vgg import SmallVGG
from course_lib.models.weights import fit


class SkipFCN(nn.Module):
    """FCN-32s, -16s or -8s: one score a map, each enlarged to the picture, summed.

    Images (B, 3, H, W) -> ``{"out": logits (B, C, H, W)}``, any H and W. The skip
    scores begin at zero, so that a finer net begins as the coarser one, to the bit.

    Args:
        body: a Sequential with five max-poolings, or a ResNet that returns its maps
            at strides 4, 8, 16 and 32.
        score: 1x1 convolution of the body's last map, at stride 32.
        stride: 32 (no skip), 16 or 8, of the finest map that has a score.

    Long et al., CVPR 2015, section 4.2, with one change: there the scores are
    enlarged by 2 and added step by step. Enlarging twice is not enlarging at once,
    so here each score goes straight to the size of the picture.
    Taught in chapters/03_transposed_conv_upsampling.
    """

    def __init__(self, body: nn.Module, score: nn.Conv2d, stride: int):
        super().__init__()
        self.body, self.score = body, score
        channels, self.skips = _channels(body), nn.ModuleDict()
        for finer in (16, 8):
            if finer >= stride:
                skip = nn.Conv2d(channels[finer], score.out_channels, 1)
                nn.init.zeros_(skip.weight)
                nn.init.zeros_(skip.bias)
                self.skips[str(finer)] = skip

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Logits at the size of ``images``."""
        height, width = images.shape[-2:]
        padded = whole_cells(images)
        maps = _maps(self.body, padded)
        logits = resize(self.score(maps[32]), padded.shape[-2:])
        for stride, skip in self.skips.items():
            logits = logits + resize(skip(maps[int(stride)]), padded.shape[-2:])
        return {"out": logits[..., :height, :width]}


def _maps(body: nn.Module, images: Tensor) -> dict[int, Tensor]:
    """Stride -> map: of a Sequential what its poolings give, at 32 what it ends in."""
    if not isinstance(body, nn.Sequential):
        return dict(zip((4, 8, 16, 32), body(images), strict=True))
    maps, stride, x = {}, 1, images
    for layer in body:
        x = layer(x)
        if isinstance(layer, nn.MaxPool2d):
            stride *= 2
            maps[stride] = x
    return {**maps, stride: x}


def _channels(body: nn.Module) -> dict[int, int]:
    """Stride -> channels of the map that ``_maps`` gives there, but for the last."""
    if not isinstance(body, nn.Sequential):
        return dict(zip((4, 8, 16, 32), body.channels, strict=True))
    channels, stride, last = {}, 1, 3
    for layer in body:
        if isinstance(layer, nn.MaxPool2d):
            stride *= 2
            channels[stride] = last
        last = getattr(layer, "out_channels", last)
    return channels


def start_from_coarser(net: SkipFCN, coarser: dict[str, Tensor]) -> list[str]:
    """Load the weights of a coarser net into a finer one; say which are new.

    Args:
        net: FCN-16s or FCN-8s; loaded in place.
        coarser: state dict of FCN-32s or FCN-16s on the same body.

    Returns:
        Names of the weights that ``coarser`` does not have; they become zero, so
        that ``net`` now gives the outputs of the coarser net.

    Raises:
        InputError: if anything else is missing, unknown or of another shape.

    Long et al., CVPR 2015, section 4.2: 16s starts from 32s, 8s from 16s. Taught in
    chapters/03_transposed_conv_upsampling.
    """
    own = net.state_dict()
    new = [key for key in own if key.startswith("skips.") and key not in coarser]
    zeros = {key: torch.zeros_like(own[key]) for key in new}
    fit(net, {**coarser, **zeros}, "the coarser net")
    return new


def _on_vgg(classifier: nn.Module, stride: int) -> SkipFCN:
    coarse = FCN32s(to_dense(classifier))
    return SkipFCN(coarse.body, coarse.score, stride)


def on_small_vgg(stride: int, num_classes: int, width: int = 16) -> SkipFCN:
    """FCN of that stride on ``SmallVGG``, random weights, skips at zero.

    Taught in chapters/03_transposed_conv_upsampling.
    """
    return _on_vgg(SmallVGG(num_classes, width), stride)


def on_vgg16(stride: int, num_classes: int) -> SkipFCN:
    """FCN of that stride on VGG-16, random weights, skips at zero.

    Taught in chapters/03_transposed_conv_upsampling.
    """
    from torchvision.models import vgg16

    return _on_vgg(vgg16(num_classes=num_classes), stride)


def on_resnet(name: str, stride: int, num_classes: int, width: int = 64) -> SkipFCN:
    """FCN of that stride on an undilated ResNet, random weights, skips at zero.

    Args:
        name: as ``resnet``.
        stride: 32, 16 or 8.
        num_classes: C.
        width: channels of the first stage; 64 is the paper's.

    Taught in chapters/03_transposed_conv_upsampling.
    """
    body = resnet(name, width=width)
    return SkipFCN(body, score(body.channels[-1], num_classes), stride)


for _stride in (16, 8):
    register(f"fcn{_stride}s_small")(partial(on_small_vgg, _stride))
    register(f"fcn{_stride}s_vgg16")(partial(on_vgg16, _stride))
for _name in ("resnet18", "resnet34", "resnet50"):
    for _stride in (32, 16, 8):
        register(f"fcn{_stride}s_{_name}")(partial(on_resnet, _name, _stride))
