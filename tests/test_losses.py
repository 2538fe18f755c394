"""Every loss against torch, torchvision, or loops written from its definition.

Tolerance: 1e-5 for values, 1e-5 for gradients, in float32 against float64 loops.
"""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import sigmoid_focal_loss

from course_lib import losses
from course_lib.errors import InputError
from course_lib.losses import (
    LOSSES,
    class_presence,
    cross_entropy,
    dice,
    focal,
    jaccard,
    lovasz_softmax,
    ohem,
    pick_loss,
    shrink_labels,
    supervised,
    tversky,
)

VOID, CLASSES = 255, 4
WEIGHTS = torch.tensor([0.5, 2.0, 0.0, 1.0])
seeds = settings(deadline=None, max_examples=12)(given(st.integers(0, 2**31)))
every = settings(deadline=None, max_examples=12)


def case(seed, classes=CLASSES):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(2, classes, 5, 6, generator=generator)
    labels = torch.randint(0, classes, (2, 5, 6), generator=generator)
    labels[torch.rand(2, 5, 6, generator=generator) < 0.2] = VOID
    return logits.requires_grad_(), labels


def pixels(logits, labels):
    """(logits of a pixel in float64, its class) for every pixel with a class."""
    found = []
    for b in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            for x in range(labels.shape[2]):
                if labels[b, y, x] != VOID:
                    found.append((logits[b, :, y, x].double(), int(labels[b, y, x])))
    return found


def shares(values):
    """Softmax, written out."""
    high = values.max().detach()
    return torch.exp(values - high) / torch.exp(values - high).sum()


def slow_cross_entropy(logits, labels, weights=None, reduction="mean"):
    total, weight = 0, 0
    for values, truth in pixels(logits, labels):
        w = 1.0 if weights is None else weights[truth].double()
        total, weight = total - w * torch.log(shares(values)[truth]), weight + w
    return total if reduction == "sum" else total / weight


def slow_focal(logits, labels, weights=None, gamma=2.0):
    total, weight = 0, 0
    for values, truth in pixels(logits, labels):
        w = 1.0 if weights is None else weights[truth].double()
        p = shares(values)[truth]
        total, weight = total - w * (1 - p) ** gamma * torch.log(p), weight + w
    return total / weight


def slow_ohem(logits, labels, weights=None, threshold=0.7, min_kept=0):
    each = []
    for values, truth in pixels(logits, labels):
        p = shares(values)[truth]
        w = 1.0 if weights is None else weights[truth].double()
        each.append((p, -torch.log(p), w))
    each.sort(key=lambda pixel: float(pixel[0].detach()))
    hard = [pixel for pixel in each if pixel[0] <= threshold]
    hard = hard if len(hard) >= min_kept else each[:min_kept]
    return sum(w * loss for _, loss, w in hard) / sum(w for *_, w in hard)


def slow_tversky(logits, labels, alpha=0.3, beta=0.7):
    index = []
    for c in range(logits.shape[1]):
        hit = taken = left = 0
        for values, truth in pixels(logits, labels):
            p = shares(values)[c]
            if truth == c:
                hit, left = hit + p, left + 1 - p
            else:
                taken = taken + p
        if any(truth == c for _, truth in pixels(logits, labels)):
            index.append(hit / (hit + alpha * taken + beta * left))
    return 1 - sum(index) / len(index)


def slow_lovasz(logits, labels):
    """Equation 8 by its set function: 1 - IoU of a class after n mistakes."""
    found = []
    for c in sorted({truth for _, truth in pixels(logits, labels)}):
        errors = []
        for values, truth in pixels(logits, labels):
            p = shares(values)[c]
            errors.append((1 - p if truth == c else p, truth == c))
        errors.sort(key=lambda error: -float(error[0].detach()))
        size = sum(own for _, own in errors)
        before, total, missed, invented = 0.0, 0, 0, 0
        for error, own in errors:
            missed, invented = missed + own, invented + (not own)
            after = 1 - (size - missed) / (size + invented)
            total, before = total + error * (after - before), after
        found.append(total)
    return sum(found) / len(found)


def slow_presence(logits, labels):
    total = 0
    for b in range(len(labels)):
        for c in range(logits.shape[1]):
            p = 1 / (1 + torch.exp(-logits[b, c].double()))
            shown = any(int(i) == c for i in labels[b].flatten())
            total = total - torch.log(p if shown else 1 - p)
    return total / logits.numel()


