"""IoU by width against loops."""

import numpy as np
import pytest
import torch

from course_lib.metrics.widths import REACH, iou_by_width, run_lengths


def runs_by_loops(mask: np.ndarray) -> np.ndarray:
    out = np.zeros(mask.shape, int)
    for y, x in np.argwhere(mask):
        left = right = x
        while left > 0 and mask[y, left - 1]:
            left -= 1
        while right < mask.shape[1] - 1 and mask[y, right + 1]:
            right += 1
        out[y, x] = right - left + 1
    return out


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8, 1.0])
def test_runs_are_those_of_loops(share):
    mask = np.random.default_rng(0).random((9, 13)) < share
    assert (run_lengths(mask) == runs_by_loops(mask)).all()


def test_two_poles_by_hand():
    labels = torch.zeros(4, 60, dtype=torch.int64)
    labels[:, 10] = 1  # 1 px wide
    labels[:, 40:46] = 1  # 6 px wide
    labels[0, 47] = 255
    answer = torch.zeros_like(labels)
    answer[:, 9:12] = 1  # right, and a column too much on either side
    answer[:, 43:49] = 1  # half of it, and three columns too much; one pixel is void
    answer[:, 25] = 1  # farther than REACH from both: of no width
    assert 25 - 10 > REACH
    counts = iou_by_width(labels, answer, 1)
    assert counts.tolist() == [[4, 12], [0, 0], [12, 35], [0, 0]]


def test_all_widths_together_are_the_plain_counts_near_poles():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 3, (20, 30), generator=generator)
    answer = torch.randint(0, 3, (20, 30), generator=generator)
    right = ((labels == 1) & (answer == 1)).sum()
    union = ((labels == 1) | (answer == 1)).sum()
    assert iou_by_width(labels, answer, 1).sum(dim=0).tolist() == [right, union]


def test_a_picture_without_the_class_counts_nothing():
    none = torch.zeros(5, 5, dtype=torch.int64)
    assert iou_by_width(none, none + 1, 1).sum() == 0
