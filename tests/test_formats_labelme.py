"""labelme's JSON: every shape, parts of one object, masks within, what is refused."""

import base64
import io
import json
import math

import numpy as np
import pytest
from format_cases import pictures, same
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from course_lib.data.formats.annotated import Annotated, Thing
from course_lib.data.formats.label_map import mask_of, paint, regions
from course_lib.data.formats.labelme_json import read_labelme, write_labelme
from course_lib.data.harbour import Harbour, export
from course_lib.errors import InputError


def png(pixels) -> str:
    file = io.BytesIO()
    Image.fromarray(np.array(pixels, np.uint8)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def shape(kind, *points, label="boat", **more) -> dict:
    return {"label": label, "points": points, "shape_type": kind, **more}


def read(tmp_path, *shapes, faults=None, **more) -> Annotated:
    table = {"imagePath": "a.png", "imageWidth": 40, "imageHeight": 30, **more}
    table = {key: value for key, value in table.items() if value != "gone"}
    (tmp_path / "a.json").write_text(json.dumps(table | {"shapes": shapes}))
    return read_labelme(tmp_path / "a.json", faults)


def test_rectangles_and_polygons(tmp_path):
    corners = shape("rectangle", [12, 20.5], [3, 4])
    triangle = shape("polygon", [1, 1], [9, 1], [9, 7.5], flags={"difficult": True})
    old = {"label": "car", "points": [[0, 0], [5, 0], [0, 5]], "flags": None}
    box, polygon, without_kind = read(tmp_path, corners, triangle, old).things
    assert box == Thing("boat", (3, 4, 12, 20.5))
    points = (1, 1, 9, 1, 9, 7.5)
    assert polygon == Thing("boat", (1, 1, 9, 7.5), (points,), difficult=True)
    assert without_kind.polygons == ((0, 0, 5, 0, 0, 5),)


@given(st.floats(0.3, 60), st.floats(0, 6.3))
@settings(max_examples=40, deadline=None)
def test_a_circle_keeps_within_a_tenth_of_a_pixel(tmp_path_factory, radius, way):
    tmp_path = tmp_path_factory.getbasetemp()
    rim = [100 + radius * math.cos(way), 100 + radius * math.sin(way)]
    circle = shape("circle", [100, 100], rim)
    (thing,) = read(tmp_path, circle, imageWidth=200, imageHeight=200).things
    low, high = 100 - radius, 100 + radius
    np.testing.assert_allclose(thing.box, (low, low, high, high), atol=1e-9)
    points = np.reshape(thing.polygons[0], (-1, 2)) - 100
    middles = (points + np.roll(points, 1, axis=0)) / 2
    np.testing.assert_allclose(np.hypot(*points.T), radius)
    gap = radius - np.hypot(*middles.T)
    assert -1e-9 <= gap.min() and gap.max() <= 0.1 + 1e-9


def test_a_circle_is_cut_at_the_rim(tmp_path):
    (thing,) = read(tmp_path, shape("circle", [2, 15], [12, 15])).things
    np.testing.assert_allclose(thing.box, (0, 5, 12, 25))


def test_a_mask_is_a_png_between_its_first_and_its_last_pixel(tmp_path):
    pixels = [[0, 1, 0], [1, 1, 0]]
    (thing,) = read(tmp_path, shape("mask", [5, 6], [7, 7], mask=png(pixels))).things
    wanted = np.zeros((30, 40), bool)
    wanted[6:8, 5:8] = pixels
    np.testing.assert_array_equal(mask_of(thing, 40, 30), wanted)
    assert thing.box == (5, 6, 7, 8)


def test_one_label_and_one_group_is_one_object(tmp_path):
    left = shape("polygon", [0, 0], [4, 0], [0, 4], group_id=1)
    right = shape("rectangle", [10, 10], [12, 13], group_id=1, flags={"crowd": 1})
    other = shape("rectangle", [20, 20], [30, 25], group_id=1, label="car")
    boat, car = read(tmp_path, left, other, right).things
    assert car == Thing("car", (20, 20, 30, 25))
    second = (10, 10, 12, 10, 12, 13, 10, 13)
    both = ((0, 0, 4, 0, 0, 4), second)
    assert boat == Thing("boat", (0, 0, 12, 13), both, crowd=True)
    dot = shape("mask", [30, 2], [30, 2], mask=png([[1]]), group_id=1)
    boat = read(tmp_path, left, right, dot).things[0]
    mask = mask_of(boat, 40, 30)
    assert mask[2, 30] and mask[10:13, 10:12].all() and not mask[10:13, 12].any()
    assert not boat.polygons and boat.box == (0, 0, 31, 13)


def test_the_size_is_told_or_that_of_the_picture(tmp_path):
    unknown = {"imageWidth": None, "imageHeight": "gone"}
    with pytest.raises(InputError, match="there is no file .*a.png"):
        read(tmp_path, **unknown)
    Image.new("RGB", (9, 5)).save(tmp_path / "a.png")
    assert read(tmp_path, **unknown).width == 9
    within = read(tmp_path, imageData=png(np.zeros((6, 8))), **unknown)
    assert (within.width, within.height) == (8, 6)
    windows = read(tmp_path, imagePath="..\\pictures\\a.png")
    assert windows.file == "../pictures/a.png" and windows.width == 40
    with pytest.raises(InputError, match="a picture within that cannot be read"):
        read(tmp_path, imageData="AAAA", **unknown)


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        (shape("point", [1, 2]), "shape 2: a point has no area"),
        (shape("line", [1, 2], [3, 4]), "a line has no area"),
        (shape("linestrip", [1, 2], [3, 4], [5, 5]), "a linestrip has no area"),
        (shape("spiral", [1, 2]), "the unknown shape 'spiral'"),
        (shape("polygon", [1, 2], [3, 4]), "a polygon of 4 numbers"),
        (shape("polygon", [1, 2], [3, 2], [5, 2]), "has no area"),
        (shape("polygon", [1, 2], [3, 2], [5, float("nan")]), "not all finite"),
        (shape("rectangle", [1, 2], [1, 9]), "shape 2: box 1 2 1 9 (x1 y1 x2 y2)"),
        (shape("rectangle", [1, 2], [50, 9]), "not lie in its picture of 40 x 30"),
        (shape("rectangle", [1, float("inf")], [5, 9]), "is not finite"),
        (shape("rectangle", [1, 2]), "shape 2"),
        (shape("circle", [5, 5], [5, 5]), "a radius of 0 pixels"),
        (shape("circle", [5, 5], [1e9, 5]), "a radius of 1e+09 pixels"),
        (shape("circle", [99, 99], [98, 99]), "has no area"),
        (shape("mask", [0, 0], [1, 1]), "shape 2: lacks 'mask'"),
        (shape("mask", [0, 0], [1, 1], mask="!"), "cannot be read"),
        (shape("mask", [0, 0], [2, 1], mask=png([[1, 1]] * 2)), "a mask of (2, 2)"),
        (shape("mask", [39, 0], [40, 1], mask=png([[1, 1]] * 2)), "beyond its picture"),
        (shape("mask", [0, 0], [1, 1], mask=png([[0, 0]] * 2)), "without a pixel"),
        (shape("rectangle", [1, 2], [5, 9], label=""), "the name '' of a class"),
        ({"points": [[1, 2], [3, 4]]}, "shape 2: lacks 'label'"),
        ("boat", "shape 2"),
    ],
)
def test_what_is_wrong_is_told_by_file_and_shape(tmp_path, wrong, sentence):
    good = shape("rectangle", [1, 2], [5, 9])
    with pytest.raises(InputError, match="a.json") as error:
        read(tmp_path, good, wrong)
    assert sentence in str(error.value)
    faults = []
    assert len(read(tmp_path, good, wrong, faults=faults).things) == 1
    assert len(faults) == 1 and sentence in faults[0]