def agree(loss, slow, logits, labels, **options):
    """Same value and same gradient with respect to the logits."""
    fast, expected = loss(logits, labels, **options), slow(logits, labels, **options)
    torch.testing.assert_close(fast.double(), expected, atol=1e-5, rtol=1e-5)
    ours, theirs = (torch.autograd.grad(x, logits)[0] for x in (fast, expected))
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


PAIRS = {
    "cross entropy": (cross_entropy, slow_cross_entropy, {}),
    "cross entropy, sum": (cross_entropy, slow_cross_entropy, {"reduction": "sum"}),
    "focal": (focal, slow_focal, {}),
    "focal, gamma 0.5": (focal, slow_focal, {"gamma": 0.5}),
    "ohem": (ohem, slow_ohem, {"threshold": 0.3, "min_kept": 3}),
    "ohem, too few": (ohem, slow_ohem, {"threshold": 1e-3, "min_kept": 20}),
    "tversky": (tversky, slow_tversky, {}),
    "lovasz": (lovasz_softmax, slow_lovasz, {}),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_loops(name, seed):
    loss, slow, options = PAIRS[name]
    agree(loss, slow, *case(seed), **options)


@pytest.mark.parametrize("name", PAIRS)
def test_agrees_with_loops_where_a_class_is_absent(name):
    loss, slow, options = PAIRS[name]
    logits, labels = case(7)
    labels[labels == 2] = 0
    agree(loss, slow, logits, labels, **options)


@pytest.mark.parametrize("name", [n for n in PAIRS if n[0] in "cfo"])
def test_class_weights_agree_with_loops(name):
    loss, slow, options = PAIRS[name]
    def fast(logits, labels):
        return loss(logits, labels, WEIGHTS, **options)

    def loops(logits, labels):
        return slow(logits, labels, WEIGHTS, **options)

    agree(fast, loops, *case(11))


@pytest.mark.parametrize("name", LOSSES)
def test_all_void_gives_zero_and_a_gradient_of_zero(name):
    logits, labels = case(0)
    loss = LOSSES[name](logits, torch.full_like(labels, VOID))
    loss.backward()
    assert loss.item() == 0 and not logits.grad.any()


@pytest.mark.parametrize("name", LOSSES)
def test_void_pixels_do_not_count(name):
    logits, labels = case(3)
    other = logits.detach().clone()
    other.movedim(1, -1)[labels == VOID] = 9.0
    one, two = (LOSSES[name](x, labels) for x in (logits, other))
    torch.testing.assert_close(one, two)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("right", [True, False])
def test_certain_answers_give_finite_losses_and_gradients(name, right):
    """Shares of exactly 0 and 1: log and power have no slope there."""
    _, labels = case(5)
    answer = labels.clamp(max=3) if right else (labels.clamp(max=3) + 1) % CLASSES
    logits = 200 * F.one_hot(answer, CLASSES).movedim(-1, 1).float()
    logits.requires_grad_()
    for loss in (LOSSES[name], lambda x, y: focal(x, y, gamma=0.5)):
        value = loss(logits, labels)
        [gradient] = torch.autograd.grad(value, logits)
        assert value.isfinite() and gradient.isfinite().all()
        assert value.item() == pytest.approx(0, abs=1e-4) if right else value > 0.5


@every
@given(st.integers(0, 2**31), st.floats(0, 4))
def test_focal_of_two_classes_is_torchvisions(seed, gamma):
    generator = torch.Generator().manual_seed(seed)
    x = 4 * torch.randn(2, 5, 6, generator=generator)
    y = torch.randint(0, 2, (2, 5, 6), generator=generator)
    logits = torch.stack([torch.zeros_like(x), x], dim=1)
    theirs = sigmoid_focal_loss(x, y.float(), alpha=-1, gamma=gamma, reduction="mean")
    torch.testing.assert_close(focal(logits, y, gamma=gamma), theirs)


@seeds
def test_identities(seed):
    logits, labels = case(seed)
    plain = F.cross_entropy(logits, labels, ignore_index=VOID)
    close = torch.testing.assert_close
    close(cross_entropy(logits, labels), plain)
    close(focal(logits, labels, gamma=0.0), plain)
    close(ohem(logits, labels, threshold=1.0), plain)
    close(focal(logits, labels, WEIGHTS, gamma=0.0),
          cross_entropy(logits, labels, WEIGHTS))  # fmt: skip
    close(dice(logits, labels), tversky(logits, labels, 0.5, 0.5))
    close(jaccard(logits, labels), tversky(logits, labels, 1.0, 1.0))


@seeds
def test_overlap_losses_of_hard_answers_are_the_scores_they_are_named_after(seed):
    logits, labels = case(seed)
    answer = logits.argmax(1)
    hard = 1e4 * F.one_hot(answer, CLASSES).movedim(-1, 1).float()
    keep = labels != VOID
    ious = []
    for c in labels[keep].unique():
        truth, found = labels[keep] == c, answer[keep] == c
        ious.append((truth & found).sum() / (truth | found).sum())
    ious = torch.stack(ious)
    close = torch.testing.assert_close
    close(lovasz_softmax(hard, labels), 1 - ious.mean(), atol=1e-5, rtol=0)
    close(jaccard(hard, labels), 1 - ious.mean(), atol=1e-5, rtol=0)
    f1 = 2 * ious / (1 + ious)
    close(dice(hard, labels), 1 - f1.mean(), atol=1e-5, rtol=0)


def test_ohem_by_hand():
    """Shares of the true class 0.9, 0.6, 0.2: the first is easy."""
    p = torch.tensor([0.9, 0.6, 0.2])
    logits = torch.stack([p, 1 - p]).log().view(1, 2, 1, 3)
    labels = torch.zeros(1, 1, 3, dtype=torch.long)
    hard = -(math.log(0.6) + math.log(0.2)) / 2
    assert ohem(logits, labels, min_kept=1).item() == pytest.approx(hard, abs=1e-5)
    worst = ohem(logits, labels, threshold=0.1, min_kept=1)
    assert worst.item() == pytest.approx(-math.log(0.2), abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_class_presence_agrees_with_loops(seed):
    _, labels = case(seed)
    labels[0][labels[0] == 1] = 3
    logits = torch.randn(2, CLASSES, requires_grad=True)
    agree(class_presence, slow_presence, logits, labels)


def test_class_presence_counts_no_void():
    void = torch.full((1, 3, 3), VOID)
    sure = torch.full((1, CLASSES), -50.0)
    assert class_presence(sure, void).item() == pytest.approx(0, abs=1e-6)


def test_labels_of_another_size_keep_their_ids():
    labels = torch.tensor([[[0, 0, 7, 7], [0, 0, 7, 7], [3, 3, 255, 255]]])
    assert set(shrink_labels(labels, (2, 2)).unique().tolist()) <= {0, 3, 7, 255}
    logits = torch.randn(1, 8, 2, 2)
    small = shrink_labels(labels, (2, 2))
    for loss in LOSSES.values():
        torch.testing.assert_close(loss(logits, labels), loss(logits, small))


def test_lovasz_and_tversky_have_gradients_that_lower_them():
    for loss in (lovasz_softmax, tversky):
        logits, labels = case(5)
        value = loss(logits, labels)
        value.backward()
        better = loss(logits.detach() - 10 * logits.grad, labels)
        assert better < value


def test_auxiliary_losses_are_added_with_their_weight():
    logits, labels = case(1)
    aux = torch.randn(2, CLASSES, 3, 2)
    total = supervised({"out": logits, "aux": aux}, labels, dice, 0.2)
    expected = dice(logits, labels) + 0.2 * dice(aux, labels)
    torch.testing.assert_close(total, expected)
    torch.testing.assert_close(supervised({"out": logits}, labels),
                               cross_entropy(logits, labels))  # fmt: skip


def test_losses_are_picked_by_name_and_added():
    logits, labels = case(2)
    total = pick_loss("focal+dice", WEIGHTS)(logits, labels)
    expected = focal(logits, labels, WEIGHTS) + dice(logits, labels)
    torch.testing.assert_close(total, expected)


def test_wrong_requests_end_in_a_sentence():
    with pytest.raises(InputError, match="no loss is called 'huber'; known: cross_en"):
        pick_loss("huber")
    with pytest.raises(InputError, match="'dice' knows no class weights"):
        pick_loss("dice", WEIGHTS)
    with pytest.raises(InputError, match="alpha 0, beta 1: both must be above 0"):
        tversky(*case(0), alpha=0, beta=1)


def test_every_weighted_loss_is_known():
    assert set(losses.WEIGHTED) <= set(LOSSES)
