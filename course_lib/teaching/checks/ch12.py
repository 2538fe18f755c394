"""Checks of chapters/12_boxes_anchors_ap."""

import torch

from course_lib.teaching.checks import exercise, expect


@exercise("12.1")
def turn_boxes(answer):
    """Boxes of the picture turned a quarter to the left."""
    box = torch.tensor([[10.0, 5, 40, 25]])
    expect("box [10, 5, 40, 25] in a picture 100 px wide", answer(box, 100),
           torch.tensor([[5.0, 60, 25, 90]]))  # fmt: skip
    boxes = torch.tensor([[0.0, 0, 8, 6], [3, 1, 5, 9]])
    expect("boxes [0, 0, 8, 6] and [3, 1, 5, 9] in a picture 8 px wide",
           answer(boxes, 8), torch.tensor([[0.0, 0, 6, 8], [1, 3, 9, 5]]))  # fmt: skip
    whole = torch.tensor([[10.0, 5, 40, 25]])
    expect("the boxes that you were given, afterwards", box, whole)
    none = torch.zeros(0, 4)
    expect("a picture without boxes", answer(none, 100), none)


@exercise("12.2")
def cell_of(answer):
    """The cell of a grid that a box belongs to, and where in it its centre lies."""
    size = (96, 128)
    asked = "box [20, 30, 40, 50] of a picture 96 px high and 128 px wide, stride 16"
    expect(asked, answer([20, 30, 40, 50], size, 16), [2, 1, 0.875, 0.5])
    asked = "box [32, 16, 64, 80], whose centre lies on the edge of two cells,"
    expect(asked, answer([32, 16, 64, 80], size, 16), [3, 3, 0, 0])
    asked = "box [120, 90, 128, 96] at the corner, stride 32"
    expect(asked, answer([120, 90, 128, 96], size, 32), [2, 3, 0.875, 0.90625])
    asked = "box [128, 96, 128, 96], a point at the far corner: the last cell"
    expect(asked, answer([128, 96, 128, 96], size, 32), [2, 3, 1, 1])


@exercise("12.3")
def average_precision(answer):
    """The area under the envelope of precision over recall."""
    expect("right, right; 2 things", answer([True, True], 2), 1.0)
    expect("right; 4 things", answer([True], 4), 0.25)
    expect("wrong, right; 1 thing", answer([False, True], 1), 0.5)
    asked = "right, wrong, wrong, right, right; 4 things"
    expect(asked, answer([True, False, False, True, True], 4), 0.25 + 0.6 * 0.5)
    expect("nothing found; 3 things", answer([], 3), 0.0)
    expect("wrong, wrong; 3 things", answer([False, False], 3), 0.0)
