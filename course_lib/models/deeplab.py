"""DeepLabV3 and V3+: dilated convolutions of several rates, side by side.

Chen et al., Rethinking Atrous Convolution for Semantic Image Segmentation, 2017
(V3), and Encoder-Decoder with Atrous Separable Convolution for Semantic Image
Segmentation, ECCV 2018 (V3+). Taught in chapters/07_psp_deeplab.
"""

from functools import partial

import torch
from torch import Tensor, nn

from course_lib.models.blocks import conv_unit, resize
from course_lib.models.psp import PooledBranch, aux_head
from course_lib.models.registry import register
from course_lib.models.resnet import Segmenter, resnet

RATES = {16: (6, 12, 18), 8: (12, 24, 36)}  # dilations at each output stride


def separable(in_channels: int, out_channels: int, dilation: int = 1) -> nn.Sequential:
    """A 3x3 convolution in two steps: each channel alone, then all at each place.

    ``9 in + in out`` weights in place of ``9 in out``; batch norm and ReLU after both
    steps. Chen et al., ECCV 2018, section 3.1; Chollet, Xception, CVPR 2017. Taught in
    chapters/07_psp_deeplab.
    """
    depthwise = nn.Conv2d(
        in_channels, in_channels, 3, padding=dilation, dilation=dilation,
        groups=in_channels, bias=False,
    )  # fmt: skip
    return nn.Sequential(
        depthwise,
        nn.BatchNorm2d(in_channels),
        nn.ReLU(),
        *conv_unit(in_channels, out_channels, size=1),
    )


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling: 1x1, dilated 3x3s and image pooling, fused.

    (B, in_channels, h, w) -> (B, out_channels, h, w).

    Args:
        in_channels: of the map.
        rates: dilations of the 3x3 convolutions, in cells. One that is not smaller
            than the map is a 1x1 convolution there: eight of its taps see padding.
        out_channels: of every branch, and of the result.
        bins: of the pooled branches: (1,) is image pooling, (1, 2, 3, 6) adds the
            pyramid of PSPNet.
        conv: makes a 3x3 branch, ``conv(in_channels, out_channels, dilation=rate)``.

    Chen et al., 2017, section 3.3. Taught in chapters/07_psp_deeplab.
    """

    def __init__(
        self,
        in_channels: int,
        rates: tuple[int, ...],
        out_channels: int = 256,
        bins: tuple[int, ...] = (1,),
        conv=conv_unit,
    ):
        super().__init__()
        branches = [conv_unit(in_channels, out_channels, size=1)]
        branches += [conv(in_channels, out_channels, dilation=rate) for rate in rates]
        branches += [PooledBranch(in_channels, out_channels, b) for b in bins]
        self.convs = nn.ModuleList(branches)
        fused = conv_unit(len(branches) * out_channels, out_channels, size=1)
        self.project = nn.Sequential(*fused, nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Tensor:
        """All branches see the same map; a 1x1 convolution weighs their answers."""
        return self.project(torch.cat([branch(x) for branch in self.convs], dim=1))


class DeepLabHead(nn.Sequential):
    """ASPP, a 3x3 convolution, the score: (B, in_channels, h, w) -> (B, K, h, w).

    The layers are torchvision's, name by name. Chen et al., 2017, section 3.3 (the
    3x3 convolution is torchvision's). Taught in chapters/07_psp_deeplab.
    """

    def __init__(self, aspp: ASPP, channels: int, num_classes: int):
        super().__init__(
            aspp,
            *conv_unit(channels, channels),
            nn.Conv2d(channels, num_classes, 1),
        )


def deeplabv3(
    backbone: str,
    num_classes: int,
    width: int = 64,
    aux: bool = False,
    rates: tuple[int, ...] = RATES[8],
    bins: tuple[int, ...] = (1,),
    **options,
) -> Segmenter:
    """DeepLabV3 at output stride 8 on a dilated ResNet, random weights.

    With ``width=64`` and "resnet50" the keys of its state dict are those of
    torchvision's ``deeplabv3_resnet50`` (with ``aux=True``: ``aux_loss=True``).

    Args:
        backbone: such as "resnet50".
        num_classes: C.
        width: channels of the backbone's first stage; ASPP has 4 times as many.
        aux: score the third stage as well, for a loss of weight 0.4 in training.
        rates: as ``ASPP``; choose them smaller than your map.
        bins: as ``ASPP``.
        options: of ``resnet``; the paper's blocks have ``multi_grid=(1, 2, 4)``.

    Taught in chapters/07_psp_deeplab.
    """
    net = resnet(backbone, output_stride=8, width=width, **options)
    aspp = ASPP(net.channels[3], tuple(rates), 4 * width, tuple(bins))
    head = DeepLabHead(aspp, 4 * width, num_classes)
    return Segmenter(net, head, aux_head(net, num_classes) if aux else None)


class DeepLabV3Plus(nn.Module):
    """ASPP on the coarse map, then a decoder that looks at the fine one once more.

    Images (B, 3, H, W) -> ``{"out": logits (B, C, H, W)}``. All 3x3 convolutions of
    the head are separable.

    Args:
        backbone: gives four maps, fine to coarse, and has their ``channels``.
        num_classes: C.
        channels: of ASPP and decoder, 256 in the paper.
        low_channels: to which the finest map is narrowed, 48 in the paper.
        rates: as ``ASPP``.
        bins: as ``ASPP``.

    Chen et al., ECCV 2018, section 3.1 and figure 2; the backbone there is a changed
    Xception. Taught in chapters/07_psp_deeplab.
    """

    def __init__(
        self,
        backbone: nn.Module,
        num_classes: int,
        channels: int = 256,
        low_channels: int = 48,
        rates: tuple[int, ...] = RATES[16],
        bins: tuple[int, ...] = (1,),
    ):
        super().__init__()
        low, *_, high = backbone.channels
        self.backbone = backbone
        self.aspp = ASPP(high, rates, channels, bins, conv=separable)
        self.narrow = conv_unit(low, low_channels, size=1)
        self.decoder = nn.Sequential(
            separable(channels + low_channels, channels), separable(channels, channels)
        )
        self.score = nn.Sequential(nn.Dropout(0.1), nn.Conv2d(channels, num_classes, 1))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Logits at the size of ``images``."""
        c1, *_, c4 = self.backbone(images)  # strides 4 and 16
        coarse = resize(self.aspp(c4), c1.shape[-2:])  # (B, channels, H/4, W/4)
        fine = self.decoder(torch.cat([coarse, self.narrow(c1)], dim=1))
        return {"out": resize(self.score(fine), images.shape[-2:])}


def deeplabv3plus(
    backbone: str,
    num_classes: int,
    width: int = 64,
    rates: tuple[int, ...] = RATES[16],
    bins: tuple[int, ...] = (1,),
    **options,
) -> DeepLabV3Plus:
    """DeepLabV3+ at output stride 16 on a ResNet; arguments as ``deeplabv3``.

    Taught in chapters/07_psp_deeplab.
    """
    net = resnet(backbone, output_stride=16, width=width, **options)
    low_channels = max(1, 48 * width // 64)
    return DeepLabV3Plus(
        net, num_classes, 4 * width, low_channels, tuple(rates), tuple(bins)
    )


for _name in ("resnet18", "resnet50"):
    register(f"deeplabv3_{_name}_8s")(partial(deeplabv3, _name))
    register(f"deeplabv3plus_{_name}_16s")(partial(deeplabv3plus, _name))
