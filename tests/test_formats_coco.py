"""COCO's JSON of instances: read, written, refused; judged by pycocotools."""

import contextlib
import copy
import io
import json

import numpy as np
import pytest
from format_cases import NAMES, lossy, pictures, same
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data.classes import HARBOUR
from course_lib.data.formats.annotated import Annotated, Thing
from course_lib.data.formats.coco_json import read_coco, write_coco
from course_lib.data.formats.label_map import mask_of
from course_lib.data.harbour import Harbour, export
from course_lib.errors import InputError

TABLE = {
    "images": [{"id": 7, "file_name": "a.jpg", "width": 10, "height": 8}],
    "categories": [{"id": 18, "name": "dog"}, {"id": 3, "name": "car"}],
    "annotations": [
        {
            "id": 5,
            "image_id": 7,
            "category_id": 3,
            "bbox": [1, 2, 4.5, 3],
            "segmentation": [[1, 2, 5.5, 2, 5.5, 5]],
            "area": 6.75,
            "iscrowd": 0,
        },
        {
            "id": 6,
            "image_id": 7,
            "category_id": 18,
            "bbox": [0, 0, 2, 4],
            "segmentation": {"size": [8, 10], "counts": [0, 4, 4, 4, 68]},
            "iscrowd": 1,
        },
    ],
}


def read(tmp_path, table, **how):
    (tmp_path / "a.json").write_text(json.dumps(table))
    return read_coco(tmp_path / "a.json", **how)


def changed(*path, value=None) -> dict:
    """The table with one value replaced, or left out where it is None."""
    table = copy.deepcopy(TABLE)
    place = table
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    if value is None:
        del place[path[-1]]
    return table


def test_boxes_masks_and_names_by_their_id(tmp_path):
    (picture,), names = read(tmp_path, TABLE)
    assert names == {3: "car", 18: "dog"} and list(names) == [3, 18]
    assert (picture.file, picture.width, picture.image_id) == ("a.jpg", 10, 7)
    car, dogs = picture.things
    assert car.box == (1, 2, 5.5, 5) and car.polygons == ((1, 2, 5.5, 2, 5.5, 5),)
    assert car.area == 6.75 and not car.crowd and dogs.crowd
    mask = np.zeros((8, 10), bool)
    mask[:4, :2] = True
    np.testing.assert_array_equal(mask_of(dogs, 10, 8), mask)


@given(found=st.lists(pictures(), max_size=3))
@settings(max_examples=60, deadline=None)
def test_written_files_come_back_and_please_pycocotools(tmp_path_factory, found):
    from pycocotools.coco import COCO

    path = tmp_path_factory.mktemp("coco") / "a.json"
    write_coco(path, found, NAMES)
    again, names = read_coco(path)
    assert names == dict(enumerate(NAMES, start=1))
    for i, (one, other) in enumerate(zip(again, found, strict=True)):
        same(one, lossy(other, "coco"), 1e-8)
        assert one.image_id == i
    with contextlib.redirect_stdout(io.StringIO()):
        judge = COCO(str(path))
    for one in again:
        rows = judge.loadAnns(judge.getAnnIds(imgIds=one.image_id))
        for row, thing in zip(rows, one.things, strict=True):
            if thing.polygons or thing.run_lengths:
                mask = mask_of(thing, one.width, one.height)
                np.testing.assert_array_equal(judge.annToMask(row), mask)
                assert row["area"] == mask.sum()
    write_coco(path, again, names)
    assert read_coco(path) == (again, names)


@pytest.mark.parametrize(
    "path, value, sentence",
    [
        (("annotations", 0, "bbox"), [1, 2, 4, 0], "annotation 5: box 1 2 5 2 (x1 y1"),
        (("annotations", 0, "bbox"), [1, 2, float("nan"), 3], "is not finite"),
        (("annotations", 0, "bbox"), [1, 2, float("inf"), 3], "is not finite"),
        (("annotations", 0, "bbox"), [1, 2, -4, 3], "has no area"),
        (("annotations", 0, "bbox"), [7, 2, 9, 3], "not lie in its picture of 10 x 8"),
        (("annotations", 0, "bbox"), [1, 2, 4], "annotation 5"),
        (("annotations", 0, "bbox"), None, "annotation 5: lacks 'bbox'"),
        (("annotations", 0, "category_id"), 4, "annotation 5: lacks 4"),
        (("annotations", 0, "image_id"), [7], "annotation 5"),
        (("annotations", 0, "area"), float("nan"), "annotation 5: the area nan"),
        (("annotations", 0, "segmentation"), [[1, 2, 3, 4]], "a polygon of 4 numbers"),
        (
            ("annotations", 0, "segmentation"),
            [[1e999] * 6],
            "are not all finite",
        ),
        (("annotations", 0, "segmentation"), "dog", "annotation 5"),
        (("annotations", 1, "segmentation", "counts"), [0, 4], "annotation 6"),
        (("annotations", 1, "segmentation", "counts"), "~~~", "annotation 6"),
        (("annotations", 1, "segmentation", "size"), [10, 8], "annotation 6"),
        (("annotations", 1), "dog", "annotation 'dog'"),
        (("images", 0, "width"), 0, "images[0]: a picture of 0 x 8"),
        (("images", 0, "height"), 10**9, "a picture of 10 x 1000000000"),
        (("images",), [TABLE["images"][0] | {"width": 9e4, "height": 9e4}], "90000.0"),
        (("images", 0, "file_name"), None, "images[0]: lacks 'file_name'"),
        (("images",), {}, "has no list 'images'"),
        (("annotations",), None, "has no list 'annotations'"),
        (("categories", 0, "id"), 3, "2 categories share the id 3"),
        (("categories", 0, "name"), "car", "2 categories share the name 'car'"),
        (("categories", 0, "name"), "do\ng", "the name 'do\\ng' of a class"),
    ],
)
def test_what_is_wrong_is_told_by_file_and_annotation(tmp_path, path, value, sentence):
    with pytest.raises(InputError, match="a.json") as error:
        read(tmp_path, changed(*path, value=value))
    assert sentence in str(error.value)


