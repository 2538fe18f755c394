"""Anchors against torchvision's generator, matcher and coder."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_boxes import random_boxes
from torchvision.models.detection._utils import BoxCoder, Matcher
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList

from course_lib.detection.anchors import anchor_grid, decode, encode, match
from course_lib.detection.boxes import box_area, box_iou
from course_lib.errors import InputError

seeds = st.integers(0, 2**31)


def test_one_cell_by_hand():
    got = anchor_grid((1, 1), 16, [16], [1, 4])  # centre (8, 8)
    expected = torch.tensor([[0.0, 0, 16, 16], [4, -8, 12, 24]])
    torch.testing.assert_close(got, expected)
    assert box_area(got).tolist() == [256, 256]


@pytest.mark.parametrize("cells, stride", [((3, 5), 16), ((1, 1), 32), ((7, 2), 8)])
def test_the_grid_is_torchvisions_moved_to_the_centres(cells, stride):
    sizes, ratios = (16, 64, 128), (0.5, 1.0, 2.0)
    height, width = cells[0] * stride, cells[1] * stride
    generator = AnchorGenerator((sizes,), (ratios,))
    image = ImageList(torch.zeros(1, 3, height, width), [(height, width)])
    theirs = generator(image, [torch.zeros(1, 8, *cells)])[0]
    # theirs: ratios outermost, corners rounded, around the top left of the cell
    theirs = theirs.view(-1, 3, 3, 4).transpose(1, 2).reshape(-1, 4)
    ours = anchor_grid(cells, stride, sizes, ratios)
    assert ours.shape == (cells[0] * cells[1] * 9, 4)
    torch.testing.assert_close(ours - stride / 2, theirs, rtol=0, atol=0.5001)


@settings(max_examples=50, deadline=None)
@given(seeds, st.integers(0, 40), st.integers(1, 6), st.booleans())
def test_matching_agrees_with_torchvision(seed, n, m, keep_best):
    iou = box_iou(random_boxes(seed, n), random_boxes(seed + 1, m))
    iou = iou[:, iou.sum(dim=0) > 0]  # theirs gives a box alone all anchors
    got = match(iou, 0.4, 0.3, keep_best)
    if iou.numel() == 0:
        assert got.tolist() == [-1] * n
        return
    expected = Matcher(0.4, 0.3, allow_low_quality_matches=keep_best)(iou.T)
    assert got.equal(expected)


def test_the_ignore_band_by_hand():
    iou = torch.tensor([[0.1, 0.45], [0.4, 0.2], [0.35, 0.3], [0.05, 0.0]])
    assert match(iou, 0.4, 0.3).tolist() == [1, 0, -2, -1]
    assert match(iou, 0.4, 0.4).tolist() == [1, 0, -1, -1]
    low = torch.tensor([[0.2], [0.1], [0.2]])
    assert match(low, 0.4, 0.3).tolist() == [-1, -1, -1]
    assert match(low, 0.4, 0.3, keep_best=True).tolist() == [0, -1, 0]


def test_a_box_that_meets_no_anchor_takes_none():
    assert match(torch.zeros(3, 1), 0.5, 0.4, keep_best=True).tolist() == [-1] * 3


@settings(max_examples=50, deadline=None)
@given(seeds, st.integers(0, 30))
def test_decode_undoes_encode_and_both_agree_with_torchvision(seed, count):
    boxes, anchors = random_boxes(seed, count), random_boxes(seed + 1, count)
    coder = BoxCoder((1.0, 1.0, 1.0, 1.0))
    deltas = encode(boxes, anchors)
    expected = coder.encode_single(boxes, anchors)
    torch.testing.assert_close(deltas, expected, rtol=0, atol=1e-4)
    kept = deltas[:, 2:].max(dim=1).values < math.log(1000 / 16) if count else []
    back = decode(deltas, anchors)
    torch.testing.assert_close(back[kept], boxes[kept], rtol=0, atol=1e-2)
    wild = 9 * deltas
    expected = coder.decode_single(wild, anchors)
    torch.testing.assert_close(decode(wild, anchors), expected, rtol=1e-5, atol=1e-2)


def test_gradients_agree_with_torchvision():
    deltas, anchors = torch.randn(50, 4), random_boxes(3, 50)
    ours, theirs = deltas.clone().requires_grad_(), deltas.clone().requires_grad_()
    weight = torch.randn(50, 4)
    (decode(ours, anchors) * weight).sum().backward()
    theirs_boxes = BoxCoder((1.0, 1.0, 1.0, 1.0)).decode_single(theirs, anchors)
    (theirs_boxes * weight).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-5, atol=1e-4)


def test_an_untrained_net_makes_no_infinite_box():
    boxes = decode(torch.full((1, 4), 1000.0), torch.tensor([[0.0, 0, 10, 10]]))
    assert boxes.isfinite().all()


@pytest.mark.parametrize(
    "call, told",
    [
        (lambda: anchor_grid((0, 4), 16, [32]), "numbers above 0"),
        (lambda: anchor_grid((4, 4), 16, [32], [-1]), "numbers above 0"),
        (lambda: match(torch.zeros(2, 1), 0.3, 0.4), "0 <= negative <= positive <= 1"),
    ],
)
def test_wrong_input_is_refused(call, told):
    with pytest.raises(InputError, match=told):
        call()
