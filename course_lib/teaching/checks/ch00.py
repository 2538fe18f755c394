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


@exercise("00.2")
def classes_in(answer):
    """Names of the classes that occur, in the order of their ids."""
    names = ("sky", "water", "road")
    example = torch.tensor([[2, 2, 255], [0, 0, 2]])
    expect("the labels of the text", answer(example, names), ["sky", "road"])
    only = torch.tensor([[1, 1], [1, 1]])
    expect("labels that are 1 everywhere", answer(only, names), ["water"])
    nothing = torch.full((2, 2), 255)
    expect("labels that are void everywhere", answer(nothing, names), [])


@exercise("00.3")
def first_row(answer):
    """The first row, from the top, in which a class occurs."""
    example = torch.tensor([[2, 2, 255], [0, 0, 2]])
    expect("class 2 in the labels of Exercise 00.2", answer(example, 2), 0)
    expect("class 0 in the labels of Exercise 00.2", answer(example, 0), 1)
    pole = torch.zeros(5, 4, dtype=torch.int64)
    pole[3:, 1] = 9
    expect("a pole of class 9 in rows 3 and 4, column 1", answer(pole, 9), 3)
    expect("class 7, which is not there", answer(example, 7), None)
