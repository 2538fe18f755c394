"""From a classifier to a dense predictor, by moving weights and nothing else.

Long, Shelhamer and Darrell, Fully Convolutional Networks for Semantic
Segmentation, CVPR 2015, section 3.1. Taught in chapters/02_fcn_conversion.
"""

import copy

import torch
from torch import Tensor, nn

from course_lib.errors import InputError


def linear_to_conv(linear: nn.Linear, channels: int, size: int) -> nn.Conv2d:
    """The convolution that does to a window what ``linear`` did to the whole.

    Args:
        linear: takes channels * size * size numbers, a flattened (channels, size,
            size) map.
        channels: of that map.
        size: its height and width, in cells.

    Returns:
        A convolution with a size x size kernel, no padding, and the same numbers as
        weights (not a copy). A map of size x size gives (B, K, 1, 1), the answer of
        ``linear``; a larger one gives a map of answers.

    Raises:
        InputError: if the numbers do not multiply to what ``linear`` takes.

    Long et al., CVPR 2015, section 3.1. Taught in chapters/02_fcn_conversion.
    """
    if linear.in_features != channels * size * size:
        raise InputError(
            f"the layer takes {linear.in_features} numbers, not {channels} channels "
            f"of {size} x {size}; pass the shape of the map before the flattening"
        )
    # "meta": no room is set aside for weights that are about to be replaced
    conv = nn.Conv2d(channels, linear.out_features, size, device="meta")
    conv.weight = nn.Parameter(linear.weight.detach().view(-1, channels, size, size))
    conv.bias = linear.bias
    return conv


def to_dense(classifier: nn.Module) -> nn.Sequential:
    """A classifier as a net that answers at every place it can stand.

    Args:
        classifier: a torchvision VGG, SqueezeNet or ResNet, or a ``SmallVGG``. It
            is left as it is.

    Returns:
        A net in evaluation mode from images (B, 3, H, W) to logits (B, K, h, w).
        VGG (and SmallVGG) lose the pooling that fixed their input size and get
        convolutions for their linear layers; for VGG-16, h = H // 32 - 6.
        SqueezeNet and ResNet lose their average over all places: the map is what
        was averaged, a *class activation map* (Zhou et al., CVPR 2016), and its
        mean over h, w gives the classifier's logits back.

    Raises:
        InputError: for another kind of net.

    Long et al., CVPR 2015, section 3.1. Taught in chapters/02_fcn_conversion.
    """
    net = copy.deepcopy(classifier).eval()
    if hasattr(net, "fc"):  # ResNet: average, flatten, fc
        score = linear_to_conv(net.fc, net.fc.in_features, 1)
        return nn.Sequential(*_before(net, "avgpool"), score)
    layers = list(getattr(net, "classifier", []))
    kinds = {type(layer) for layer in layers}
    if nn.AdaptiveAvgPool2d in kinds:  # SqueezeNet: 1x1 convolution, average
        kept = [m for m in layers if not isinstance(m, nn.AdaptiveAvgPool2d)]
        return nn.Sequential(*net.features, *kept)
    if nn.Linear in kinds:  # VGG: flatten, fc6, fc7, fc8
        return nn.Sequential(*net.features, *_convolutions(net.features, layers))
    raise InputError(
        f"there is no rule to convert a {type(classifier).__name__}; give a VGG, "
        "SqueezeNet, ResNet or SmallVGG"
    )


def _before(net: nn.Module, name: str) -> list[nn.Module]:
    """The children of a net that come before the one called ``name``."""
    names, layers = zip(*net.named_children(), strict=True)
    return list(layers[: names.index(name)])


def _convolutions(features: nn.Sequential, layers: list[nn.Module]) -> list[nn.Module]:
    """The linear layers as convolutions; the first spans the whole feature map."""
    convs = [layer for layer in features if isinstance(layer, nn.Conv2d)]
    channels = convs[-1].out_channels
    dense = []
    for layer in layers:
        if isinstance(layer, nn.Linear):
            size = round((layer.in_features / channels) ** 0.5)
            layer = linear_to_conv(layer, channels, size)
            channels = layer.out_channels
        dense.append(layer)
    return dense


def slide(classifier: nn.Module, image: Tensor, size: int, stride: int) -> Tensor:
    """Classify every window of a picture, one after the other: the slow way.

    Args:
        classifier: takes (1, 3, size, size), gives (1, K).
        image: (3, H, W) float32, H and W at least ``size``.
        size: of the square window, in pixels.
        stride: between windows, in pixels.

    Returns:
        (K, h, w) logits, h = (H - size) // stride + 1.

    Raises:
        InputError: if the picture is smaller than the window.

    Taught in chapters/02_fcn_conversion.
    """
    height, width = image.shape[-2:]
    if min(height, width) < size:
        raise InputError(
            f"the picture is {height} x {width} px, smaller than the window of "
            f"{size}; enlarge it or pad it"
        )
    rows = [
        torch.cat(
            [
                classifier(image[None, :, y : y + size, x : x + size])  # (1, K)
                for x in range(0, width - size + 1, stride)
            ]
        )
        for y in range(0, height - size + 1, stride)
    ]
    return torch.stack(rows).permute(2, 0, 1)  # (h, w, K) -> (K, h, w)
