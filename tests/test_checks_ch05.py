"""Each check of chapter 05 with the right answer and with typical wrong ones."""

import pytest
import torch

from course_lib.teaching import check


def masked_mean(losses, labels):
    kept = losses[labels != 255]
    return kept.mean() if len(kept) else losses.sum() * 0


def rate(step, steps, lr, warmup):
    rising = 1 / 3 + 2 / 3 * step / warmup if step < warmup else 1.0
    return lr * rising * max(0.0, 1 - step / steps)


def left_out(net, groups):
    given = {id(p) for group in groups for p in group["params"]}
    pairs = net.named_parameters()
    return [n for n, p in pairs if p.requires_grad and id(p) not in given]


def all_pixels(losses, labels):
    return (losses * (labels != 255)).mean()


def nan_when_empty(losses, labels):
    return losses[labels != 255].mean()


def no_clamp(step, steps, lr, warmup):
    rising = 1 / 3 + 2 / 3 * step / warmup if step < warmup else 1.0
    return lr * rising * (1 - step / steps)


def warm_up_alone(step, steps, lr, warmup):
    if step < warmup:
        return lr * (1 / 3 + 2 / 3 * step / warmup)
    return lr * max(0.0, 1 - step / steps)


def frozen_too(net, groups):
    given = {id(p) for group in groups for p in group["params"]}
    return [n for n, p in net.named_parameters() if id(p) not in given]


def first_group_only(net, groups):
    given = {id(p) for p in groups[0]["params"]}
    return [n for n, p in net.named_parameters() if id(p) not in given]


RIGHT = {"05.1": masked_mean, "05.2": rate, "05.3": left_out}
WRONG = [
    ("05.1", all_pixels, "expected 1.5"),
    ("05.1", nan_when_empty, "every label 255"),
    ("05.1", lambda losses, labels: None, "is there a return"),
    ("05.2", no_clamp, "rate(130"),
    ("05.2", warm_up_alone, "rate(5"),
    ("05.3", frozen_too, "2.bias frozen"),
    ("05.3", first_group_only, "whose groups hold"),
]


@pytest.mark.parametrize("number", RIGHT)
def test_the_right_answer_is_correct(number, capsys):
    check(number, RIGHT[number])
    assert capsys.readouterr().out == f"Exercise {number}: correct.\n"


@pytest.mark.parametrize("number, answer, said", WRONG)
def test_a_wrong_answer_is_told(number, answer, said, capsys):
    check(number, answer)
    out = capsys.readouterr().out
    assert out.startswith(f"Exercise {number}: not yet.") and said in out


def test_a_python_list_is_no_obstacle(capsys):
    check("05.1", lambda losses, labels: torch.as_tensor(masked_mean(losses, labels)))
    assert "correct" in capsys.readouterr().out
