"""The checks of chapter 02 see the typical wrong answers."""

import pytest
import torch
import torch.nn.functional as F

from course_lib.teaching import check


def output_size(n, layers):
    for kernel, stride, padding in layers:
        n = (n + 2 * padding - kernel) // stride + 1
    return n


def pads_one_side(n, layers):
    for kernel, stride, padding in layers:
        n = (n + padding - kernel) // stride + 1
    return n


def forgets_the_first_place(n, layers):
    for kernel, stride, padding in layers:
        n = (n + 2 * padding - kernel) // stride
    return n


def gives_a_fraction(n, layers):
    for kernel, stride, padding in layers:
        n = (n + 2 * padding - kernel) / stride + 1
    return n


def last_layer_only(n, layers):
    return output_size(n, layers[-1:])


def activation_map(features, weight, bias, class_id):
    return torch.einsum("c,chw->hw", weight[class_id], features) + bias[class_id]


def forgets_bias(features, weight, bias, class_id):
    return torch.einsum("c,chw->hw", weight[class_id], features)


def averages_first(features, weight, bias, class_id):
    return weight[class_id] @ features.mean(dim=(1, 2)) + bias[class_id]


def shares_out(features, weight, bias, class_id):
    whole = activation_map(features, weight, bias, class_id)
    return whole / whole.numel()


def pad_to(image, multiple):
    height, width = image.shape[-2:]
    return F.pad(image, (0, -width % multiple, 0, -height % multiple))


def always_adds(image, multiple):
    height, width = image.shape[-2:]
    right, below = multiple - width % multiple, multiple - height % multiple
    return F.pad(image, (0, right, 0, below))


def pads_left_and_above(image, multiple):
    height, width = image.shape[-2:]
    return F.pad(image, (-width % multiple, 0, -height % multiple, 0))


def swaps_the_sides(image, multiple):
    height, width = image.shape[-2:]
    return F.pad(image, (0, -height % multiple, 0, -width % multiple))


def repeats_the_border(image, multiple):
    height, width = image.shape[-2:]
    sides = (0, -width % multiple, 0, -height % multiple)
    return F.pad(image, sides, mode="replicate")


@pytest.mark.parametrize("number, answer, told", [
    ("02.1", pads_one_side, "5 px, one layer (3, 1, 1): your answer gives 4, "),
    ("02.1", forgets_the_first_place, "(3, 1, 0): your answer gives 2, expected 3"),
    ("02.1", gives_a_fraction, "(2, 2, 0): your answer gives 3.5, expected 3"),
    ("02.1", last_layer_only, "gives 4, expected 3"),
    ("02.1", lambda n, layers: None, "is there a return?"),
    ("02.2", forgets_bias, "[[1.0, 2.0], [3.0, 4.0]], expected [[1.5, 2.5], "),
    ("02.2", averages_first, "gives 3.0, expected [[1.5"),
    ("02.2", shares_out, "gives [[0.375"),
    ("02.3", always_adds, "(3, 64, 96) picture, multiple 32: your answer gives "
     "[3, 96, 128]"),
    ("02.3", pads_left_and_above, "the top left 30 x 70 pixels"),
    ("02.3", swaps_the_sides, "gives [3, 56, 72], expected [3, 32, 96]"),
    ("02.3", repeats_the_border, "the sum of all its pixels"),
])
def test_wrong_answers_are_told_apart(capsys, number, answer, told):
    check(number, answer)
    line = capsys.readouterr().out
    assert line.startswith(f"Exercise {number}: not yet.") and told in line


@pytest.mark.parametrize("number, answer", [
    ("02.1", output_size), ("02.2", activation_map),
    ("02.3", pad_to)])
def test_right_answers_pass(capsys, number, answer):
    check(number, answer)
    assert capsys.readouterr().out == f"Exercise {number}: correct.\n"
