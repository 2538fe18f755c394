"""Formats and overlaps, against torchvision and against a case done by hand."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision import ops
from torchvision.ops import boxes as tv

from course_lib.detection import boxes as b
from course_lib.errors import InputError

LOSSES = {
    "giou": ops.generalized_box_iou_loss,
    "diou": ops.distance_box_iou_loss,
    "ciou": ops.complete_box_iou_loss,
}
seeds = st.integers(0, 2**31)
counts = st.integers(0, 30)


def random_boxes(seed: int, count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    corner, size = torch.rand(2, count, 2, generator=generator) * 100
    return torch.cat([corner, corner + size + 1], dim=1)  # (N, 4)


def test_the_case_of_chapter_12_by_hand():
    one, two = torch.tensor([[1.0, 1, 5, 4]]), torch.tensor([[3.0, 2, 7, 6]])
    shared, together = 2 * 2, 12 + 16 - 4  # square pixels
    assert b.box_iou(one, two).item() == pytest.approx(shared / together)
    around, centres = 6 * 5, 2**2 + 1.5**2
    giou = 4 / 24 - (around - 24) / around
    assert b.paired_iou(one, two, "giou").item() == pytest.approx(giou, abs=1e-6)
    diou = 4 / 24 - centres / (6**2 + 5**2)
    assert b.paired_iou(one, two, "diou").item() == pytest.approx(diou, abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(seeds, counts, counts)
def test_iou_agrees_with_torchvision(seed, n, m):
    one, two = random_boxes(seed, n), random_boxes(seed + 1, m)
    torch.testing.assert_close(b.box_area(one), ops.box_area(one))
    expected = ops.box_iou(one, two)
    torch.testing.assert_close(b.box_iou(one, two), expected, rtol=0, atol=1e-6)
    other = random_boxes(seed + 2, n)
    expected = ops.box_iou(one, other).diagonal()
    got = b.paired_iou(one, other)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("far", [0.0, 500.0])
def test_losses_and_gradients_agree_with_torchvision(kind, far):
    one, two = random_boxes(1, 200), random_boxes(2, 200) + far
    ours, theirs = one.clone().requires_grad_(), one.clone().requires_grad_()
    got, expected = 1 - b.paired_iou(ours, two, kind), LOSSES[kind](theirs, two)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-5)
    got.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(seeds, counts)
def test_formats_agree_with_torchvision_and_come_back(seed, count):
    boxes = random_boxes(seed, count)
    for name in ("xywh", "cxcywh"):
        there = getattr(b, f"xyxy_to_{name}")(boxes)
        expected = tv.box_convert(boxes, "xyxy", name)
        torch.testing.assert_close(there, expected, rtol=0, atol=1e-4)
        back = getattr(b, f"{name}_to_xyxy")(there)
        torch.testing.assert_close(back, boxes, rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", b.KINDS)
def test_points_and_equal_boxes(kind):
    point = torch.tensor([[3.0, 3, 3, 3]], requires_grad=True)
    apart = torch.tensor([[5.0, 5, 5, 5]])
    assert b.box_iou(point, point).item() == 0
    value = b.paired_iou(point, apart, kind)
    value.backward()
    assert -2 <= value.item() <= 0 and point.grad.isfinite().all()
    box = torch.tensor([[1.0, 2, 5, 9]])
    assert b.paired_iou(box, box, kind).item() == pytest.approx(1)


def test_recall_counts_truths():
    truths = torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10], [0, 20, 10, 30]])
    found = torch.tensor([[0.0, 0, 10, 10], [0, 1, 10, 11], [20, 0, 30, 20]])
    assert b.recall(found, truths) == pytest.approx(2 / 3)
    assert b.recall(found, truths, 0.51) == pytest.approx(1 / 3)
    assert b.recall(torch.zeros(0, 4), truths) == 0
    assert math.isnan(b.recall(found, torch.zeros(0, 4)))
    assert math.isnan(b.recall(torch.zeros(0, 4), torch.zeros(0, 4)))


def test_touching_boxes_share_nothing():
    left, right = torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[4.0, 0, 8, 4]])
    assert b.box_iou(left, right).item() == 0
    assert b.paired_iou(left, right, "giou").item() == pytest.approx(0)


@pytest.mark.parametrize(
    "wrong, told",
    [
        (torch.zeros(4, 7), r"shape \(4, 7\), not \(N, 4\) xyxy; did you mean boxes.T"),
        (torch.zeros(4), r"shape \(4,\)"),
        (torch.tensor([[50.0, 60, 20, 30]]), "ends before it starts; if it is xywh"),
    ],
)
def test_wrong_boxes_are_refused_in_one_sentence(wrong, told):
    with pytest.raises(InputError, match=told):
        b.box_area(wrong)
    with pytest.raises(InputError, match=told):
        b.box_iou(wrong, wrong)


def test_an_unknown_overlap_is_refused():
    with pytest.raises(InputError, match="choose from iou, giou, diou, ciou"):
        b.paired_iou(torch.zeros(1, 4), torch.zeros(1, 4), "eiou")
