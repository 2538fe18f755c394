"""The checks of chapter 07 see the typical wrong answers."""

import pytest
import torch
import torch.nn.functional as F

from course_lib.teaching import check


def pyramid(x, bins, pool=F.adaptive_avg_pool2d, order=1, keep=True, **options):
    options = {"mode": "bilinear"} | options
    levels = [F.interpolate(pool(x, b), x.shape[-2:], **options) for b in bins]
    return torch.cat([*([x] if keep else []), *levels][::order], dim=1)


def adds_up(x, bins):
    levels = pyramid(x, bins, keep=False).view(len(x), len(bins), -1, *x.shape[-2:])
    return x + levels.sum(dim=1)


def valid_share(size, rate):
    return (1 + 2 * max(0, size - rate) / size) ** 2 / 9


def cells_seen(rates, in_a_row):
    return 1 + 2 * (sum(rates) if in_a_row else max(rates))


@pytest.mark.parametrize("number, answer, told", [
    ("07.1", lambda x, bins: pyramid(x, bins, keep=False), "gives [1, 2, 4, 4], "),
    ("07.1", adds_up, "gives [1, 1, 4, 4], expected [1, 3, 4, 4]"),
    ("07.1", lambda x, bins: pyramid(x, bins, mode="nearest"),
     "gives [2.5, 2.5, 4.5, 4.5], expected [2.5, 3.0, 4.0, 4.5]"),
    ("07.1", lambda x, bins: pyramid(x, bins, align_corners=True),
     "gives [2.5, 3.166"),
    ("07.1", lambda x, bins: pyramid(x, bins, order=-1), "two bins, whose means"),
    ("07.1", lambda x, bins: pyramid(x, bins, pool=F.adaptive_max_pool2d),
     "the top left cell: your answer gives 15.0, expected 7.5"),
    ("07.2", lambda n, r: (1 + 2 * (n - r) / n) ** 2 / 9, "rate 100"),
    ("07.2", lambda n, r: 9 * valid_share(n, r), "gives 1, expected 0.1111"),
    ("07.2", lambda n, r: (1 + 2 * max(0, n - r) / n) / 3, "gives 0.3333"),
    ("07.2", lambda n, r: max(0, n - 2 * r) ** 2 / n**2, "gives 0, expected 0.1111"),
    ("07.3", lambda rates, row: 1 + 2 * sum(rates), "gives 73, expected 37"),
    ("07.3", lambda rates, row: 1 + 2 * max(rates), "gives 3, expected 5"),
    ("07.3", lambda rates, row: 1 + 2 * (sum(rates) if row else rates[-1]),
     "gives 5, expected 7"),
    ("07.3", lambda rates, row: 2 * max(rates), "gives 12, expected 13"),
    ("07.3", lambda rates, row: None, "is there a return?"),
])
def test_wrong_answers_are_told_apart(capsys, number, answer, told):
    check(number, answer)
    line = capsys.readouterr().out
    assert line.startswith(f"Exercise {number}: not yet.") and told in line, line


@pytest.mark.parametrize("number, answer", [
    ("07.1", pyramid), ("07.2", valid_share), ("07.3", cells_seen)])
def test_right_answers_pass(capsys, number, answer):
    check(number, answer)
    assert capsys.readouterr().out == f"Exercise {number}: correct.\n"
