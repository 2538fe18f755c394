"""odgt lists, for segmentation and for detection."""

import json

import pytest
from format_cases import lossy, pictures, same
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data.formats.annotated import Thing
from course_lib.data.formats.odgt import (
    Pair,
    read_crowdhuman,
    read_odgt,
    write_crowdhuman,
    write_odgt,
)
from course_lib.data.harbour import Harbour, export
from course_lib.errors import InputError

PERSON = {
    "tag": "person",
    "fbox": [10, -5, 30, 60],
    "vbox": [12, 0, 20, 40],
    "hbox": [15, 1, 5, 6],
    "extra": {"box_id": 0, "occ": 1},
}
POSTER = {"tag": "mask", "fbox": [1, 1, 5, 5], "extra": {"ignore": 1}}
FAR = {"tag": "person", "fbox": [70, 1, 5, 9], "extra": {"ignore": 1}}


def read(tmp_path, *rows, **how):
    line = json.dumps({"ID": "273,1a", "gtboxes": rows})
    (tmp_path / "a.odgt").write_text(f"{line}\n\n")
    (picture,) = read_crowdhuman(tmp_path / "a.odgt", lambda stem: (50, 80), **how)
    return picture


def test_a_line_of_csails_list(tmp_path):
    line = {"fpath_img": "ADE/a.jpg", "fpath_segm": "ADE/a.png", "width": 683}
    (tmp_path / "a.odgt").write_text(json.dumps(line | {"height": 512, "more": 1}))
    (pair,) = read_odgt(tmp_path / "a.odgt")
    assert pair == Pair("ADE/a.jpg", "ADE/a.png", 683, 512)
    write_odgt(tmp_path / "b.odgt", [pair, pair])
    assert read_odgt(tmp_path / "b.odgt") == [pair, pair]
    text = (tmp_path / "b.odgt").read_text().splitlines()[0]
    assert text == json.dumps(line | {"height": 512})


def test_boxes_of_crowdhuman(tmp_path):
    picture = read(tmp_path, PERSON, POSTER, FAR)
    assert (picture.file, picture.width, picture.height) == ("273,1a.jpg", 80, 50)
    assert picture.things == (
        Thing("person", (10, 0, 40, 50)),  # cut at the rim
        Thing("mask", (1, 1, 6, 6), crowd=True),
        Thing("person", (70, 1, 75, 10), difficult=True),
    )
    assert read(tmp_path, PERSON, box="vbox").things[0].box == (12, 0, 32, 40)
    assert read(tmp_path, PERSON, box="hbox").things[0].box == (15, 1, 20, 7)
    with pytest.raises(InputError, match="no box 'box'; choose fbox, vbox, hbox"):
        read(tmp_path, PERSON, box="box")


@given(found=st.lists(pictures(), max_size=2))
@settings(max_examples=40, deadline=None)
def test_written_boxes_come_back(tmp_path_factory, found):
    path = tmp_path_factory.mktemp("odgt") / "a.odgt"
    write_crowdhuman(path, found)
    again = read_crowdhuman(path, lambda stem: 1 / 0)
    for one, other in zip(again, found, strict=True):
        same(one, lossy(other, "crowdhuman"), 1e-8)


@pytest.mark.parametrize(
    "row, sentence",
    [
        (
            PERSON | {"fbox": [1, 2, 0, 4]},
            "line 1, box 2: box 1 2 1 6 (x1 y1 x2",
        ),
        (PERSON | {"fbox": [1, 2, float("nan"), 4]}, "box 2: box"),
        (PERSON | {"fbox": [90, 2, 4, 4]}, "has no area"),
        (PERSON | {"fbox": "none"}, "box 2"),
        ({"tag": "person"}, "box 2: lacks 'fbox'"),
        ({"fbox": [1, 2, 3, 4]}, "box 2: lacks 'tag'"),
        (7, "box 2"),
    ],
)
def test_a_wrong_box_is_told_by_line_and_number(tmp_path, row, sentence):
    with pytest.raises(InputError, match="a.odgt, line 1") as error:
        read(tmp_path, POSTER, row)
    assert sentence in str(error.value)
    faults = []
    assert len(read(tmp_path, POSTER, row, faults=faults).things) == 1
    assert len(faults) == 1


@pytest.mark.parametrize(
    "text, sentence",
    [
        ('{"fpath_img": "a"}', "line 1: lacks 'width'"),
        ('{"width": 0, "height": 3}', "line 1: a picture of 0 x 3"),
        ("\n{", "line 2 is no JSON"),
        ("[]", "line 1 holds no JSON object"),
    ],
)
def test_a_wrong_line_is_told_by_its_number(tmp_path, text, sentence):
    (tmp_path / "a.odgt").write_text(text)
    with pytest.raises(InputError, match=f"a.odgt, {sentence}"):
        read_odgt(tmp_path / "a.odgt")


def test_an_export_of_the_harbour_lists_its_files(tmp_path):
    export(Harbour("val", 2, (30, 40)), tmp_path, "ade20k")
    for pair in read_odgt(tmp_path / "validation.odgt"):
        assert (tmp_path / pair.fpath_img).is_file()
        assert (tmp_path / pair.fpath_segm).is_file()
        assert (pair.width, pair.height) == (40, 30)
