"""Checks of chapters/00_start_here."""

import torch

from course_lib.teaching.checks import exercise, expect


@exercise("00.1")
def share_of_class(answer):
    """Share of a class among the pixels that are not void."""
    example = torch.tensor([[9, 9, 255], [0, 0, 0]])
    expect("class 9 in the labels of the text", answer(example, 9), 0.4)
    expect("class 0 in the labels of the text", answer(example, 0), 0.6)
    expect("class 7, which is not there,", answer(example, 7), 0.0)
    other = torch.tensor([[255, 255], [255, 3]])
    expect("class 3 in [[255, 255], [255, 3]]", answer(other, 3), 1.0)
