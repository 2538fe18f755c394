"""Coarse maps of answers: the commonest classes, and squares in their place."""

import torch

from course_lib.show import commonest, paint


def test_the_commonest_classes_keep_their_names_and_the_rest_is_other():
    ids = torch.tensor([[7, 7, 7], [2, 2, 9]])
    new, table = commonest(ids, [f"class {i}" for i in range(10)], most=2)
    assert new.tolist() == [[1, 1, 1], [2, 2, 0]]
    assert table.names == ("other", "class 7", "class 2")
    assert len(set(table.palette)) == 3


def test_every_class_is_kept_where_there_are_few():
    new, table = commonest(torch.tensor([[3, 1], [1, 1]]), list("abcd"))
    assert new.tolist() == [[2, 1], [1, 1]] and table.names == ("other", "b", "d")


def test_squares_lie_where_their_windows_have_their_middle():
    mask = paint(torch.tensor([[1, 2]]), stride=2, first=1, shape=(4, 6))
    assert mask.tolist() == [[255] * 6, [255, 1, 1, 2, 2, 255],
                             [255, 1, 1, 2, 2, 255], [255] * 6]


def test_squares_are_cut_at_the_border_of_the_picture():
    mask = paint(torch.tensor([[1, 2], [3, 4]]), stride=2, first=0, shape=(3, 3))
    assert mask.tolist() == [[1, 1, 2], [1, 1, 2], [3, 3, 4]]
