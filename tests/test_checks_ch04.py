"""The checks of chapter 04 see the typical wrong answers."""

import pytest
import torch
import torch.nn.functional as F

from course_lib.crf import mean_field
from course_lib.teaching import check


def energy_of(labels, unary, k, w):
    different = labels[:, None] != labels
    costs = unary[labels, torch.arange(len(labels))].sum()
    return costs + w * (k * different).sum() / 2


def counts_pairs_twice(labels, unary, k, w):
    different = labels[:, None] != labels
    return unary[labels, torch.arange(len(labels))].sum() + w * (k * different).sum()


def pays_for_equal(labels, unary, k, w):
    equal = torch.triu(labels[:, None] == labels, 1)
    return unary[labels, torch.arange(len(labels))].sum() + w * (k * equal).sum()


def one_round(q, unary, k, compat):
    return (compat @ q @ k - unary).softmax(dim=0)


def from_the_wrong_side(q, unary, k, compat):
    return (compat.T @ q @ k - unary).softmax(dim=0)


def over_pixels(q, unary, k, compat):
    return (compat @ q @ k - unary).softmax(dim=1)


def forgets_the_net(q, unary, k, compat):
    return (compat @ q @ k).softmax(dim=0)


def learner(sign=1, detach=True, most=100):
    def learn_compat(image, probabilities, labels, steps):
        compat = torch.zeros(2, 2, requires_grad=True)
        optimiser = torch.optim.Adam([compat], lr=0.3)
        for _ in range(min(steps, most)):
            q = mean_field(
                image, probabilities, gaussian_sxy=1, gaussian_compat=0.0,
                bilateral_sxy=5, bilateral_srgb=20, bilateral_compat=compat,
                iterations=3,
            )  # fmt: skip
            log_q = q.clamp(1e-8).log()[None]
            loss = sign * F.nll_loss(log_q, labels[None], ignore_index=255)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return compat.detach() if detach else compat

    return learn_compat


@pytest.mark.parametrize("number, answer, told", [
    ("04.1", counts_pairs_twice, "labels 0 and 1: your answer gives 7"),
    ("04.1", pays_for_equal, "labels 0 and 1: your answer gives 5"),
    ("04.1", lambda *_: None, "is there a return?"),
    ("04.2", from_the_wrong_side, "compat [[0, 5], [0, 0]]: label 0"),
    ("04.2", over_pixels, "compat [[0, 5], [0, 0]]: label 0"),
    ("04.2", forgets_the_net, "six pixels, three labels"),
    ("04.3", learner(sign=-1), "expected less than a quarter"),
    ("04.3", learner(most=2), "expected less than a quarter"),
    ("04.3", learner(detach=False), "detach it"),
    ("04.3", lambda *_: torch.eye(2), "after 0 steps"),
])  # fmt: skip
def test_wrong_answers_are_told_apart(capsys, number, answer, told):
    check(number, answer)
    line = capsys.readouterr().out
    assert line.startswith(f"Exercise {number}: not yet.") and told in line, line


@pytest.mark.parametrize("number, answer", [
    ("04.1", energy_of), ("04.2", one_round), ("04.3", learner())])  # fmt: skip
def test_right_answers_pass(capsys, number, answer):
    check(number, answer)
    assert capsys.readouterr().out == f"Exercise {number}: correct.\n"
