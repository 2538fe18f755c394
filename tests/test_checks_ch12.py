"""The checks of chapter 12 see the typical wrong answers."""

import pytest
import torch

from course_lib.teaching import check


def turn_boxes(boxes, width):
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    return torch.stack([y1, width - x2, y2, width - x1], dim=1)


def turns_in_place(boxes, width):
    boxes[:] = turn_boxes(boxes, width)
    return boxes


def turned_round(boxes, width):
    return turn_boxes(boxes, width)[:, [0, 3, 2, 1]]


def cell_of(box, size, stride):
    cells = []
    for first, last, side in ((box[1], box[3], size[0]), (box[0], box[2], size[1])):
        centre = (first + last) / 2
        cell = min(int(centre // stride), -(-side // stride) - 1)
        cells.append((cell, centre / stride - cell))
    (row, y), (column, x) = cells
    return [row, column, x, y]


def swapped(box, size, stride):
    row, column, x, y = cell_of(box, size, stride)
    return [column, row, y, x]


def of_the_corner(box, size, stride):
    return cell_of([box[0], box[1], box[0], box[1]], size, stride)


def in_pixels(box, size, stride):
    row, column, x, y = cell_of(box, size, stride)
    return [row, column, stride * x, stride * y]


def outside(box, size, stride):
    x, y = (box[0] + box[2]) / 2 / stride, (box[1] + box[3]) / 2 / stride
    return [int(y), int(x), x % 1, y % 1]


def average_precision(hits, wanted, envelope=True):
    right, precisions = 0, []
    for i, hit in enumerate(hits, start=1):
        right += hit
        precisions.append(right / i)
    total = 0.0
    for i, hit in enumerate(hits):
        total += hit * (max(precisions[i:]) if envelope else precisions[i])
    return total / wanted


def over_found(hits, wanted):
    return average_precision(hits, max(1, sum(hits)))


def without_envelope(hits, wanted):
    return average_precision(hits, wanted, envelope=False)


@pytest.mark.parametrize("number, answer, told", [
    ("12.1", turned_round, "gives [[5.0, 90.0, 25.0, 60.0]], expected [[5.0"),
    ("12.1", lambda b, w: torch.stack(
        [b[:, 1], w - 1 - b[:, 2], b[:, 3], w - 1 - b[:, 0]], 1), "gives [[5.0, 59.0"),
    ("12.1", lambda b, w: b, "gives [[10.0"),
    ("12.1", turns_in_place, "the boxes that you were given"),
    ("12.1", lambda b, w: None, "is there a return?"),
    ("12.2", swapped, "gives [1, 2, 0.5, 0.875], expected [2, 1, 0.875, 0.5]"),
    ("12.2", of_the_corner, "gives [1, 1, 0.25, 0.875]"),
    ("12.2", in_pixels, "gives [2, 1, 14.0, 8.0]"),
    ("12.2", outside, "the last cell: your answer gives [3, 4, 0.0, 0.0]"),
    ("12.3", over_found, "right; 4 things: your answer gives 1, expected 0.25"),
    ("12.3", without_envelope, "right, right; 4 things: your answer gives 0.525, "),
    ("12.3", lambda hits, wanted: sum(hits) / max(1, len(hits)), "gives 1, expected"),
    ("12.3", lambda hits, wanted: 4 * average_precision(hits, wanted), "gives 4"),
])  # fmt: skip
def test_wrong_answers_are_told_apart(capsys, number, answer, told):
    check(number, answer)
    line = capsys.readouterr().out
    assert line.startswith(f"Exercise {number}: not yet.") and told in line, line


@pytest.mark.parametrize("number, answer", [
    ("12.1", turn_boxes), ("12.2", cell_of), ("12.3", average_precision)])  # fmt: skip
def test_right_answers_pass(capsys, number, answer):
    check(number, answer)
    assert capsys.readouterr().out == f"Exercise {number}: correct.\n"
