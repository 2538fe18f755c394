"""Light backbones for R-CNN: pictures in, a dict of maps of one depth out.

torchvision's R-CNN asks two things of a backbone: that it gives a map or a dict of
maps, and that ``out_channels`` says how deep they are. Nothing here needs a file.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision import models
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from course_lib.errors import InputError
from course_lib.models.classifiers import classifier
from course_lib.models.resnet import resnet
from course_lib.models.weights import read_net_file
from course_lib.paths import weights_dir


class Pyramid(nn.Module):
    """A backbone and a feature pyramid on its maps.

    Images (B, 3, H, W) -> {"0": finest map, "1": ..., "pool": the coarsest at half
    the resolution}, each (B, ``out_channels``, h, w).

    Args:
        body: images -> dict of maps "0", "1", ...
        depths: channels of those maps.
        out_channels: of the pyramid.
        norm: of a number of channels, the layer behind its convolutions; None is none.

    Attributes:
        levels: names of the maps but "pool": those that RoIs look at.

    Lin et al., Feature Pyramid Networks, CVPR 2017, figure 3.
    Taught in chapters/13_mask_rcnn_finetuning.
    """

    def __init__(
        self,
        body: nn.Module,
        depths: list[int],
        out_channels: int,
        norm: Callable[[int], nn.Module] | None = None,
    ):
        super().__init__()
        self.body, self.out_channels = body, out_channels
        self.levels = [str(i) for i in range(len(depths))]
        self.fpn = FeaturePyramidNetwork(depths, out_channels, LastLevelMaxPool(), norm)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """The maps of the pyramid, finest first."""
        return self.fpn(self.body(images))


class ResNetBody(nn.Module):
    """The course's ResNet without its coarsest stages: a dict of maps from stride 4."""

    def __init__(self, name: str, width: int, stages: int):
        super().__init__()
        self.resnet = resnet(name, width=width)
        for i in range(stages, 4):  # what is not looked at is not computed
            setattr(self.resnet, f"layer{i + 1}", nn.Identity())
        self.stages = stages

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """The maps of the stages at strides 4, 8, ... px."""
        maps = self.resnet(images)[: self.stages]
        return {str(i): x for i, x in enumerate(maps)}


def resnet_fpn(
    name: str = "resnet18",
    width: int = 16,
    channels: int = 64,
    stages: int = 4,
    start: str | None = None,
) -> Pyramid:
    """A ResNet of any width with a pyramid from stride 4 px on.

    Args:
        name: resnet9, 18, 34, 50 or 101.
        width: channels of the first stage; 64 is the paper's.
        channels: of the pyramid.
        stages: 2, 3 or 4; with 4 the coarsest map but one has a stride of 32 px.
        start: name of a shipped segmentation net of this name and width, whose
            backbone to start from; None starts at random.

    Raises:
        InputError: for an unknown name, or a start that does not fit.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    body = ResNetBody(name, width, stages)
    if start is not None:
        take_backbone(body.resnet, weights_dir() / f"{start}.safetensors")
    depths = [width * (4 if name in ("resnet50", "resnet101") else 1) * 2**i
              for i in range(stages)]  # fmt: skip
    return Pyramid(body, depths, channels)


def take_backbone(net: nn.Module, path: Path) -> None:
    """Copy the weights of a shipped segmentation net's backbone into ``net``."""
    _, weights = read_net_file(path)
    own, prefix = net.state_dict(), "backbone."
    found = {k.removeprefix(prefix): v for k, v in weights.items()}
    wrong = [k for k in own if k not in found or found[k].shape != own[k].shape]
    if wrong:
        raise InputError(
            f"the backbone in {path.name} does not fit: {wrong[0]} is missing or of "
            "another shape; use the same name and width"
        )
    net.load_state_dict({k: found[k] for k in own})


def squeezenet_fpn(
    channels: int = 64,
    weights: str | None = None,
    finest: int = 4,
    frozen: int = 0,
) -> Pyramid:
    """SqueezeNet 1.0 with a pyramid at strides 4, 8 and 16 px.

    Args:
        channels: of the pyramid, a multiple of 8.
        weights: of ImageNet, as ``models.classifiers.classifier`` takes them: None,
            a path, or "real".
        finest: stride of the finest map, 4 or 8 px.
        frozen: of the 13 layers, how many keep their weights.

    Its first convolution is padded, so that every map covers the whole picture, and
    the pyramid has group norms: SqueezeNet has none, and its maps are in the hundreds.
    Taught in chapters/13_mask_rcnn_finetuning.
    """
    features = classifier("squeezenet1_0", weights)[0].features
    features[0].padding = (3, 3)
    features[:frozen].requires_grad_(False)
    ends = {"5": 256, "10": 512, "12": 512} if finest == 4 else {"10": 512, "12": 512}
    names = {layer: str(i) for i, layer in enumerate(ends)}
    body = IntermediateLayerGetter(features, names)
    return Pyramid(body, list(ends.values()), channels, partial(nn.GroupNorm, 8))


def mobilenet_single(weights: str | None = None) -> nn.Module:
    """The features of MobileNetV2: one map of 1,280 channels at stride 32 px.

    Args:
        weights: None, or the path of torchvision's state dict of the whole net.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    net = models.mobilenet_v2(weights=None)
    if weights is not None:
        net.load_state_dict(torch.load(weights, weights_only=True))
    net.features.out_channels = 1280
    return net.features


BACKBONES = {
    "resnet": resnet_fpn,
    "squeezenet": squeezenet_fpn,
    "mobilenet": mobilenet_single,
}


def build_backbone(kind: str, **options) -> nn.Module:
    """One of ``BACKBONES`` by name; an unknown one lists them."""
    if kind not in BACKBONES:
        known = ", ".join(BACKBONES)
        raise InputError(f"there is no backbone {kind!r}; choose one of {known}")
    return BACKBONES[kind](**options)
