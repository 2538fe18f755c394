"""ResNets of any width at any output stride, and the segmentation nets on them.

He et al., Deep Residual Learning, CVPR 2016; Yu et al., Dilated Residual Networks,
CVPR 2017. Taught in chapters/06_dilated_resnets.
"""

from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.errors import InputError
from course_lib.models.dilation import stride_to_dilation
from course_lib.models.registry import register

BLOCKS = {  # per stage
    "resnet9": (1, 1, 1, 1),
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
}
BOTTLENECKS = ("resnet50", "resnet101")


class ResNet(nn.Module):
    """A ResNet without its classifier; parameters are named as in torchvision.

    Images (B, 3, H, W) -> [c1, c2, c3, c4], the maps of its four stages, at strides
    4, 8, 16 and 32, (B, channels[i], ceil(H / stride), ceil(W / stride)).

    Args:
        blocks: of each stage.
        bottleneck: blocks of 1x1, 3x3, 1x1 convolutions in place of two 3x3.
        width: channels inside the first stage's blocks; 64 is the paper's.
        deep_stem: three 3x3 convolutions in place of one 7x7 (PSPNet's ResNets).

    Attributes:
        channels: of the four maps; ``width`` x (1, 2, 4, 8), bottlenecks 4 times that.

    Taught in chapters/06_dilated_resnets.
    """

    def __init__(
        self,
        blocks: tuple[int, int, int, int],
        bottleneck: bool = False,
        width: int = 64,
        deep_stem: bool = False,
    ):
        super().__init__()
        from torchvision.models.resnet import BasicBlock, Bottleneck

        block = Bottleneck if bottleneck else BasicBlock
        self.conv1, channels = _stem(width, deep_stem)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.channels = tuple(width * block.expansion * 2**i for i in range(4))
        for i, (count, out) in enumerate(zip(blocks, self.channels, strict=True)):
            stage = _stage(block, channels, out, count, stride=2 if i else 1)
            setattr(self, f"layer{i + 1}", stage)
            channels = out
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out")

    def forward(self, images: Tensor) -> list[Tensor]:
        """The maps of the four stages, finest first."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))  # (B, C, H/4, W/4)
        maps = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            maps.append(x)
        return maps


def _stem(width: int, deep: bool) -> tuple[nn.Module, int]:
    """Convolution(s) to stride 2, and their channels; batch norm and ReLU follow."""
    if not deep:
        return nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False), width
    layers = []
    for channels, out, stride in ((3, width, 2), (width, width, 1)):
        conv = nn.Conv2d(channels, out, 3, stride, padding=1, bias=False)
        layers += [conv, nn.BatchNorm2d(out), nn.ReLU(inplace=True)]
    last = nn.Conv2d(width, 2 * width, 3, padding=1, bias=False)
    return nn.Sequential(*layers, last), 2 * width


def _stage(
    block: type[nn.Module], channels: int, out: int, count: int, stride: int
) -> nn.Sequential:
    """``count`` blocks; the first takes the stride and the change of channels."""
    shortcut = None
    if stride > 1 or channels != out:
        conv = nn.Conv2d(channels, out, 1, stride, bias=False)
        shortcut = nn.Sequential(conv, nn.BatchNorm2d(out))
    inner = out // block.expansion
    rest = [block(out, inner) for _ in range(count - 1)]
    return nn.Sequential(block(channels, inner, stride, shortcut), *rest)


def resnet(
    name: str,
    output_stride: int = 32,
    width: int = 64,
    deep_stem: bool = False,
    multi_grid: tuple[int, ...] | None = None,
) -> ResNet:
    """A ResNet with random weights whose last map has the given stride.

    Args:
        name: resnet9, 18, 34, 50 or 101.
        output_stride: 4, 8, 16 or 32 px; see ``stride_to_dilation``.
        width: channels of the first stage; see ``ResNet``, for ``deep_stem`` too.
        deep_stem: see ``ResNet``.
        multi_grid: see ``stride_to_dilation``.

    Raises:
        InputError: for an unknown name and as ``stride_to_dilation``.

    Taught in chapters/06_dilated_resnets.
    """
    if name not in BLOCKS:
        raise InputError(f"there is no {name!r}; choose one of {', '.join(BLOCKS)}")
    net = ResNet(BLOCKS[name], name in BOTTLENECKS, width, deep_stem)
    return stride_to_dilation(net, output_stride, multi_grid)


class Segmenter(nn.Module):
    """A backbone, a head on its last map, bilinear enlargement.

    Images (B, 3, H, W) -> ``{"out": logits (B, C, H, W)}``, in training also
    ``"aux"``, of the same size, where there is an auxiliary head.

    Args:
        backbone: images -> list of maps.
        classifier: the last map -> scores (B, C, h, w).
        aux_classifier: likewise on the map before it (deep supervision).
        align: output stride s, to put the centre of cell i exactly at pixel s i:
            pictures are resized so that s divides H - 1 and W - 1, and corners of
            map and picture meet. None: as torchvision, (s - 1) / 2 px off.

    Its parameters are named as in torchvision's segmentation nets. Taught in
    chapters/06_dilated_resnets.
    """

    def __init__(
        self,
        backbone: nn.Module,
        classifier: nn.Module,
        aux_classifier: nn.Module | None = None,
        align: int | None = None,
    ):
        super().__init__()
        self.backbone = backbone
        self.classifier = classifier
        self.aux_classifier = aux_classifier
        self.align = align

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Logits at the size of ``images``."""
        size = images.shape[-2:]
        if self.align:
            aligned = [-((1 - side) // self.align) * self.align + 1 for side in size]
            images = self.enlarge(images, aligned)
        maps = self.backbone(images)
        logits = {"out": self.enlarge(self.classifier(maps[-1]), size)}
        if self.training and self.aux_classifier is not None:
            logits["aux"] = self.enlarge(self.aux_classifier(maps[-2]), size)
        return logits

    def enlarge(self, maps: Tensor, size: tuple[int, int]) -> Tensor:
        """Bilinear resize to ``size``, corner on corner where the net is aligned."""
        align = self.align is not None
        return F.interpolate(maps, tuple(size), mode="bilinear", align_corners=align)


def score(channels: int, num_classes: int) -> nn.Conv2d:
    """A 1x1 convolution to scores: weights N(0, 0.01), bias 0."""
    conv = nn.Conv2d(channels, num_classes, 1)
    nn.init.normal_(conv.weight, std=0.01)
    nn.init.zeros_(conv.bias)
    return conv


def plain(
    name: str,
    output_stride: int,
    num_classes: int,
    width: int = 64,
    aux: bool = False,
    align: bool = False,
    deep_stem: bool = False,
    multi_grid: tuple[int, ...] | None = None,
) -> Segmenter:
    """A dilated ResNet with nothing but 1x1 scores: ``resnet18_8s`` and its kin.

    Args:
        name: as ``resnet``, for ``output_stride``, ``width``, ``deep_stem`` and
            ``multi_grid`` too.
        output_stride: of the map that is scored.
        num_classes: C.
        width: channels of the first stage.
        aux: score the third stage too, in training.
        align: see ``Segmenter``.
        deep_stem: see ``ResNet``.
        multi_grid: see ``stride_to_dilation``.

    Taught in chapters/06_dilated_resnets.
    """
    backbone = resnet(name, output_stride, width, deep_stem, multi_grid)
    *_, c3, c4 = backbone.channels
    return Segmenter(
        backbone,
        score(c4, num_classes),
        score(c3, num_classes) if aux else None,
        output_stride if align else None,
    )


def fcn(
    name: str, output_stride: int, num_classes: int, width: int = 64, aux: bool = True
) -> Segmenter:
    """FCN on a dilated ResNet: ``fcn_resnet50_8s`` is torchvision's fcn_resnet50.

    A 3x3 convolution to a quarter of the channels stands before the scores, of the
    auxiliary head too. Arguments as for ``plain``.

    Taught in chapters/06_dilated_resnets.
    """
    from torchvision.models.segmentation.fcn import FCNHead

    backbone = resnet(name, output_stride, width)
    *_, c3, c4 = backbone.channels
    aux_head = FCNHead(c3, num_classes) if aux else None
    return Segmenter(backbone, FCNHead(c4, num_classes), aux_head)


for _name in BLOCKS:
    for _stride in (32, 16, 8):
        register(f"{_name}_{_stride}s")(partial(plain, _name, _stride))
for _name in BOTTLENECKS:
    register(f"fcn_{_name}_8s")(partial(fcn, _name, 8))
