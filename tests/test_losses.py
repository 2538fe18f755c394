"""Losses against torch and against slow loops."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.losses import cross_entropy, lovasz_softmax, shrink_labels


def case(seed, classes=4):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, classes, 5, 6, generator=generator, requires_grad=True)
    labels = torch.randint(0, classes, (2, 5, 6), generator=generator)
    labels[torch.rand(2, 5, 6, generator=generator) < 0.2] = 255
    return logits, labels


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31))
def test_cross_entropy_is_torchs_over_the_kept_pixels(seed):
    logits, labels = case(seed)
    keep = labels != 255
    picked = logits.movedim(1, -1)[keep].log_softmax(-1)
    slow = -picked[torch.arange(len(picked)), labels[keep]].mean()
    torch.testing.assert_close(cross_entropy(logits, labels), slow)


def test_all_void_gives_zero_and_a_gradient():
    logits, labels = case(0)
    loss = cross_entropy(logits, torch.full_like(labels, 255))
    loss.backward()
    assert loss.item() == 0 and logits.grad.abs().sum() == 0


def test_labels_of_another_size_keep_their_ids():
    labels = torch.tensor([[[0, 0, 7, 7], [0, 0, 7, 7], [3, 3, 255, 255]]])
    assert set(shrink_labels(labels, (2, 2)).unique().tolist()) <= {0, 3, 7, 255}
    logits = torch.randn(1, 8, 2, 2)
    small = shrink_labels(labels, (2, 2))
    expected = F.cross_entropy(logits, small, ignore_index=255)
    torch.testing.assert_close(cross_entropy(logits, labels), expected)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31))
def test_lovasz_of_hard_answers_is_one_minus_mean_iou(seed):
    logits, labels = case(seed)
    answer = logits.argmax(1)
    hard = 1e4 * F.one_hot(answer, 4).movedim(-1, 1).float()
    keep = labels != 255
    ious = []
    for c in labels[keep].unique():
        truth, found = labels[keep] == c, answer[keep] == c
        ious.append((truth & found).sum() / (truth | found).sum())
    expected = 1 - torch.stack(ious).mean()
    loss = lovasz_softmax(hard, labels)
    torch.testing.assert_close(loss, expected, atol=1e-5, rtol=0)


def test_lovasz_has_a_gradient_that_lowers_it():
    logits, labels = case(5)
    loss = lovasz_softmax(logits, labels)
    loss.backward()
    better = lovasz_softmax(logits.detach() - 10 * logits.grad, labels)
    assert better < loss
    void = torch.full_like(labels, 255)
    assert lovasz_softmax(logits, void).item() == pytest.approx(0)
