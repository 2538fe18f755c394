"""Label pictures in squares: the vote, by hand and against a slow one."""

import torch

from course_lib.data.harbour import Harbour
from course_lib.training.cards import read_card
from course_lib.training.squares import in_squares, scores


def test_the_vote_by_hand():
    labels = torch.tensor([[1, 1, 255], [2, 1, 255], [0, 0, 2]])
    squares = [[1, 1, 0], [1, 1, 0], [0, 0, 2]]  # void has no vote; squares are cut
    assert in_squares(labels, 2, 3).tolist() == squares
    assert torch.equal(in_squares(labels.clamp(max=2), 1, 3), labels.clamp(max=2))


def test_every_square_has_its_commonest_class():
    labels = torch.as_tensor(Harbour("test", 1, size=(50, 70))[0][1])
    squares = in_squares(labels, 16, 12)
    for y in range(0, 50, 16):
        for x in range(0, 70, 16):
            here = (slice(y, y + 16), slice(x, x + 16))
            votes = labels[here][labels[here] != 255].bincount(minlength=12)
            (winner,) = squares[here].unique()
            assert votes[winner] == votes.max()


def test_scores_of_squares_of_one_pixel_are_perfect():
    truths = [torch.tensor([[0, 1], [1, 255]])]
    row = scores(truths, 1, ("road", "pole"))
    assert row["mean_iou"] == 1 and row["iou_by_width"]["to 2 px"] == 1


def test_the_card_says_that_finer_squares_hold_more():
    rows = read_card("squares_camvid")["squares"]
    for coarse, fine in zip(rows, rows[1:], strict=False):
        assert coarse["side"] == 2 * fine["side"]
        assert all(coarse["class_iou"][k] < v for k, v in fine["class_iou"].items())