def test_a_mask_that_breaks_off_is_refused(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (30, 30))
    whole = base64.b64decode(png(noise))
    cut = base64.b64encode(whole[: len(whole) // 2]).decode()
    with pytest.raises(InputError, match="a.json, shape 1: a mask that breaks off"):
        read(tmp_path, shape("mask", [0, 0], [29, 29], mask=cut))


@pytest.mark.parametrize("gone", ["imagePath", "shapes"])
def test_a_file_without_its_fields_is_refused(tmp_path, gone):
    table = {"imagePath": "a.png", "imageWidth": 4, "imageHeight": 3, "shapes": []}
    del table[gone]
    (tmp_path / "a.json").write_text(json.dumps(table))
    with pytest.raises(InputError, match=f"a.json: lacks '{gone}'"):
        read_labelme(tmp_path / "a.json")


@given(picture=pictures())
@settings(max_examples=60, deadline=None)
def test_written_files_come_back_exactly(tmp_path_factory, picture):
    path = tmp_path_factory.mktemp("labelme") / "a.json"
    write_labelme(path, picture)
    again = read_labelme(path)
    same(again, picture, 0)
    assert again == picture


@given(
    kind=st.sampled_from(["polygon", "rectangle", "circle", "mask"]),
    key=st.sampled_from(["label", "points", "shape_type", "flags", "group_id", "mask"]),
    value=st.recursive(
        st.none() | st.integers() | st.floats() | st.text(max_size=3),
        lambda x: st.lists(x, max_size=4),
    ),
)
@settings(max_examples=200, deadline=None)
def test_any_value_is_read_or_an_input_error(tmp_path_factory, kind, key, value):
    tmp_path = tmp_path_factory.getbasetemp()
    good = shape(kind, [2, 3], [3, 4], mask=png([[1, 1]] * 2), group_id=3)
    try:
        picture = read(
            tmp_path, good | {key: value}, shape("rectangle", [1, 1], [5, 9])
        )
    except InputError as error:
        assert "a.json" in str(error)
    else:
        assert all(np.isfinite(thing.box).all() for thing in picture.things)


def test_an_export_of_the_harbour_comes_back_exactly(tmp_path):
    world = Harbour("val", 3, task="detection")
    export(world, tmp_path, "labelme")
    for i in range(3):
        picture = read_labelme(tmp_path / f"val/{world.file(i)}.json")
        truth = world[i][1]
        assert [list(t.box) for t in picture.things] == truth["boxes"].tolist()
        names = [world.classes.names[k] for k in truth["labels"].tolist()]
        assert [t.name for t in picture.things] == names
        masks = [mask_of(thing, 128, 96) for thing in picture.things]
        np.testing.assert_array_equal(masks, truth["masks"])
        assert (tmp_path / "val" / picture.file).is_file()


# label pictures


def test_later_things_are_painted_over_earlier_ones():
    large, small = (1, 1, 5, 1, 5, 4, 1, 4), (0, 0, 2, 0, 2, 2, 0, 2)
    things = Thing("b", (1, 1, 5, 4), (large,)), Thing("a", (0, 0, 2, 2), (small,))
    ids = paint(Annotated("a.png", 6, 4, things), ("a", "b"))
    wanted = [
        [0, 0, 255, 255, 255, 255],
        [0, 0, 1, 1, 1, 255],
        [255, 1, 1, 1, 1, 255],
        [255, 1, 1, 1, 1, 255],
    ]
    assert ids.dtype == np.uint8 and ids.tolist() == wanted
    found = regions(ids, ("a", "b"))
    assert [t.name for t in found] == ["a", "b"] and found[1].box == (1, 1, 5, 4)
    again = paint(Annotated("a.png", 6, 4, found), ("a", "b"))
    np.testing.assert_array_equal(again, ids)
