"""Checks of chapters/14_yolov3_darknet."""

import torch

from course_lib.teaching.checks import exercise, expect


@exercise("14.1")
def floats_of(answer):
    """Floats that one [convolutional] section takes out of a weight file."""
    first = {"batch_normalize": "1", "filters": "16", "size": "3"}
    expect("16 filters of 3x3 with batch norm on 3 channels", answer(first, 3), 496)
    head = {"filters": "255", "size": "1", "activation": "linear"}
    expect(
        "255 filters of 1x1, no batch norm, on 1024 channels",
        answer(head, 1024),
        261375,
    )
    zero = {"batch_normalize": "0", "filters": "16", "size": "3"}
    expect("16 filters of 3x3, batch_normalize=0, on 3 channels", answer(zero, 3), 448)
    depth = {"batch_normalize": "1", "filters": "32", "groups": "32", "size": "3"}
    expect(
        "32 filters of 3x3 in 32 groups, batch norm, 32 channels",
        answer(depth, 32),
        416,
    )
    wide = {"batch_normalize": "1", "filters": "64", "groups": "4", "size": "5"}
    expect(
        "64 filters of 5x5 in 4 groups, batch norm, 32 channels",
        answer(wide, 32),
        13056,
    )


@exercise("14.2")
def boxes_back(answer):
    """Boxes of a letterboxed square, in pixels of the picture it was made of."""
    square = torch.tensor([[65.0, 84.5, 195.0, 214.5]])
    asked = "box [65, 84.5, 195, 214.5] in 416 px of a picture 480 high, 640 wide"
    expect(asked, answer(square, 480, 640, 416), [[100.0, 50.0, 300.0, 250.0]])
    tall = torch.tensor([[96.0, 0.0, 160.0, 256.0], [112.0, 64.0, 128.0, 128.0]])
    asked = "two boxes in 256 px of a picture 512 high, 128 wide"
    expect(
        asked,
        answer(tall, 512, 128, 256),
        [[0.0, 0.0, 128.0, 512.0], [32.0, 128.0, 64.0, 256.0]],
    )
    small = torch.tensor([[10.0, 40.0, 50.0, 80.0]])
    asked = "box [10, 40, 50, 80] in 100 px of a picture 6 high, 10 wide"
    expect(asked, answer(small, 6, 10, 100), [[1.0, 2.0, 5.0, 6.0]])


@exercise("14.3")
def centres(answer):
    """Centres of all cells' boxes in pixels, vectorised, with scale_x_y."""
    t = torch.zeros(2, 2, 3)
    expected = [
        [[16.0, 48.0, 80.0], [16.0, 48.0, 80.0]],
        [[16.0, 16.0, 16.0], [48.0, 48.0, 48.0]],
    ]
    expect(
        "a map of zeros, 2 x 3 cells, stride 32: x of the centres",
        answer(t, 32, 1.0)[0],
        expected[0],
    )
    expect(
        "a map of zeros, 2 x 3 cells, stride 32: y of the centres",
        answer(t, 32, 1.0)[1],
        expected[1],
    )
    t = torch.tensor([[[3.0, 1 / 3]], [[1.0, 1.0]]]).log()  # sigmoid 3/4, 1/4
    asked = "sigmoids 0.75 and 0.25 in a row of two cells, stride 10, scale_x_y"
    expect(f"{asked} 1: x", answer(t, 10, 1.0)[0], [[7.5, 12.5]])
    expect(f"{asked} 2: x", answer(t, 10, 2.0)[0], [[10.0, 10.0]])
    t = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(14))
    cell = torch.stack(torch.meshgrid(torch.arange(7), torch.arange(5), indexing="xy"))
    expect(
        "a map of noise, 5 x 7 cells, stride 8, scale_x_y 1.1",
        answer(t, 8, 1.1),
        (t.sigmoid() * 1.1 - 0.05 + cell) * 8,
    )


@exercise("14.4")
def answers(answer):
    """Every class of every row that scores above the threshold."""
    rows = torch.tensor(
        [
            [10.0, 10, 4, 4, 1.0, 0.9, 0.8, 0.1],
            [30.0, 20, 8, 2, 0.5, 0.9, 0.0, 0.0],
            [50.0, 50, 2, 2, 0.9, 0.0, 0.0, 1.0],
        ]
    )
    got = answer(rows, 0.5)
    if got is None:
        raise AssertionError("your function gave None; is there a return?")
    if not isinstance(got, tuple | list):
        kind = type(got).__name__
        raise AssertionError(f"your function gave a {kind}, not three tensors")
    boxes, labels, scores = got
    expect("the number of detections among 3 rows, threshold 0.5", len(scores), 3)
    order = torch.as_tensor(scores).argsort(descending=True, stable=True)
    expect("their scores, best first", scores[order], [0.9, 0.9, 0.8])
    expect(
        "how often each of the labels 1, 2, 3 occurs",
        torch.bincount(labels, minlength=4)[1:],
        [1, 1, 1],
    )
    expect("the box of label 2", boxes[labels == 2], [[8.0, 8.0, 12.0, 12.0]])
    expect("the box of label 3", boxes[labels == 3], [[49.0, 49.0, 51.0, 51.0]])
    boxes, labels, scores = answer(rows, 0.95)
    expect("boxes, where nothing is above 0.95", list(boxes.shape), [0, 4])
