"""YOLO's text files as things of a picture; ``test_yolo_labels`` has their tensors."""

import pytest
import torch
from format_cases import NAMES, lossy, pictures, same, slack_of
from hypothesis import given, settings

from course_lib.data.formats.annotated import Annotated, Thing
from course_lib.data.formats.yolo_txt import read_labels, read_yolo, write_yolo
from course_lib.errors import InputError


@given(picture=pictures())
@settings(max_examples=60, deadline=None)
def test_written_boxes_come_back_to_six_decimals(tmp_path_factory, picture):
    path = tmp_path_factory.mktemp("yolo") / "a.txt"
    write_yolo(path, picture, NAMES)
    size = picture.height, picture.width
    again = read_yolo(path, "a.png", size, NAMES)
    left = lossy(picture, "yolo")
    same(again, left, slack_of("yolo", left))
    kinds, boxes = read_labels(path, len(NAMES))
    assert [NAMES[k] for k in kinds] == [thing.name for thing in left.things]
    assert boxes.shape == (len(left.things), 4) and boxes.dtype == torch.float32


def test_a_line_by_hand(tmp_path):
    """Columns 10 to 30 of 40, rows 5 to 15 of 20; the crowd has no line."""
    ball, crowd = Thing("ball", (10, 5, 30, 15)), Thing("cup", (0, 0, 9, 9), crowd=True)
    write_yolo(
        tmp_path / "a.txt", Annotated("a", 40, 20, (crowd, ball)), ["cup", "ball"]
    )
    assert (tmp_path / "a.txt").read_text() == "1 0.500000 0.500000 0.500000 0.500000\n"


def test_a_box_too_thin_for_six_decimals_is_not_lost(tmp_path):
    thin = Thing("cup", (500, 10, 500.0001, 20))
    write_yolo(tmp_path / "a.txt", Annotated("a", 1000, 100, (thin,)), ["cup"])
    (again,) = read_yolo(tmp_path / "a.txt", "a", (100, 1000), ["cup"]).things
    assert 0 < again.box[2] - again.box[0] <= 0.0011


def test_no_file_is_no_thing_and_faulty_lines_can_be_left_out(tmp_path):
    path = tmp_path / "a.txt"
    assert read_yolo(path, "a", (20, 40), ["cup"]).things == ()
    path.write_text("0 0.5 0.5 0.5 0.5\n3 0.5 0.5 0.1 0.1\n0 nan 0.5 0.1 0.1\n")
    with pytest.raises(InputError, match="a.txt, line 2.*class 3"):
        read_yolo(path, "a", (20, 40), ["cup"])
    faults = []
    picture = read_yolo(path, "a", (20, 40), ["cup"], faults)
    assert picture.things == (Thing("cup", (10, 5, 30, 15)),)
    assert len(faults) == 2 and "line 3" in faults[1]


def test_a_box_a_little_beyond_the_rim_is_cut_there(tmp_path):
    (tmp_path / "a.txt").write_text("0 0.9 0.5 0.2005 1.0\n")
    (thing,) = read_yolo(tmp_path / "a.txt", "a", (20, 40), ["cup"]).things
    assert thing.box == pytest.approx((31.99, 0, 40, 20)) and thing.box[2] == 40
