"""The checks of chapter 01 see the typical wrong answers."""

import pytest
import torch
import torch.nn.functional as F

from course_lib.teaching import check


def room(labels, height, width):
    return height - labels.shape[0], width - labels.shape[1]


def pads_labels_with_0(image, labels, height, width):
    below, right = room(labels, height, width)
    return F.pad(image, (0, right, 0, below)), F.pad(labels, (0, right, 0, below))


def pads_on_the_other_side(image, labels, height, width):
    below, right = room(labels, height, width)
    border = (right, 0, below, 0)
    return F.pad(image, border), F.pad(labels, border, value=255)


def pads_both_with_255(image, labels, height, width):
    below, right = room(labels, height, width)
    return tuple(F.pad(x, (0, right, 0, below), value=255) for x in (image, labels))


def makes_a_float_image(image, labels, height, width):
    below, right = room(labels, height, width)
    padded = F.pad(image.float(), (0, right, 0, below))
    return padded, F.pad(labels, (0, right, 0, below), value=255)


def swaps_height_and_width(image, labels, height, width):
    new_image = image.new_zeros(3, max(width, 1), max(height, 2))
    new_labels = labels.new_full(new_image.shape[1:], 255)
    new_image[:, :1, :2], new_labels[:1, :2] = image, labels
    return new_image, new_labels


def gives_labels_only(image, labels, height, width):
    return pads_both_with_255(image, labels, height, width)[1]


def counts_the_intersection_twice(matrix):
    return matrix.diagonal() / (matrix.sum(dim=1) + matrix.sum(dim=0))


def gives_class_accuracy(matrix):
    return matrix.diagonal() / matrix.sum(dim=1)


def absent_is_0(matrix):
    right = matrix.diagonal()
    return right / (matrix.sum(dim=1) + matrix.sum(dim=0) - right).clamp(min=1)


def absent_is_left_out(matrix):
    right = matrix.diagonal()
    iou = right / (matrix.sum(dim=1) + matrix.sum(dim=0) - right)
    return iou[~iou.isnan()]


def cuts_the_logits(logits, labels):
    known = labels != 255
    return (logits.long().argmax(dim=0) == labels)[known].float().mean().item()


def counts_void(logits, labels):
    return (logits.argmax(dim=0) == labels).float().mean().item()


def void_is_always_right(logits, labels):
    right = (logits.argmax(dim=0) == labels) | (labels == 255)
    return right.float().mean().item()


def rounds_the_logits(logits, labels):
    known = labels != 255
    return (logits.round().argmax(dim=0) == labels)[known].float().mean().item()


def gives_a_count(logits, labels):
    known = labels != 255
    return (logits.argmax(dim=0) == labels)[known].sum().item()


def runs_in_a_row(runs, first=0):
    pixels = [[(first + i) % 2] * run for i, run in enumerate(runs)]
    return torch.tensor(sum(pixels, []))


def draws_row_after_row(runs, height, width):
    return runs_in_a_row(runs).view(height, width)


def does_not_turn(runs, height, width):
    return runs_in_a_row(runs).view(width, height)


def begins_inside(runs, height, width):
    return runs_in_a_row(runs, first=1).view(width, height).T


def drops_empty_runs(runs, height, width):
    return runs_in_a_row([run for run in runs if run]).view(width, height).T


def writes_the_lengths(runs, height, width):
    pixels = sum(([i % 2 * run] * run for i, run in enumerate(runs)), [])
    return torch.tensor(pixels).view(width, height).T


def draws_columns(runs, height, width):
    return runs_in_a_row(runs).view(width, height).T


@pytest.mark.parametrize("number, answer, told", [
    ("01.1", pads_labels_with_0, "gives [[1, 2, 0], [0, 0, 0]], expected [[1, 2, 255]"),
    ("01.1", pads_on_the_other_side, "gives [[255, 255, 255], [255, 1, 2]], expected"),
    ("01.1", pads_both_with_255, "[[9, 8]] padded to 2 x 3: your answer gives [[9, 8"),
    ("01.1", makes_a_float_image, "of type torch.uint8 came back as torch.float32"),
    ("01.1", swaps_height_and_width, "padded to 2 x 3: your answer gives [["),
    ("01.1", gives_labels_only, "gives Tensor, expected two tensors"),
    ("01.2", counts_the_intersection_twice, "section 8: your answer gives [0.3333"),
    ("01.2", gives_class_accuracy, "gives [0.5, 1.0, 1.0], expected [0.5, 0.66"),
    ("01.2", absent_is_0, "expected [0.75, nan, 0.8"),
    ("01.2", absent_is_left_out, "expected [0.75, nan, 0.8"),
    ("01.2", lambda matrix: None, "is there a return?"),
    ("01.3", cuts_the_logits, "labels [[1, 0]]: your answer gives 0.5, expected 1"),
    ("01.3", counts_void, "labels [[1, 255]]: your answer gives 0.5, expected 1"),
    ("01.3", void_is_always_right, "labels [[0, 255]]: your answer gives 0.5, exp"),
    ("01.3", rounds_the_logits, "(3, 2, 1), all right: your answer gives 0.5"),
    ("01.3", gives_a_count, "gives 2, expected 1"),
    ("01.4", draws_row_after_row, "4 columns: your answer gives [[0, 0, 0, 1], [1,"),
    ("01.4", does_not_turn, "4 columns: your answer gives [[0, 0, 0], [1, 1, 0], "),
    ("01.4", begins_inside, "4 columns: your answer gives [[1, 0, 0, 1], [1, 0, "),
    ("01.4", drops_empty_runs, "runs [0, 1, 2, 1] in 2 rows and 2 columns: your"),
    ("01.4", writes_the_lengths, "4 columns: your answer gives [[0, 2, 3, 0], "),
    ("01.4", lambda runs, height, width: None, "is there a return?"),
])  # fmt: skip
def test_wrong_answers_are_told_apart(capsys, number, answer, told):
    check(number, answer)
    line = capsys.readouterr().out
    assert line.startswith(f"Exercise {number}: not yet."), line
    assert told in line, line


def test_a_right_answer_may_look_otherwise(capsys):
    def class_iou(matrix):
        union = matrix.sum(0) + matrix.sum(1) - matrix.diag()
        return torch.where(union > 0, matrix.diag() / union, float("nan"))

    check("01.2", class_iou)
    assert capsys.readouterr().out == "Exercise 01.2: correct.\n"


@pytest.mark.parametrize("kind", [torch.Tensor.bool, torch.Tensor.tolist])
def test_a_right_mask_may_be_of_any_kind(capsys, kind):
    check("01.4", lambda *size: kind(draws_columns(*size)))
    assert capsys.readouterr().out == "Exercise 01.4: correct.\n"
