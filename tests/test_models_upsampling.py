"""Transposed convolutions against interpolation, autograd and a matrix."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from skimage.transform import resize as skimage_resize

from course_lib.errors import InputError
from course_lib.models.upsampling import (
    BilinearUpsample,
    bilinear_kernel,
    convolution_matrix,
    kernel_size,
)

FACTORS = pytest.mark.parametrize("factor", range(2, 10))
TOLERANCE = {"atol": 1e-5, "rtol": 0}


def test_kernels_by_hand():
    row = torch.tensor([0.25, 0.75, 0.75, 0.25])
    assert torch.equal(bilinear_kernel(2), row[:, None] * row)
    torch.testing.assert_close(bilinear_kernel(3)[2], torch.tensor([1, 2, 3, 2, 1]) / 3)
    assert [kernel_size(f) for f in (1, 2, 3, 4, 32)] == [1, 4, 5, 8, 64]
    assert bilinear_kernel(1).tolist() == [[1.0]]


@FACTORS
def test_every_phase_of_the_kernel_sums_to_one(factor):
    kernel = bilinear_kernel(factor)
    phases = [
        kernel[i::factor, j::factor].sum() for i in range(factor) for j in range(factor)
    ]
    torch.testing.assert_close(torch.stack(phases), torch.ones(factor**2), **TOLERANCE)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (7, 4)])
@pytest.mark.parametrize("factor", range(1, 10))
def test_the_layer_is_interpolate_forward_and_backward(factor, size):
    torch.manual_seed(factor)
    x = torch.randn(2, 3, *size, requires_grad=True)
    ours = BilinearUpsample(3, factor)(x)
    theirs = F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    torch.testing.assert_close(ours, theirs, **TOLERANCE)
    weight = torch.randn_like(ours)
    gradients = [torch.autograd.grad((y * weight).sum(), x)[0] for y in (ours, theirs)]
    torch.testing.assert_close(*gradients, atol=1e-4, rtol=0)


@FACTORS
@pytest.mark.parametrize("border, mode", [("replicate", "edge"), ("zeros", "constant")])
def test_the_layer_is_skimage_at_the_border_too(factor, border, mode):
    x = np.random.default_rng(factor).random((5, 6))
    layer = BilinearUpsample(1, factor, border).double()
    layer.weight.data.copy_(bilinear_kernel(factor).double())
    ours = layer(torch.from_numpy(x)[None, None])[0, 0].detach().numpy()
    size = (5 * factor, 6 * factor)
    theirs = skimage_resize(
        x, size, order=1, mode=mode, anti_aliasing=False, clip=False
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@FACTORS
def test_without_a_border_the_inside_agrees_and_the_rim_fades(factor):
    x = torch.rand(1, 2, 5, 6) + 1
    bare = BilinearUpsample(2, factor, "zeros")(x)
    full = BilinearUpsample(2, factor)(x)
    rim = factor // 2  # px: no cell lies beyond
    inside = (..., slice(rim, -rim), slice(rim, -rim))
    torch.testing.assert_close(bare[inside], full[inside], **TOLERANCE)
    assert (bare[..., 0, :] < full[..., 0, :]).all()
    assert (bare[..., -1] < full[..., -1]).all()


def test_grouped_is_dense_with_zeros_off_the_diagonal():
    layer, x = BilinearUpsample(4, 3, "zeros"), torch.randn(2, 4, 3, 5)
    dense = torch.zeros(4, 4, 5, 5)
    dense[range(4), range(4)] = bilinear_kernel(3)
    expected = F.conv_transpose2d(x, dense, stride=3, padding=1)
    torch.testing.assert_close(layer(x), expected, **TOLERANCE)
    assert layer.weight.numel() * 4 == dense.numel()
    assert layer.weight.requires_grad


@pytest.mark.parametrize("stride, padding", [(1, 0), (2, 0), (2, 1), (3, 1)])
@pytest.mark.parametrize("size", [(4, 4), (5, 7)])
def test_matrix_transpose_layer_and_gradient_are_one(size, stride, padding):
    torch.manual_seed(0)
    kernel = torch.randn(3, 3, dtype=torch.float64)
    matrix = convolution_matrix(kernel, size, stride, padding)
    picture = torch.randn(1, 1, *size, dtype=torch.float64, requires_grad=True)
    weight = kernel[None, None]
    cells = F.conv2d(picture, weight, None, stride, padding)
    torch.testing.assert_close(matrix @ picture.flatten(), cells.flatten())
    small = torch.randn_like(cells)
    by_matrix = (matrix.T @ small.flatten()).view(size)
    left_over = [(n + 2 * padding - 3) % stride for n in size]  # px no window reaches
    by_layer = F.conv_transpose2d(small, weight, None, stride, padding, left_over)
    (by_gradient,) = torch.autograd.grad(cells, picture, small)
    torch.testing.assert_close(by_matrix, by_layer[0, 0])
    torch.testing.assert_close(by_matrix, by_gradient[0, 0])


def test_bad_input_is_one_sentence():
    for factor in (0, 1.5):
        with pytest.raises(InputError, match=f"factor is {factor}; give a whole"):
            bilinear_kernel(factor)
    with pytest.raises(InputError, match="border is 'mirror'; choose"):
        BilinearUpsample(3, 2, "mirror")
