"""The checks of chapter 06 see the typical wrong answers."""

import itertools

import pytest
from torch import nn

from course_lib.teaching import check


def seen(dilations):
    steps = itertools.product(*[(-d, 0, d) for d in dilations])
    return {sum(each) for each in steps}


def has_holes(dilations):
    return len(seen(dilations)) < 2 * sum(dilations) + 1


def common_factor(dilations):
    return all(d % 2 == 0 for d in dilations)


def next_to_the_last_only(dilations):
    return any(b > 2 * a + 1 for a, b in itertools.pairwise(dilations))


def dilates(stage, before, first=1, rest=2, padded=True, strided=(1, 1)):
    for layer in stage.modules():
        if isinstance(layer, nn.Conv2d):
            d = before * (first if layer.stride == (2, 2) else rest)
            if layer.stride == (2, 2):
                layer.stride = strided
            if layer.kernel_size == (3, 3):
                layer.dilation = (d, d)
                layer.padding = (d, d) if padded else layer.padding


def dilate_stage(stage, before):
    dilates(stage, before)


def dilates_all(stage, before):
    dilates(stage, before, first=2)


def dilates_none(stage, before):
    dilates(stage, before, rest=1)


def keeps_the_stride(stage, before):
    dilates(stage, before, strided=(2, 2))


def forgets_before(stage, before):
    dilates(stage, 1)


def plan(strides, output_stride):
    pairs, stride, dilation = [], 1, 1
    for own in strides:
        kept = stride * own <= output_stride
        stride, dilation = stride * own**kept, dilation * own ** (not kept)
        pairs.append((own if kept else 1, dilation))
    return pairs


def dilates_too_late(strides, output_stride):
    pairs, stride, dilation = [], 1, 1
    for own in strides:
        kept = stride * own <= output_stride
        pairs.append((own if kept else 1, dilation))
        stride, dilation = stride * own**kept, dilation * own ** (not kept)
    return pairs


def adds(strides, output_stride):
    return [(s, 1 + (d > 1)) for s, d in plan(strides, output_stride)]


@pytest.mark.parametrize("number, answer, told", [
    ("06.1", common_factor, "has_holes([1, 2, 8]): your answer gives False"),
    ("06.1", next_to_the_last_only, "has_holes([2, 2, 2]): your answer gives False"),
    ("06.1", lambda d: len(d) > 1, "has_holes([1, 2, 5]): your answer gives True"),
    ("06.2", dilates_all, "are the old cells as before: your answer gives False"),
    ("06.2", dilates_none, "are the old cells as before: your answer gives False"),
    ("06.2", keeps_the_stride, "the size of the map: your answer gives [2, 2]"),
    ("06.2", forgets_before, "resnet18, layer4, before=2: are the old cells"),
    ("06.2", lambda stage, before: None, "gives [2, 2], expected [4, 4]"),
    ("06.3", dilates_too_late, "[1, 1], [1, 2]]"),
    ("06.3", adds, "[1, 2], [1, 2]]"),
    ("06.3", lambda strides, output_stride: None, "is there a return?"),
])
def test_wrong_answers_are_told_apart(capsys, number, answer, told):
    check(number, answer)
    line = capsys.readouterr().out
    assert line.startswith(f"Exercise {number}: not yet."), line
    assert told in line


def test_a_forgotten_padding_is_told(capsys):
    check("06.2", lambda stage, before: dilates(stage, before, padded=False))
    assert capsys.readouterr().out.startswith("Exercise 06.2: not yet.")


@pytest.mark.parametrize("number, answer", [
    ("06.1", has_holes), ("06.2", dilate_stage), ("06.3", plan)])
def test_right_answers_pass(capsys, number, answer):
    check(number, answer)
    assert capsys.readouterr().out == f"Exercise {number}: correct.\n"
