"""The bootstrap's interval holds what it should."""

import numpy as np
import pytest
import torch

from course_lib.detection.bootstrap import bootstrap

NAMES = ("background", "thing")
BOX = [10.0, 10.0, 20.0, 20.0]


def picture(i):
    target = {
        "boxes": torch.tensor([[10.0, 10.0, 30.0, 30.0]]),
        "labels": torch.tensor([1]),
        "area": torch.tensor([400.0]),
        "iscrowd": torch.tensor([0]),
        "image_id": i,
    }
    return (64, 64), target


def found(score=0.9):
    return [{"image_id": 0, "category_id": 1, "bbox": BOX, "score": score}]


def test_where_all_pictures_are_alike_the_interval_is_a_point():
    truth = [picture(i) for i in range(6)]
    low, high = bootstrap(truth, [found() for _ in truth], NAMES, times=5)
    assert low == pytest.approx([1, 1]) and high == pytest.approx([1, 1])


def test_the_interval_of_a_share_is_that_of_the_binomial():
    """All results right, but only half of the pictures have one: AP is recall."""
    truth = [picture(i) for i in range(40)]
    results = [found() if i % 2 else [] for i in range(40)]
    low, high = bootstrap(truth, results, NAMES, times=150)
    shares = np.random.default_rng(1).binomial(40, 0.5, 20000) / 40
    expected = np.quantile(shares, [0.025, 0.975])
    assert [low[0], high[0]] == pytest.approx(expected, abs=0.06)


def test_a_seed_gives_the_same_interval_and_another_one_another():
    truth = [picture(i) for i in range(9)]
    results = [found() if i % 3 else [] for i in range(9)]
    ends = [bootstrap(truth, results, NAMES, 15, seed=s) for s in (0, 0, 3)]
    assert ends[0] == ends[1] != ends[2]
