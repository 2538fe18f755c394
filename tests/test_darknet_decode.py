"""Letterbox, decoding and the choice of boxes, against loops and by hand."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import box_iou

from course_lib.detection.darknet.cfg import parse_text
from course_lib.detection.darknet.decode import decode_head, detections
from course_lib.detection.darknet.detector import DarknetDetector
from course_lib.detection.darknet.heads import Head
from course_lib.detection.darknet.letterbox import (
    bilinear_8_bit,
    letterbox,
    stretch,
    to_input,
    unletterbox,
)
from course_lib.detection.darknet.network import Darknet
from course_lib.errors import InputError

ANCHORS = ((10.0, 13), (30.0, 61))
HEADS = {
    "yolo": Head("yolo", ANCHORS, 32, 3),
    "scale_x_y": Head("yolo", ANCHORS, 16, 3, scale_x_y=1.1),
    "new_coords": Head("yolo", ANCHORS, 8, 3, scale_x_y=2.0, new_coords=True),
    "region": Head("region", ANCHORS, 32, 3, softmax=True),
    "region of sigmoids": Head("region", ANCHORS, 32, 3),
}


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def loops(raw, head):
    """One number at a time, as Darknet's get_yolo_box and get_region_box do."""
    rows, (_, h, w), c = [], raw.shape, head.num_classes
    for i in range(h):
        for j in range(w):
            for a, (anchor_w, anchor_h) in enumerate(head.anchors):
                x, y, tw, th, *rest = raw[
                    a * (5 + c) : (a + 1) * (5 + c), i, j
                ].tolist()
                squash = (lambda v: v) if head.new_coords else sigmoid
                cx = (squash(x) * head.scale_x_y - (head.scale_x_y - 1) / 2 + j) / w
                cy = (squash(y) * head.scale_x_y - (head.scale_x_y - 1) / 2 + i) / h
                grow = (lambda v: 4 * v * v) if head.new_coords else math.exp
                bw = grow(tw) * anchor_w / (w * head.stride)
                bh = grow(th) * anchor_h / (h * head.stride)
                objectness, scores = squash(rest[0]), [squash(v) for v in rest[1:]]
                if head.softmax:
                    total = sum(math.exp(v) for v in rest[1:])
                    scores = [math.exp(v) / total for v in rest[1:]]
                rows.append(
                    [cx, cy, bw, bh, objectness, *(objectness * s for s in scores)]
                )
    return torch.tensor(rows)


@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize("size", [(1, 1), (3, 5)])
def test_decoding_equals_loops(kind, size):
    raw = torch.randn(2, 2 * 8, *size, generator=torch.Generator().manual_seed(1)) * 2
    found = decode_head(raw, HEADS[kind])
    wanted = torch.stack([loops(each, HEADS[kind]) for each in raw])
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)


def test_classes_are_independent():
    raw = torch.zeros(1, 16, 1, 1)
    raw[0, 4:8] = 9.0  # sure of the object, and of all three classes
    scores = decode_head(raw, HEADS["yolo"])[0, 0, 5:]
    assert scores.min() > 0.99
    assert decode_head(raw, HEADS["region"])[0, 0, 5:].max() < 0.34


def test_a_wide_picture_in_a_square_by_hand():
    boxed, placement = letterbox(torch.ones(3, 50, 100), (64, 64))
    assert placement == (0.64, 0.64, 0, 16)
    assert boxed[:, 16:48].min() == 1 and (boxed[:, :16] == 0.5).all()
    box = torch.tensor([[0.0, 0, 100, 50]])
    assert to_input(box, placement).tolist() == [[0, 16, 64, 48]]


sides = st.integers(1, 400)


@settings(deadline=None)
@given(sides, sides, st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**31))
def test_boxes_come_back_from_the_letterbox(height, width, rows, columns, seed):
    corners = torch.rand(5, 2, 2, generator=torch.Generator().manual_seed(seed))
    corners = corners.sort(dim=1).values * torch.tensor([width, height])
    boxes, size = corners.reshape(5, 4), (32 * rows, 32 * columns)
    for resize in (letterbox, stretch):
        canvas, placement = resize(torch.zeros(3, height, width), size)
        placed = to_input(boxes, placement)
        assert canvas.shape[-2:] == size
        assert placed.min() >= -1e-3
        assert (placed[:, 2:].amax(dim=0) <= torch.tensor(size[::-1]) + 1e-3).all()
        back = unletterbox(placed, placement)
        torch.testing.assert_close(back, boxes, rtol=1e-4, atol=1e-2)


@settings(deadline=None, max_examples=30)
@given(sides, sides, sides, sides, st.integers(0, 2**31))
def test_8_bit_bilinear_is_bilinear_to_one_grey_level(h, w, height, width, seed):
    generator = torch.Generator().manual_seed(seed)
    image = torch.randint(0, 256, (3, h, w), generator=generator, dtype=torch.int32)
    found = bilinear_8_bit(image, (height, width))
    exact = torch.nn.functional.interpolate(
        image[None].double(), (height, width), mode="bilinear"
    )[0]
    assert (found - exact).abs().max() <= 1.01  # weights of 11 bits, cut off twice


