"""Checks of chapters/15_training_yolo."""

import torch
from torch import nn

from course_lib.teaching.checks import exercise, expect

REFUSED = {
    "'0 100 60 40 20', whose numbers are pixels": "0 100 60 40 20",
    "'0 -0.1 0.5 0.2 0.2', which has a share below 0": "0 -0.1 0.5 0.2 0.2",
    "'0 0.5 0.5 0.2', which lacks a number": "0 0.5 0.5 0.2",
    "'1.5 0.5 0.5 0.2 0.2', whose class is no whole number": "1.5 0.5 0.5 0.2 0.2",
}


@exercise("15.1")
def read_label(answer):
    """Label and pixel corners of a YOLO line; wrong lines are refused."""
    got = answer("0 0.375 0.375 0.25 0.25", 192, 256)
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise AssertionError(f"give the pair (label, box); your function gave {got!r}")
    expect("the label of '0 0.375 0.375 0.25 0.25'", got[0], 1)
    asked = "the box of '0 0.375 0.375 0.25 0.25' in a picture 256 px wide, 192 high"
    expect(asked, got[1], [64.0, 48.0, 128.0, 96.0])
    label, box = answer("2 0.75 0.1 0.5 0.2", 100, 40)
    expect("the label of '2 0.75 0.1 0.5 0.2'", label, 3)
    asked = "the box of '2 0.75 0.1 0.5 0.2' in a picture 40 px wide, 100 high"
    expect(asked, box, [20.0, 0.0, 40.0, 20.0])
    label, box = answer("0 0.5 0.5 1 1", 100, 40)
    asked = "the box of '0 0.5 0.5 1 1', the whole of a picture 40 px wide, 100 high"
    expect(asked, box, [0.0, 0.0, 40.0, 100.0])
    for what, line in REFUSED.items():
        try:
            answer(line, 192, 256)
        except ValueError:
            continue
        raise AssertionError(f"the line {what}, should raise a ValueError")


@exercise("15.2")
def k_means_step(answer):
    """New anchors after one step of k-means with the distance 1 - IoU."""
    sizes = torch.tensor([[8.0, 8.0], [8.0, 16.0], [64.0, 64.0], [64.0, 128.0]])
    anchors = torch.tensor([[8.0, 8.0], [64.0, 64.0]])
    asked = "sizes 8x8, 8x16, 64x64, 64x128 and anchors 8x8, 64x64"
    expect(asked, answer(sizes, anchors), [[8.0, 12.0], [64.0, 96.0]])
    sizes = torch.tensor([[20.0, 10.0], [20.0, 20.0], [60.0, 60.0]])
    anchors = torch.tensor([[20.0, 8.0], [30.0, 30.0]])
    asked = "sizes 20x10, 20x20, 60x60, anchors 20x8, 30x30 (20x20 has IoU 0.40, 0.44)"
    expect(asked, answer(sizes, anchors), [[20.0, 10.0], [40.0, 40.0]])
    sizes = torch.tensor([[20.0, 20.0], [60.0, 60.0]])
    anchors = torch.tensor([[20.0, 20.0], [500.0, 500.0], [50.0, 50.0]])
    given = anchors.clone()
    asked = "sizes 20x20, 60x60, anchors 20x20, 50x50 and 500x500, nearest to none"
    moved = [[20.0, 20.0], [500.0, 500.0], [60.0, 60.0]]
    expect(asked, answer(sizes, anchors), moved)
    if not torch.equal(anchors, given):
        raise AssertionError("your function changed the anchors it was given")


@exercise("15.3")
def assign(answer):
    """Anchor, row, column and the four targets of one box on one map."""
    anchors = torch.tensor([[16.0, 16.0], [50.0, 40.0], [30.0, 90.0]])
    cases = {
        (68.0, 48.0, 132.0, 96.0, 16): (1, 4, 6, [0.25, 0.5, 0.24686, 0.182322]),
        (10.0, 100.0, 26.0, 124.0, 16): (0, 7, 1, [0.125, 0.0, 0.0, 0.405465]),
        # nearest in pixels is 16 x 16, with IoU 0.29; 50 x 40 has 0.44
        (29.0, 40.0, 63.0, 66.0, 8): (1, 6, 5, [0.75, 0.625, -0.385662, -0.430783]),
    }
    for (*box, stride), expected in cases.items():
        got = answer(tuple(box), anchors, stride)
        if not isinstance(got, tuple | list) or len(got) != 4:
            raise AssertionError(
                f"give (anchor, row, column, targets); your function gave {got!r}"
            )
        for name, value, right in zip(
            ("anchor", "row", "column", "targets"), got, expected, strict=True
        ):
            where = f"the {name} for box {box} at stride {stride}"
            expect(where, value, right, atol=1e-3)


@exercise("15.4")
def fold(answer):
    """Weight and bias of the one convolution that a convolution and its norm are."""
    for own, right in ((None, -3.0), (5.0, 7.0)):
        conv = nn.Conv2d(1, 1, 1, bias=own is not None)
        norm = nn.BatchNorm2d(1, eps=1.0).eval()
        values = {conv.weight: 3.0, norm.weight: 4.0, norm.bias: 1.0}
        values |= {norm.running_mean: 2.0, norm.running_var: 3.0}
        with torch.no_grad():
            for tensor, value in values.items():
                tensor.fill_(value)
            if own is not None:
                conv.bias.fill_(own)
            got = answer(conv, norm)
        if not isinstance(got, tuple | list) or len(got) != 2:
            raise AssertionError(
                f"give the pair (weight, bias); your function gave {got!r}"
            )
        case = "weight 3, gamma 4, beta 1, mean 2, variance 3, epsilon 1"
        case += f", bias of its own {own:g}:" if own else ", no bias of its own:"
        expect(f"{case} the weight", got[0].flatten(), [6.0])
        expect(f"{case} the bias", got[1].flatten(), [right])
    with torch.no_grad():
        _random_fold(answer, groups=1)
        _random_fold(answer, groups=3)


def _random_fold(answer, groups):
    generator = torch.Generator().manual_seed(15)
    conv, norm = nn.Conv2d(3, 6, 3, groups=groups), nn.BatchNorm2d(6).eval()
    for tensor in (conv.weight, conv.bias, norm.weight, norm.bias, norm.running_mean):
        tensor.copy_(torch.randn(tensor.shape, generator=generator))
    norm.running_var.copy_(torch.rand(6, generator=generator) + 0.1)
    x = torch.randn(2, 3, 6, 7, generator=generator)
    expected = norm(conv(x))
    weight, bias = answer(conv, norm)
    shapes = [list(weight.shape), list(bias.shape)]
    asked = f"the shapes for 3 to 6 channels in {groups} group(s)"
    expect(asked, shapes, [[6, 3 // groups, 3, 3], [6]])
    got = torch.nn.functional.conv2d(x, weight, bias, groups=groups)
    asked = f"the answer to a random map, {groups} group(s)"
    expect(asked, got, expected, atol=1e-3)
    if not torch.equal(norm(conv(x)), expected):
        raise AssertionError("your function changed the conv or norm it was given")
