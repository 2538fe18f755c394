"""Non-maximum suppression against torchvision and against brute force."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_boxes import random_boxes
from torchvision import ops

from course_lib.detection.nms import class_wise_nms, nms, soft_nms
from course_lib.errors import InputError

seeds = st.integers(0, 2**31)
counts = st.integers(0, 40)
thresholds = st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0])


def scores_of(seed: int, count: int, levels: int = 0) -> torch.Tensor:
    """Random scores; with ``levels`` many of them are equal."""
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(count, generator=generator)
    return (scores * levels).ceil() / levels if levels else scores


def iou(a, b):
    """IoU of two lists of four numbers, one line a step."""
    wide = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    tall = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = sum((x[2] - x[0]) * (x[3] - x[1]) for x in (a, b))
    return wide * tall / (areas - wide * tall)


@settings(max_examples=60, deadline=None)
@given(seeds, counts, thresholds, st.sampled_from([0, 4]))
def test_nms_agrees_with_torchvision(seed, count, threshold, levels):
    boxes, scores = random_boxes(seed, count), scores_of(seed, count, levels)
    assert nms(boxes, scores, threshold).equal(ops.nms(boxes, scores, threshold))
    labels = torch.arange(count) % 3
    got = class_wise_nms(boxes, scores, labels, threshold)
    parts = [  # torchvision's own moves boxes as well: here each label is done alone
        torch.where(labels == label)[0][
            ops.nms(boxes[labels == label], scores[labels == label], threshold)
        ]
        for label in range(3)
    ]
    assert got.sort().values.equal(torch.cat(parts).sort().values)


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(0, 12), st.sampled_from(["gaussian", "linear"]))
def test_soft_nms_agrees_with_loops(seed, count, method):
    boxes, scores = random_boxes(seed, count), scores_of(seed, count)
    left = dict(enumerate(scores.tolist()))
    expected = []
    while left and max(left.values()) > 0.1:
        best = max(left, key=left.get)
        expected.append((best, left.pop(best)))
        for i in left:
            overlap = iou(boxes[best].tolist(), boxes[i].tolist())
            if method == "gaussian":
                left[i] *= math.exp(-(overlap**2) / 0.5)
            elif overlap > 0.5:
                left[i] *= 1 - overlap
    kept, new = soft_nms(boxes, scores, threshold=0.1, method=method)
    assert kept.tolist() == [i for i, _ in expected]
    assert new.tolist() == pytest.approx([score for _, score in expected], abs=1e-5)


def test_two_people_who_hide_each_other():
    boxes = torch.tensor([[0.0, 0, 10, 20], [4, 0, 14, 20], [0, 1, 10, 21]])
    scores = torch.tensor([0.9, 0.8, 0.7])
    assert nms(boxes, scores, 0.4).tolist() == [0]
    assert nms(boxes, scores, 0.5).tolist() == [0, 1]
    kept, new = soft_nms(boxes, scores)
    assert kept.tolist() == [0, 1, 2] and new[1] > 2 * new[2]


def test_an_overlap_of_just_the_threshold_is_kept():
    boxes = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 2]])  # IoU 0.5
    assert nms(boxes, torch.tensor([0.9, 0.8]), 0.5).tolist() == [0, 1]


def test_wrong_input_is_refused():
    with pytest.raises(InputError, match="one score for each box"):
        nms(torch.zeros(3, 4), torch.zeros(2), 0.5)
    with pytest.raises(InputError, match="choose gaussian or linear"):
        soft_nms(torch.zeros(3, 4), torch.zeros(3), method="hard")
