"""A Darknet net: layers in a row, where some look further back."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.detection.darknet.cfg import Section
from course_lib.detection.darknet.heads import Head, Output
from course_lib.detection.darknet.layers import Convolutional
from course_lib.detection.darknet.plan import input_shape, plan
from course_lib.detection.darknet.weights import Header
from course_lib.errors import InputError


class Darknet(nn.Module):
    """A net of the sections of a cfg, with random weights.

    Attributes:
        sections: what it was built from.
        layers: a module for each section but [net], counted as Darknet does.
        heads: a ``Head`` for each map of the output.
        input: channels, height and width that the cfg names.
        header: of the weights file, kept to be written again.

    Redmon and Farhadi, YOLOv3: An Incremental Improvement, 2018.
    Taught in chapters/14_yolov3_darknet.
    """

    def __init__(self, sections: Sequence[Section]):
        """Plan, check and build the net.

        Raises:
            InputError: naming the section that cannot be built.
        """
        super().__init__()
        planned = plan(sections)
        self.sections = list(sections)
        self.layers = nn.ModuleList(layer.build() for layer in planned)
        self.sources = [layer.inputs for layer in planned]
        self.kept = {i for at, s in enumerate(self.sources) for i in s if i != at - 1}
        self.input = input_shape(sections)
        self.fits = {self.size}
        self.header = Header()

    @property
    def heads(self) -> list[Head]:
        """What the maps of the output mean, in their order."""
        return [layer.head for layer in self.layers if isinstance(layer, Output)]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels that the cfg names."""
        return self.input[1:]

    @property
    def stride(self) -> int:
        """The sides of an input must be multiples of this number of pixels."""
        return max((head.stride for head in self.heads), default=1)

    def check(self, shape: tuple[int, ...]) -> None:
        """InputError where an input of that shape, (..., C, H, W), cannot be."""
        if len(shape) < 3 or shape[-3] != self.input.c:
            raise InputError(
                f"{self.sections[0].where}: the net takes (B, {self.input.c}, H, W), "
                f"not {tuple(shape)}; give pictures with {self.input.c} channels"
            )
        if (size := tuple(shape[-2:])) not in self.fits:
            plan(self.sections, size)
            self.fits.add(size)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Run the net.

        Args:
            x: (B, 3, H, W) float, RGB in 0 to 1.

        Returns:
            Raw maps (B, A * (5 + C), h, w), one a head; of a classifier the one
            output (B, classes, 1, 1).

        Raises:
            InputError: where the net cannot take an input of that shape.
        """
        self.check(x.shape)
        outputs: dict[int, Tensor] = {-1: x}
        maps = []
        for i, (layer, sources) in enumerate(
            zip(self.layers, self.sources, strict=True)
        ):
            x = layer([x if j == i - 1 else outputs[j] for j in sources])
            if i in self.kept:
                outputs[i] = x
            if isinstance(layer, Output):
                maps.append(x)
        return maps or [x]


def fused(net: Darknet) -> Darknet:
    """A copy for evaluation, its batch normalisations folded into the convolutions.

    Taught in chapters/14_yolov3_darknet.
    """
    from copy import deepcopy

    net = deepcopy(net).eval()
    for layer in net.layers:
        if isinstance(layer, Convolutional) and layer.norm is not None:
            layer.conv = nn.utils.fuse_conv_bn_eval(layer.conv, layer.norm)
            layer.norm = None
    return net.to(memory_format=torch.channels_last)
