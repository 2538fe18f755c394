"""COCO panoptic and semantic pictures: the harbour, damaged sets, coco128."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from test_readers_coco import told

from course_lib.data.checker import check_labels
from course_lib.data.classes import COCO, HARBOUR
from course_lib.data.formats.panoptic_json import read_ids, write_ids
from course_lib.data.harbour import Harbour, export
from course_lib.data.object_checker import check_objects
from course_lib.data.readers.coco import CocoInstances, masks_of
from course_lib.data.readers.coco_panoptic import CocoPanoptic, CocoSemantic
from course_lib.detection.panoptic import panoptic_quality

OPTIONS = {"count": 3, "size": (60, 80), "rarity": 0.8, "void": 2}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    root = tmp_path_factory.mktemp("panoptic")
    for split in ("train", "val"):
        export(Harbour(split, **OPTIONS), root, "coco_panoptic")
    return root


@pytest.fixture
def own(tmp_path):
    """A copy that may be damaged."""
    return export(Harbour("val", **OPTIONS), tmp_path / "own", "coco_panoptic")


def edit(root, change):
    path = root / "annotations/panoptic_val.json"
    table = json.loads(path.read_text())
    change(table)
    path.write_text(json.dumps(table))
    return root


# ids as colours


ids = arrays.arrays(np.int64, (3, 4), elements=st.integers(0, 2**24 - 1))


@given(ids)
@settings(max_examples=40)
def test_ids_come_back(tmp_path_factory, ids):
    path = tmp_path_factory.mktemp("ids") / "new/a.png"
    write_ids(path, ids)
    assert torch.equal(read_ids(path), torch.tensor(ids))


def test_a_colour_by_hand(tmp_path):
    Image.new("RGB", (1, 1), (7, 2, 1)).save(tmp_path / "a.png")
    assert read_ids(tmp_path / "a.png").tolist() == [[7 + 2 * 256 + 65536]]
    for wrong in (-1, 2**24):
        sentence = told(lambda: write_ids(tmp_path / "b.png", np.array([[wrong]])))  # noqa: B023
        assert f"id {wrong}; three bytes hold 0 to 16777215" in sentence


# the harbour


@pytest.mark.parametrize("split", ["train", "val"])
def test_class_maps_of_the_harbour(exported, split):
    harbour = Harbour(split, **OPTIONS)
    for reader in (CocoPanoptic, CocoSemantic):
        dataset = reader(exported, split)
        assert dataset.classes.names == HARBOUR.names and len(dataset) == 3
        for (image, mask), (drawn, truth) in zip(dataset, harbour, strict=True):
            assert torch.equal(image, drawn) and torch.equal(mask, truth)
            assert 255 in mask and mask.dtype == torch.int64


@pytest.mark.parametrize("split", ["train", "val"])
def test_things_of_the_harbour(exported, split):
    harbour = Harbour(split, task="detection", **OPTIONS)
    dataset = CocoPanoptic(exported, split, task="detection")
    assert dataset.classes.names == ("background", *HARBOUR.names[6:])
    counted = 0
    for (_, target), (_, truth) in zip(dataset, harbour, strict=True):
        # a segment's id begins with its category, so the order is by class here
        order = truth["labels"].argsort(stable=True)
        for key in ("boxes", "masks", "area", "iscrowd", "labels"):
            wanted = truth[key][order].double() - 5 * (key == "labels")
            assert torch.equal(target[key].double(), wanted), key
        assert target["image_id"] == truth["image_id"]
        counted += len(target["labels"])
    assert counted > 15 and check_objects(dataset).crowds == 0


def test_areas_and_boxes_in_the_json(exported):
    """x, y, width, height in pixels, and the number of them."""
    path = exported / "annotations/panoptic_val.json"
    for row in json.loads(path.read_text())["annotations"]:
        ids = read_ids(path.with_suffix("") / row["file_name"])
        assert {s["id"] for s in row["segments_info"]} == set(ids.unique().tolist()) - {
            0
        }
        for segment in row["segments_info"]:
            y, x = (ids == segment["id"]).nonzero(as_tuple=True)
            left, top, width, height = segment["bbox"]
            assert (left, top) == (x.min(), y.min()) and len(x) == segment["area"]
            assert (left + width, top + height) == (x.max() + 1, y.max() + 1)


def test_a_map_against_itself_has_panoptic_quality_1(exported):
    dataset = CocoPanoptic(exported, "val")
    maps = [dataset.segment_map(i) for i in range(3)]
    got = panoptic_quality((ids, ids) for ids in maps)
    segments = sum(len(picture.segments) for picture in dataset.pictures)
    assert got.quality == 1 and (got.pairs, got.missed, got.invented) == (
        segments,
        0,
        0,
    )


def test_crowds_and_pictures_elsewhere(own):
    def change(table):
        for segment in table["annotations"][0]["segments_info"]:
            segment["iscrowd"] = int(segment["category_id"] == 9)  # people

    (own / "elsewhere").mkdir()
    (own / "val").rename(own / "elsewhere/val")
    edit(own, change)
    options = {"task": "detection", "images": own / "elsewhere"}
    image, target = CocoPanoptic(own, "val", **options)[0]
    people = target["labels"] == 3
    assert torch.equal(target["iscrowd"], people.long()) and people.any()
    assert "MISSING  val/  the 3 pictures" in told(lambda: CocoPanoptic(own, "val"))
    beside = own.parent / "coco2017"
    (own / "elsewhere").rename(beside)
    assert torch.equal(CocoPanoptic(own, "val")[0][0], image)
    export(Harbour("val", **OPTIONS), own, "coco_panoptic")
    assert CocoPanoptic(own, "val").pairs[0][0].parent == own / "val"


# what is not whole


def test_a_folder_that_is_not_whole(own):
    message = told(lambda: CocoPanoptic(own / "val", "val"))
    assert "is not a whole COCO 2017 panoptic folder, 4 of 4 entries" in message
    assert "no split 'test'; it has val" in told(lambda: CocoPanoptic(own, "test"))
    assert "it has segmentation, detection" in told(
        lambda: CocoPanoptic(own, "val", task="boxes")
    )
    (own / "annotations/panoptic_val").rename(own / "gone")
    message = told(lambda: CocoPanoptic(own, "val"))
    assert "MISSING  panoptic_val/" in message and "unpack panoptic_val.zip" in message
    (own / "gone").rename(own / "annotations/panoptic_val")
    (own / "annotations/panoptic_val/harbour_val_000001.png").unlink()
    assert "names harbour_val_000001.png" in told(lambda: CocoPanoptic(own, "val"))
    (own / "semantic_masks/val").rename(own / "gone")
    assert "MISSING  semantic_masks/val/" in told(lambda: CocoSemantic(own, "val"))


def test_a_picture_and_a_json_that_do_not_belong_together(own):
    dataset = CocoPanoptic(own, "val")
    first, second = (own / f"annotations/panoptic_val/harbour_val_00000{i}.png"
                     for i in (0, 1))  # fmt: skip
    second.write_bytes(first.read_bytes())
    message = told(lambda: dataset[1])
    assert message.startswith(f"{second} does not belong to its JSON: segment ")
    Image.open(first).convert("L").save(second)
    assert "does not belong to its JSON" in told(lambda: dataset[1])
    pixels = np.array(Image.open(first))
    pixels[0, 0] = 1, 0, 0
    Image.fromarray(pixels).save(first)
    assert "segment 1, which the JSON does not list" in told(lambda: dataset[0])
    Image.open(first).crop((40, 30, 41, 31)).save(first)
    assert "which it does not show" in told(lambda: dataset[0])


def test_two_sizes(own):
    Image.new("RGB", (40, 30)).save(own / "val/harbour_val_000000.png")
    for task in ("segmentation", "detection"):
        dataset = CocoPanoptic(own, "val", task=task)
        assert "is 80x60 but its picture" in told(lambda: dataset[0])  # noqa: B023


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda t: t.pop("categories"), "'categories': lacks 'categories'"),
        (lambda t: t["categories"][0].pop("isthing"), "lacks 'isthing'"),
        (lambda t: t.pop("annotations"), "lacks 'annotations'"),
        (lambda t: t.update(annotations=[]), "names no picture"),
        (lambda t: t["annotations"][1].update(image_id=77), "picture 77 is not among"),
        (
            lambda t: t["annotations"][1]["segments_info"][0].update(id=2**24),
            "annotations[1]: segment 16777216; ids are 1 to 16777215",
        ),
        (
            lambda t: t["annotations"][0]["segments_info"][0].update(category_id=99),
            "is of category 99",
        ),
        (
            lambda t: t["annotations"][0]["segments_info"].append(
                t["annotations"][0]["segments_info"][0]
            ),
            "stands twice",
        ),
    ],
)
def test_a_damaged_json_is_told(own, change, sentence):
    assert sentence in told(lambda: CocoPanoptic(edit(own, change), "val"))


def test_an_id_of_no_category(own):
    path = own / "semantic_masks/val/harbour_val_000002.png"
    pixels = np.array(Image.open(path))
    pixels[5, 5] = 13
    Image.fromarray(pixels).save(path)
    dataset = CocoSemantic(own, "val")
    assert f"{path} holds the id 13, which is no" in told(lambda: dataset[2])
    (own / "val/harbour_val_000002.png").unlink()
    assert f"{path} has no picture in" in told(lambda: CocoSemantic(own, "val"))


# photographs


@pytest.mark.real
def test_coco128_panoptic_against_its_json(real_data):
    """Boxes and areas of the JSON are those of the segments, all 1111 of them."""
    root = real_data / "coco128"
    dataset = CocoPanoptic(root, "train", task="detection")
    table = json.loads((root / "panoptic/panoptic_train2017.json").read_text())
    told_of = {row["image_id"]: row["segments_info"] for row in table["annotations"]}
    kinds = {row["id"]: row for row in table["categories"]}
    counts = np.zeros(3, int)  # things, crowds, stuff
    for i, picture in enumerate(dataset.pictures):
        rows, target = told_of[picture.image_id], dataset.target(i)
        things = [row for row in rows if kinds[row["category_id"]]["isthing"]]
        boxes = torch.tensor([row["bbox"] for row in things]).reshape(-1, 4).float()
        boxes[:, 2:] += boxes[:, :2]
        assert torch.equal(target["boxes"].data, boxes)
        assert target["area"].tolist() == [row["area"] for row in things]
        assert [dataset.classes.names[k] for k in target["labels"]] == [
            kinds[row["category_id"]]["name"] for row in things
        ]
        crowds = int(target["iscrowd"].sum())
        counts += len(things), crowds, len(rows) - len(things)
    assert (len(dataset), *counts) == (100, 746, 6, 365)
    assert dataset.classes.names == ("background", *COCO.names)


@pytest.mark.real
def test_coco128_semantic_masks_are_the_panoptic_classes(real_data):
    """Not one of 28,371,452 pixels differs."""
    root = real_data / "coco128"
    semantic, panoptic = CocoSemantic(root, "train"), CocoPanoptic(root, "train")
    assert semantic.classes == panoptic.classes and panoptic.classes.num_classes == 133
    labels = {Path(semantic.file(i)).stem: i for i in range(len(semantic))}
    for i in range(len(panoptic)):
        mask = semantic.labels(labels[Path(panoptic.file(i)).stem])
        assert torch.equal(panoptic.labels(i), mask)
    report = check_labels(semantic, 133)
    assert (report.pictures, len(report.ids), report.void) == (100, 119, 2_832_427)
    assert int(report.counts.sum()) + report.void == 28_371_452


@pytest.mark.real
def test_coco128_instances_cover_the_panoptic_things(real_data):
    """All pixels of things lie in instances of their class, 5 % of which are lost."""
    root = real_data / "coco128"
    coco, panoptic = CocoInstances(root), CocoPanoptic(root)
    said = {picture.image_id: picture for picture in coco.pictures}
    things = inside = lost = 0
    for i, own in enumerate(panoptic.pictures):
        classes, picture = panoptic.labels(i), said[own.image_id]
        masks = masks_of(picture.things, picture, "").bool()
        names = [thing.name for thing in picture.things]
        for kind in sorted({COCO.names.index(name) for name in names}):
            these = [k for k, name in enumerate(names) if name == COCO.names[kind]]
            covered = masks[these].any(dim=0)
            inside += int((classes == kind).logical_and(covered).sum())
            lost += int((classes != kind).logical_and(covered).sum())
        things += int((classes < 80).sum())
    assert (things, inside, lost) == (9_350_752, 9_350_752, 492_733)
