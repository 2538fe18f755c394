"""The checks of chapter 03 see the typical wrong answers."""

import pytest
import torch
import torch.nn.functional as F

from course_lib.teaching import check


def stamp(row, kernel, stride):
    expected = F.conv_transpose1d(
        row.view(1, 1, -1), kernel.view(1, 1, -1), stride=stride
    )
    return expected.flatten()


def overwrites(row, kernel, stride):
    out = torch.zeros((len(row) - 1) * stride + len(kernel))
    for i, value in enumerate(row):
        out[i * stride : i * stride + len(kernel)] = value * kernel
    return out


def ignores_stride(row, kernel, stride):
    return stamp(row, kernel, 1)


def flips(row, kernel, stride):
    return stamp(row, kernel.flip(0), stride)


def grow(finer, coarser):
    fits = {k for k, v in finer.items() if k in coarser and coarser[k].shape == v.shape}
    weights = {
        k: coarser[k].clone() if k in fits else torch.zeros_like(v)
        for k, v in finer.items()
    }
    return weights, sorted(set(finer) - fits)


def all_of_both(finer, coarser):
    weights, new = grow(finer, coarser)
    return {**coarser, **weights}, new


def by_name_only(finer, coarser):
    weights = {k: coarser.get(k, torch.zeros_like(v)).clone() for k, v in finer.items()}
    return weights, sorted(set(finer) - set(coarser))


def keeps_random(finer, coarser):
    weights, new = grow(finer, coarser)
    return {k: finer[k] if k in new else v for k, v in weights.items()}, new


def shares_memory(finer, coarser):
    weights, new = grow(finer, coarser)
    return {k: v if k in new else coarser[k] for k, v in weights.items()}, new


def zeros_the_input(finer, coarser):
    weights, new = grow(finer, coarser)
    return {k: finer[k].zero_() if k in new else v for k, v in weights.items()}, new


def fuse(coarse, fine, size, align=False):
    maps = [
        F.interpolate(x, size, mode="bilinear", align_corners=align)
        for x in (coarse, fine)
    ]
    return sum(maps)


def published(coarse, fine, size, align=True):
    look = {"mode": "bilinear", "align_corners": align}
    return F.interpolate(F.interpolate(coarse, fine.shape[2:], **look) + fine, size,
                         **look)  # fmt: skip


def in_steps(coarse, fine, size):
    return published(coarse, fine, size, align=False)


def aligned_once(coarse, fine, size):
    return fuse(coarse, fine, size, align=True)


def coarse_only(coarse, fine, size):
    return F.interpolate(coarse, size, mode="bilinear")


@pytest.mark.parametrize("number, answer, told", [
    ("03.1", overwrites, "gives [1.0, 10.0, 20.0, 30.0], expected [1.0, 12.0, 23.0"),
    ("03.1", ignores_stride, "stride 2: your answer gives [1.0, 12.0, 23.0, 30.0]"),
    ("03.1", flips, "gives [3.0, 32.0, 21.0, 10.0]"),
    ("03.1", lambda row, kernel, stride: None, "is there a return?"),
    ("03.2", all_of_both, "the names: your answer gives"),
    ("03.2", by_name_only, "the new ones: your answer gives ['skip.weight'], "),
    ("03.2", keeps_random, "score.weight: your answer gives"),
    ("03.2", shares_memory, "after the finer one was changed"),
    ("03.2", zeros_the_input, "skip.weight of the input: your answer gives [[0.0"),
    ("03.3", published, "centred on: your answer gives 43.09"),
    ("03.3", aligned_once, "centred on: your answer gives"),
    ("03.3", in_steps, "the highest score: your answer gives 0.5625, expected 0.969"),
    ("03.3", coarse_only, "one hot cell in the fine map"),
    ("03.3", lambda coarse, fine, size: None, "is there a return?"),
])
def test_wrong_answers_are_told_apart(capsys, number, answer, told):
    check(number, answer)
    line = capsys.readouterr().out
    assert line.startswith(f"Exercise {number}: not yet.") and told in line


@pytest.mark.parametrize("number, answer", [
    ("03.1", stamp), ("03.2", grow), ("03.3", fuse)])
def test_right_answers_pass(capsys, number, answer):
    check(number, answer)
    assert capsys.readouterr().out == f"Exercise {number}: correct.\n"