def test_two_pictures_of_one_id_are_refused(tmp_path):
    twins = changed("images", value=TABLE["images"] * 2)
    with pytest.raises(InputError, match="2 pictures share the id 7"):
        read(tmp_path, twins)
    with pytest.raises(InputError, match="2 pictures share the id 7"):
        write_coco(tmp_path / "b.json", [Annotated("a", 1, 1, (), 7)] * 2, ["dog"])
    unknown = Annotated("a.png", 9, 9, (Thing("cat", (0, 0, 1, 1)),))
    with pytest.raises(InputError, match="a.png holds a 'cat', which is not among"):
        write_coco(tmp_path / "b.json", [unknown], ["dog"])
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_faulty_annotations_can_be_left_out(tmp_path):
    faults = []
    table = changed("annotations", 0, "bbox", value=[1, 2, 0, 0])
    (picture,), _ = read(tmp_path, table, faults=faults)
    assert [thing.name for thing in picture.things] == ["dog"]
    assert len(faults) == 1 and "annotation 5" in faults[0]


@pytest.mark.parametrize(
    "text, sentence",
    [("[1]", "no JSON object"), ("{", "no JSON"), ("[" * 200_000, "no JSON"),
     ("\x00", "no JSON"), ('{"images": ' + "9" * 5000 + "}", "no JSON")],
)  # fmt: skip
def test_what_is_no_json_object_is_refused(tmp_path, text, sentence):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_coco(tmp_path / "a.json")
    (tmp_path / "a.json").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(InputError, match="no JSON"):
        read_coco(tmp_path / "a.json")


def test_a_file_without_end_is_not_read(tmp_path):
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(10**9 + 1)
    with pytest.raises(InputError, match="more than 1,000,000,000"):
        read_coco(tmp_path / "a.json")


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
JSON = st.recursive(
    LEAVES,
    lambda x: (
        st.lists(x, max_size=3)
        | st.dictionaries(st.sampled_from(["size", "counts", "id"]), x)
    ),
    max_leaves=5,
)
PATHS = [
    (*at, key)
    for at in (("images", 0), ("categories", 0), ("annotations", 0), ("annotations", 1))
    for key in TABLE[at[0]][at[1]]
] + [("annotations", 1, "segmentation", key) for key in ("size", "counts")]


@given(path=st.sampled_from(PATHS), value=JSON)
@settings(max_examples=300, deadline=None)
def test_any_value_anywhere_is_read_or_an_input_error(tmp_path_factory, path, value):
    file = tmp_path_factory.getbasetemp() / "any.json"
    file.write_text(json.dumps(changed(*path, value=value)))
    try:
        found, _ = read_coco(file)
    except InputError as error:
        assert "any.json" in str(error)
    else:
        for thing in found[0].things:
            assert np.isfinite(thing.box).all() and thing.name


def test_an_export_of_the_harbour_comes_back_exactly(tmp_path):
    world = Harbour("val", 3, task="detection")
    export(world, tmp_path, "coco")
    found, names = read_coco(tmp_path / "annotations/instances_val.json")
    assert names == {i: HARBOUR.names[i] for i in range(6, 12)}
    for i, picture in enumerate(found):
        truth = world[i][1]
        assert [list(t.box) for t in picture.things] == truth["boxes"].tolist()
        for thing, mask in zip(picture.things, truth["masks"].numpy(), strict=True):
            np.testing.assert_array_equal(mask_of(thing, 128, 96), mask)


@pytest.mark.real
def test_coco128_is_written_again_as_it_was(real_data, tmp_path):
    path = real_data / "coco128/annotations/instances_train2017.json"
    found, names = read_coco(path)
    things = [thing for picture in found for thing in picture.things]
    assert (len(found), len(things), len(names)) == (128, 939, 80)
    assert sum(thing.crowd for thing in things) == 10
    write_coco(tmp_path / "a.json", found, names)
    assert read_coco(tmp_path / "a.json") == (found, names)
    wanted = {row["id"]: row for row in json.loads(path.read_text())["annotations"]}
    ours = json.loads((tmp_path / "a.json").read_text())["annotations"]
    kept = ("image_id", "category_id", "bbox", "area", "iscrowd")
    left = sorted([row[key] for key in kept] for row in wanted.values())
    assert sorted([row[key] for key in kept] for row in ours) == left
