"""The checks of chapter 15 see the typical wrong answers."""

import math

import pytest
import torch

from course_lib.teaching import check


def read_label(line, height, width, first=1, strict=True, swap=False):
    label, *shares = line.split()
    cx, cy, w, h = map(float, shares)
    shares = cx, cy, w, h
    low = min(shares) < (0 if strict is True else -1)
    if strict and (max(shares) > 1 or low):
        raise ValueError("pixels")
    if swap:
        height, width = width, height
    box = [
        (cx - w / 2) * width,
        (cy - h / 2) * height,
        (cx + w / 2) * width,
        (cy + h / 2) * height,
    ]
    return int(label) + first, box


def as_xywh(line, height, width):
    label, (x1, y1, x2, y2) = read_label(line, height, width)
    return label, [x1, y1, x2 - x1, y2 - y1]


def centre_first(line, height, width):
    label, *shares = line.split()
    cx, cy, w, h = map(float, shares)
    return int(label) + 1, [
        cx * width,
        cy * height,
        (cx + w) * width,
        (cy + h) * height,
    ]


def step(sizes, anchors, euclid=False, drop=False, only=None):
    shared = torch.minimum(sizes[:, None], anchors).prod(-1)  # (N, K)
    iou = shared / (sizes.prod(-1)[:, None] + anchors.prod(-1) - shared)
    if euclid:
        iou = -torch.cdist(sizes, anchors)
    if only == "shared":
        iou = shared
    nearest = iou.argmax(dim=1)  # (N,)
    new = [sizes[nearest == k].mean(dim=0) for k in range(len(anchors))]
    if only == "two":
        new[2:] = anchors[2:]
    if drop:
        return torch.stack(new)
    return torch.stack(
        [mean if (nearest == k).any() else anchors[k] for k, mean in enumerate(new)]
    )


def assign(box, anchors, stride, logs=True, fraction=True, best="iou", swap=False):
    x1, y1, x2, y2 = box
    size = torch.tensor([x2 - x1, y2 - y1])
    shared = torch.minimum(size, anchors).prod(-1)
    iou = shared / (size.prod() + anchors.prod(-1) - shared)
    near = {
        "iou": iou,
        "shared": shared,
        "pixels": -torch.cdist(size[None], anchors)[0],
    }
    k = int(near[best].argmax())
    gx, gy = (x1 + x2) / 2 / stride, (y1 + y2) / 2 / stride
    column, row = int(gx), int(gy)
    sides = (size / anchors[k]).tolist()
    sides = [math.log(s) for s in sides] if logs else sides
    place = [gx - column, gy - row] if fraction else [gx, gy]
    return k, *((column, row) if swap else (row, column)), [*place, *sides]


def fold(conv, norm, eps=True, mean=True, bias=True, own=True):
    scale = norm.weight / (norm.running_var + (norm.eps if eps else 0)).sqrt()
    shift = norm.bias - (norm.running_mean * scale if mean else 0)
    if conv.bias is not None and own:
        shift = shift + conv.bias * (scale if own is True else 1)
    return conv.weight * scale[:, None, None, None], shift if bias else norm.bias


def in_place(conv, norm):
    weight, bias = fold(conv, norm)
    return conv.weight.copy_(weight), bias


@pytest.mark.parametrize("number, answer, told", [
    ("15.1", lambda *a: read_label(*a, first=0), "gives 0, expected 1"),
    ("15.1", lambda *a: read_label(*a, swap=True), "gives [48.0, 64.0, 96.0, 128.0]"),
    ("15.1", as_xywh, "gives [64.0, 48.0, 64.0, 48.0], expected"),
    ("15.1", centre_first, "gives [96.0, 72.0"),
    ("15.1", lambda *a: read_label(*a, strict=False), "whose numbers are pixels"),
    ("15.1", lambda *a: read_label(*a, strict="above"), "has a share below 0"),
    ("15.1", lambda *a: read_label(*a)[1], "give the pair (label, box)"),
    ("15.1", lambda *a: None, "your function gave None"),
    ("15.2", lambda s, a: step(s, a, euclid=True), "20x20 has IoU"),
    ("15.2", lambda s, a: step(s, a, only="shared"), "gives"),
    ("15.2", lambda s, a: step(s, a, drop=True), "nearest to none"),
    ("15.2", lambda s, a: step(s, a, only="two"), "50x50"),
    ("15.2", lambda s, a: a.copy_(step(s, a)), "changed the anchors"),
    ("15.2", lambda s, a: a, "gives [[8.0, 8.0], [64.0, 64.0]]"),
    ("15.2", lambda s, a: None, "is there a return?"),
    ("15.3", lambda *a: assign(*a, swap=True), "the row for box"),
    ("15.3", lambda *a: assign(*a, logs=False), "the targets for box"),
    ("15.3", lambda *a: assign(*a, fraction=False), "the targets for box"),
    ("15.3", lambda *a: assign(*a, best="shared"), "the anchor for box [10.0"),
    ("15.3", lambda *a: assign(*a, best="pixels"), "the anchor for box [29.0"),
    ("15.3", lambda box, a, stride: assign(box, a, 16), "at stride 8"),
    ("15.3", lambda *a: assign(*a)[:3], "give (anchor, row, column, targets)"),
    ("15.4", lambda *a: fold(*a, eps=False), "the weight: your answer gives"),
    ("15.4", lambda *a: fold(*a, mean=False), "the bias: your answer gives [1.0]"),
    ("15.4", in_place, "changed the conv or norm"),
    ("15.4", lambda *a: fold(*a)[0], "your function gave"),
    ("15.4", lambda *a: fold(*a, own=False), "gives [-3.0], expected [7.0]"),
    ("15.4", lambda *a: fold(*a, own="unscaled"), "gives [2.0], expected [7.0]"),
])  # fmt: skip
def test_wrong_answers_are_told_apart(capsys, number, answer, told):
    check(number, answer)
    line = capsys.readouterr().out
    assert line.startswith(f"Exercise {number}: not yet.") and told in line, line


@pytest.mark.parametrize(
    "number, answer",
    [("15.1", read_label), ("15.2", step), ("15.3", assign), ("15.4", fold)],
)
def test_right_answers_pass(capsys, number, answer):
    check(number, answer)
    assert capsys.readouterr().out == f"Exercise {number}: correct.\n"