def test_stretch_leaves_a_picture_of_the_right_size_alone():
    image = torch.rand(3, 32, 64)
    assert torch.equal(stretch(image, (32, 64))[0], image)
    assert torch.equal(letterbox(image, (32, 64))[0], image)


def chosen(rows, score, iou, best_class=True):
    """The choice with loops: thresholds, then NMS class by class."""
    found = []
    for cx, cy, w, h, _, *scores in rows.tolist():
        classes = [max(range(len(scores)), key=scores.__getitem__)]
        for k in classes if best_class else range(len(scores)):
            if scores[k] > score:
                box = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]
                found.append((scores[k], k, box))
    found.sort(key=lambda each: -each[0])
    kept = []
    for s, k, box in found:
        others = [b for _, c, b in kept if c == k]
        if (
            not others
            or box_iou(torch.tensor([box]), torch.tensor(others)).max() <= iou
        ):
            kept.append((s, k, box))
    return kept


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.integers(0, 40), st.booleans())
def test_choice_of_boxes_equals_loops(seed, count, best_class):
    rows = torch.rand(count, 8, generator=torch.Generator().manual_seed(seed))
    rows[:, 5:] *= rows[:, 4:5]
    boxes, classes, scores = detections(rows, 0.2, 0.4, best_class)
    wanted = chosen(rows, 0.2, 0.4, best_class)
    assert classes.tolist() == [k for _, k, _ in wanted]
    torch.testing.assert_close(scores, torch.tensor([s for s, _, _ in wanted]))
    wanted = torch.tensor([b for _, _, b in wanted]).reshape(-1, 4)
    torch.testing.assert_close(boxes, wanted)


def test_two_classes_of_one_place_both_stay_and_what_is_not_finite_goes():
    rows = torch.tensor([[0.5, 0.5, 0.2, 0.2, 1.0, 0.9, 0.8]] * 3)
    rows[1, 5] = 0.1  # the same box of the other class
    rows[2, 2] = torch.inf
    assert detections(rows, 0.5, 0.4)[1].tolist() == [0, 1]
    assert detections(rows, 0.5, 0.4, best_class=False)[1].tolist() == [0, 1]
    assert detections(rows * torch.nan, 0.5, 0.4)[0].shape == (0, 4)


CFG = """[net]
width=64
height=64
[convolutional]
filters=14
size=32
stride=32
activation=linear
[yolo]
anchors=20,20, 40,40
num=2
classes=2
"""


def test_a_detector_gives_boxes_in_pixels_of_each_picture():
    net = Darknet(parse_text(CFG))
    torch.nn.init.zeros_(net.layers[0].conv.weight)
    bias = net.layers[0].conv.bias.data.fill_(-9.0)
    bias[:2], bias[2:4], bias[4], bias[6] = 0, 0, 9, 9
    detector = DarknetDetector(net, score_threshold=0.5).eval()
    wide, square = detector([torch.rand(3, 50, 100), torch.rand(3, 64, 64)])
    assert square["labels"].tolist() == [2, 2, 2, 2]  # class 1, counted from 1
    assert sorted(square["boxes"].tolist())[0] == [6, 6, 26, 26]
    expected = [9.375, -15.625, 40.625, 15.625]  # (6 / 0.64, (6 - 16) / 0.64, ...)
    assert sorted(wide["boxes"].tolist())[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"size": 100}, "size 100 x 100 does not suit the net; give multiples of 32"),
        ({"size": 0}, "give multiples of 32"),
        ({"size": 320_000}, "cannot be"),
        ({"resize": "crop"}, "resize is 'crop'; choose letterbox or stretch"),
        ({"score_threshold": 50}, "score_threshold is 50; give 0 to 1"),
        ({"nms_threshold": float("nan")}, "nms_threshold is nan; give 0 to 1"),
    ],
)
def test_options_a_detector_cannot_take(options, sentence):
    with pytest.raises(InputError, match=sentence):
        DarknetDetector(Darknet(parse_text(CFG)), **options)


def test_a_classifier_finds_no_boxes():
    net = Darknet(parse_text("[net]\nwidth=8\nheight=8\n[avgpool]\n"))
    with pytest.raises(InputError, match="no \\[yolo\\] or \\[region\\] section"):
        DarknetDetector(net)


def test_training_gives_losses_with_gradients():
    net = Darknet(parse_text(CFG))
    boxes = torch.tensor([[5.0, 5, 30, 40]])
    target = {"boxes": boxes, "labels": torch.tensor([2])}
    losses = DarknetDetector(net)([torch.rand(3, 50, 100)], [target])
    sum(losses.values()).backward()
    assert net.layers[0].conv.weight.grad.abs().sum() > 0
    with pytest.raises(InputError, match="wants targets"):
        DarknetDetector(net)([torch.rand(3, 50, 100)])
