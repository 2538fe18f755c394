"""The checks of chapter 14 see the typical wrong answers."""

import pytest
import torch

from course_lib.teaching import check


def floats_of(section, channels, norm=None, groups=True):
    filters, size = int(section["filters"]), int(section["size"])
    norm = section.get("batch_normalize", "0") == "1" if norm is None else norm(section)
    shared = int(section.get("groups", 1)) if groups else 1
    return filters * (4 if norm else 1) + filters * (channels // shared) * size**2


def boxes_back(boxes, height, width, size, scale=None, top_left=True):
    scale = size / max(height, width) if scale is None else scale(height, width, size)
    left, top = (size - width * scale) / 2, (size - height * scale) / 2
    return (boxes - torch.tensor([left, top, left, top]) * top_left) / scale


def grid(t):
    y, x = torch.meshgrid(*map(torch.arange, t.shape[1:]), indexing="ij")
    return torch.stack([x, y])


def centres(t, stride, scale_x_y):
    return (t.sigmoid() * scale_x_y - (scale_x_y - 1) / 2 + grid(t)) * stride


def answers(rows, threshold, first=1, objectness=True, every=True):
    scores = rows[:, 5:] * (rows[:, 4:5] if objectness else 1)  # (N, C)
    if not every:
        scores = scores * (scores == scores.amax(dim=1, keepdim=True))
    row, label = (scores > threshold).nonzero(as_tuple=True)
    centre, half = rows[row, :2], rows[row, 2:4] / 2
    boxes = torch.cat([centre - half, centre + half], dim=1)
    return boxes, label + first, scores[row, label]


def as_cxcywh(rows, threshold):
    boxes, labels, scores = answers(rows, threshold)
    size = boxes[:, 2:] - boxes[:, :2]
    return torch.cat([boxes[:, :2] + size / 2, size], dim=1), labels, scores


@pytest.mark.parametrize(
    "number, answer, told",
    [
        (
            "14.1",
            lambda s, c: floats_of(s, c, norm=lambda s: True),
            "gives 262140, expected",
        ),
        (
            "14.1",
            lambda s, c: floats_of(s, c, norm=lambda s: "batch_normalize" in s),
            "batch_normalize=0, on 3 channels: your answer gives 496, expected 448",
        ),
        (
            "14.1",
            lambda s, c: floats_of(s, c, groups=False),
            "gives 9344, expected 416",
        ),
        (
            "14.1",
            lambda s, c: floats_of(s, c) + int(s["filters"]),
            "gives 512, expected 496",
        ),
        ("14.1", lambda s, c: None, "is there a return?"),
        (
            "14.2",
            lambda b, h, w, s: boxes_back(b, h, w, s, top_left=False),
            "gives [[100.0, 130.0, 300.0, 330.0]]",
        ),
        (
            "14.2",
            lambda b, h, w, s: boxes_back(b, h, w, s, lambda h, w, s: s / min(h, w)),
            "expected [[100.0, 50.0, 300.0, 250.0]]",
        ),
        ("14.2", lambda b, h, w, s: boxes_back(b, w, h, s), "640 wide"),
        (
            "14.2",
            lambda b, h, w, s: boxes_back(b, h, w, s, lambda h, w, s: s / w),
            "512 high, 128 wide",
        ),
        ("14.2", lambda b, h, w, s: b * torch.tensor([w, h, w, h]) / s, "480 high"),
        (
            "14.3",
            lambda t, stride, scale: (t.sigmoid() + grid(t).flip(0)) * stride,
            "x of the centres",
        ),
        (
            "14.3",
            lambda t, stride, scale: (t.sigmoid() + grid(t)) * stride,
            "scale_x_y 2: x: your answer gives",
        ),
        (
            "14.3",
            lambda t, stride, scale: (t.sigmoid() * scale + grid(t)) * stride,
            "scale_x_y 2: x",
        ),
        ("14.3", lambda t, stride, scale: t.sigmoid() + grid(t), "stride 32: x of"),
        ("14.3", lambda t, stride, scale: (t + grid(t)) * stride, "x of the centres"),
        ("14.4", lambda r, th: answers(r, th, every=False), "gives 2, expected 3"),
        ("14.4", lambda r, th: answers(r, th, objectness=False), "gives 4, expected 3"),
        ("14.4", lambda r, th: answers(r, th, first=0), "how often each of the labels"),
        ("14.4", as_cxcywh, "the box of label 2"),
        ("14.4", lambda r, th: None, "is there a return?"),
        ("14.4", lambda r, th: dict(boxes=r), "gave a dict, not three tensors"),
    ],
)
def test_wrong_answers_are_told_apart(capsys, number, answer, told):
    check(number, answer)
    line = capsys.readouterr().out
    assert line.startswith(f"Exercise {number}: not yet.") and told in line, line


@pytest.mark.parametrize(
    "number, answer",
    [("14.1", floats_of), ("14.2", boxes_back), ("14.3", centres), ("14.4", answers)],
)
def test_right_answers_pass(capsys, number, answer):
    check(number, answer)
    assert capsys.readouterr().out == f"Exercise {number}: correct.\n"
