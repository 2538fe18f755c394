"""Checks of chapters/02_fcn_conversion."""

import torch

from course_lib.teaching.checks import exercise, expect

CONV, POOL = (3, 1, 1), (2, 2, 0)  # kernel, stride, padding


@exercise("02.1")
def output_size(answer):
    """Cells along one side after a chain of layers."""
    expect("5 px, one layer (3, 1, 0)", answer(5, [(3, 1, 0)]), 3)
    expect("5 px, one layer (3, 1, 1)", answer(5, [(3, 1, 1)]), 5)
    expect("7 px, one layer (2, 2, 0)", answer(7, [(2, 2, 0)]), 3)
    expect("224 px, one layer (7, 2, 3)", answer(224, [(7, 2, 3)]), 112)
    expect("9 px, layers (3, 1, 0), (2, 2, 0)", answer(9, [(3, 1, 0), POOL]), 3)
    vgg = 2 * [CONV, CONV, POOL] + 3 * [CONV, CONV, CONV, POOL] + [(7, 1, 0)]
    expect("500 px, VGG-16 up to fc6", answer(500, vgg), 9)


@exercise("02.2")
def activation_map(answer):
    """The class activation map of a net with global average pooling."""
    features = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[0.0, 1.0], [0.0, 1.0]]])
    weight, bias = torch.tensor([[1.0, 0.0], [1.0, 10.0]]), torch.tensor([0.5, -1.0])
    asked = "class 0 of the example in the text"
    expect(asked, answer(features, weight, bias, 0), [[1.5, 2.5], [3.5, 4.5]])
    asked = "class 1 of the example in the text"
    expect(asked, answer(features, weight, bias, 1), [[0.0, 11.0], [2.0, 13.0]])
    drawn = torch.Generator().manual_seed(2)
    features = torch.randn(8, 3, 5, generator=drawn)
    weight, bias = torch.randn(4, 8, generator=drawn), torch.randn(4, generator=drawn)
    logits = weight @ features.mean(dim=(1, 2)) + bias  # (4,)
    got = answer(features, weight, bias, 3)
    expect("the shape of the map of 8 x 3 x 5 features", list(got.shape), [3, 5])
    expect("the mean of that map", got.mean(), logits[3])


@exercise("02.3")
def pad_to(answer):
    """A picture, padded at the right and below to a multiple."""
    image = torch.ones(3, 30, 70)
    got = answer(image, 32)
    shape = None if got is None else list(got.shape)
    expect("the shape of a (3, 30, 70) picture, multiple 32", shape, [3, 32, 96])
    corner = "a picture of ones: the mean of the top left 30 x 70 pixels"
    expect(corner, got[:, :30, :70].mean(), 1.0)
    expect("the sum of all its pixels, zeros added,", got.sum(), image.sum())
    shape = list(answer(torch.ones(3, 64, 96), 32).shape)
    expect("the shape of a (3, 64, 96) picture, multiple 32", shape, [3, 64, 96])
