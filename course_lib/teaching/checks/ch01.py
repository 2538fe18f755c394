"""Checks of chapters/01_pixels_and_labels."""

import torch

from course_lib.teaching.checks import exercise, expect

NAN = float("nan")


@exercise("01.1")
def pad_pair(answer):
    """Pad below and on the right, black and void."""
    image = torch.tensor([[[9, 8]]] * 3, dtype=torch.uint8)  # (3, 1, 2)
    labels = torch.tensor([[1, 2]])
    for height, width, expected in (
        (2, 3, [[1, 2, 255], [255, 255, 255]]),
        (1, 4, [[1, 2, 255, 255]]),
        (1, 2, [[1, 2]]),
    ):
        what = f"labels [[1, 2]] padded to {height} x {width}"
        pair = answer(image.clone(), labels.clone(), height, width)
        assert isinstance(pair, tuple | list) and len(pair) == 2, (
            f"{what}: your function gives {type(pair).__name__}, expected two tensors, "
            "(image, labels)"
        )
        expect(what, pair[1], torch.tensor(expected))
        black = torch.zeros(3, height, width, dtype=torch.uint8)
        black[:, :1, :2] = image
        kind = str(getattr(pair[0], "dtype", type(pair[0]).__name__))
        assert kind == "torch.uint8", (
            f"an image of type torch.uint8 came back as {kind}, expected the same type"
        )
        what = f"first channel of an image [[9, 8]] padded to {height} x {width}"
        expect(what, pair[0][0], black[0])
        expect("the other channels", pair[0], black)


@exercise("01.2")
def class_iou(answer):
    """IoU of every class, nan where a class is in neither."""
    text = torch.tensor([[1, 1, 0], [0, 2, 0], [0, 0, 1]])
    expect("the matrix of section 8", answer(text), torch.tensor([1 / 2, 2 / 3, 1.0]))
    lopsided = torch.tensor([[6, 2], [0, 0]])
    expect("the matrix [[6, 2], [0, 0]]", answer(lopsided), torch.tensor([0.75, 0.0]))
    absent = torch.tensor([[3, 0, 1], [0, 0, 0], [0, 0, 4]])
    expected = torch.tensor([0.75, NAN, 0.8])
    expect("the matrix [[3, 0, 1], [0, 0, 0], [0, 0, 4]]", answer(absent), expected)


@exercise("01.3")
def pixel_accuracy(answer):
    """Share of right pixels among those that are not void, from logits."""
    logits = torch.tensor([[[0.2, 0.9]], [[0.7, 0.1]]])  # (2 classes, 1, 2)
    right, void = torch.tensor([[1, 0]]), torch.tensor([[1, 255]])
    what = "logits 0.2 0.9 of class 0 and 0.7 0.1 of class 1"
    expect(f"{what}, labels [[1, 0]]", answer(logits, right), 1.0)
    expect(f"{what}, labels [[1, 255]]", answer(logits, void), 1.0)
    wrong = torch.tensor([[0, 255]])
    expect(f"{what}, labels [[0, 255]]", answer(logits, wrong), 0.0)
    expect(f"{what}, labels [[0, 0]]", answer(logits, torch.tensor([[0, 0]])), 0.5)
    tall = torch.tensor([[[3.0], [-2.0]], [[1.0], [-1.5]], [[2.0], [-3.0]]])
    labels = torch.tensor([[0], [1]])
    expect("logits (3, 2, 1), all right", answer(tall, labels), 1.0)


@exercise("01.4")
def draw_runs(answer):
    """The mask of COCO's run lengths: columns first, outside first."""
    for runs, height, width, expected in (
        ([3, 2, 1, 3, 3], 3, 4, [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 0]]),
        ([0, 1, 2, 1], 2, 2, [[1, 0], [0, 1]]),
        ([4, 2], 2, 3, [[0, 0, 1], [0, 0, 1]]),
        ([2], 1, 2, [[0, 0]]),
    ):
        what = f"runs {runs} in {height} rows and {width} columns"
        expect(what, answer(list(runs), height, width), torch.tensor(expected))
