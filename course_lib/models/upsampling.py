"""Upsampling by transposed convolution: the bilinear kernel and its relatives.

Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016,
chapter 4; Long, Shelhamer and Darrell, Fully Convolutional Networks for Semantic
Segmentation, CVPR 2015, section 3.3. Taught in
chapters/03_transposed_conv_upsampling.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.errors import InputError


def kernel_size(factor: int) -> int:
    """Side of the bilinear kernel, 2 f - f mod 2: odd for odd f, even for even f."""
    if factor < 1 or factor != int(factor):
        raise InputError(f"factor is {factor}; give a whole number from 1 on")
    return 2 * factor - factor % 2


def bilinear_kernel(factor: int) -> Tensor:
    """The weights that make a transposed convolution of stride f bilinear.

    Args:
        factor: f, how many times larger the map becomes.

    Returns:
        (k, k) float32 with k = ``kernel_size(factor)``: a pyramid, 1 - d / f at a
        distance of d cells from the middle in either axis, sums to f * f.

    Raises:
        InputError: if the factor is no whole number from 1 on.

    Taught in chapters/03_transposed_conv_upsampling.
    """
    size = kernel_size(factor)
    distance = torch.arange(size) - (size - 1) / 2  # (k,)
    tent = 1 - distance.abs() / factor
    return tent[:, None] * tent


class BilinearUpsample(nn.ConvTranspose2d):
    """Bilinear upsampling as a layer: one kernel a channel, which may learn.

    (B, C, h, w) -> (B, C, f h, f w). As built it equals ``F.interpolate`` with
    ``align_corners=False``.

    Args:
        channels: C; each has a kernel of its own and none sees another.
        factor: f.
        border: "replicate" repeats the outermost cells, as ``F.interpolate`` does;
            "zeros" is the bare transposed convolution, which fades to zero in the
            outermost f / 2 pixels.

    Raises:
        InputError: for another border, and as ``bilinear_kernel``.

    Long et al., CVPR 2015, section 3.3, there with a dense kernel. Taught in
    chapters/03_transposed_conv_upsampling.
    """

    def __init__(self, channels: int, factor: int, border: str = "replicate"):
        if border not in ("replicate", "zeros"):
            raise InputError(f"border is {border!r}; choose 'replicate' or 'zeros'")
        size = kernel_size(factor)
        self.margin = 1 if border == "replicate" else 0  # cells added on each side
        padding = (size - factor) // 2 + self.margin * factor  # px cut on each side
        super().__init__(
            channels, channels, size, factor, padding, groups=channels, bias=False
        )
        with torch.no_grad():
            self.weight.copy_(bilinear_kernel(factor))  # (C, 1, k, k)

    def forward(self, x: Tensor) -> Tensor:
        """The map, ``factor`` times as high and wide."""
        return super().forward(F.pad(x, (self.margin,) * 4, mode="replicate"))


def convolution_matrix(
    kernel: Tensor, size: tuple[int, int], stride: int = 1, padding: int = 0
) -> Tensor:
    """The matrix that does to a flattened picture what a convolution does.

    Its transpose does what the transposed convolution with the same numbers does.

    Args:
        kernel: (k, k).
        size: (H, W) of the picture.
        stride: of the convolution.
        padding: of the convolution, zeros on each side.

    Returns:
        (h * w, H * W), for a map of (h, w): column i is the answer to a picture
        that is 1 at pixel i and 0 elsewhere.

    Dumoulin and Visin, 2016, section 4.1. Taught in
    chapters/03_transposed_conv_upsampling.
    """
    pixels = size[0] * size[1]
    units = torch.eye(pixels, dtype=kernel.dtype).view(pixels, 1, *size)
    answers = F.conv2d(units, kernel[None, None], None, stride, padding)
    return answers.flatten(1).T
