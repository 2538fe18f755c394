"""COCO instances: the harbour's export, JSONs by hand, damaged ones, and coco128."""

import contextlib
import io
import json
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from told import told
from torchvision.transforms import v2

from course_lib.data.classes import COCO, HARBOUR
from course_lib.data.formats.annotated import Annotated, Thing
from course_lib.data.harbour import Harbour, export
from course_lib.data.object_checker import check_objects
from course_lib.data.readers.coco import CocoInstances, masks_of

SQUARE = [[1, 1, 1, 3, 4, 3, 4, 1]]  # 3 wide, 2 high


def row(number, bbox=(1, 1, 3, 2), **keys):
    """An annotation of picture 7 in category 3."""
    given = {"id": number, "image_id": 7, "category_id": 3, "bbox": bbox}
    return given | {"segmentation": SQUARE} | keys


def write(root, rows, name="instances_val2017.json", **keys):
    """Pictures 7 and 9, both 6 wide and 4 high; categories 3 and 90."""
    for number in (7, 9):
        (root / "val2017").mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 4), (number, 0, 0)).save(root / f"val2017/{number}.png")
    table = {
        "images": [
            {"id": n, "file_name": f"{n}.png", "height": 4, "width": 6} for n in (7, 9)
        ],
        "annotations": rows,
        "categories": [{"id": 3, "name": "cat"}, {"id": 90, "name": "brush"}],
    }
    (root / "annotations").mkdir(exist_ok=True)
    (root / f"annotations/{name}").write_text(json.dumps(table | keys))
    return root


# the harbour


@pytest.mark.parametrize("split", ["train", "val"])
def test_the_harbour_comes_back_exactly(tmp_path, split):
    options = {"count": 4, "size": (60, 80), "rarity": 0.8}
    for name in ("train", "val"):
        root = export(Harbour(name, **options), tmp_path, "coco")
    harbour = Harbour(split, task="detection", **options)
    dataset = CocoInstances(root, split)
    assert len(dataset) == 4 and dataset.faults == [] and dataset.split == split
    assert dataset.classes.names == ("background", *HARBOUR.names[6:])
    for (image, target), (drawn, truth) in zip(dataset, harbour, strict=True):
        assert torch.equal(image, drawn)
        assert torch.equal(target["labels"] + 5, truth["labels"])
        for key in ("boxes", "masks", "area", "iscrowd"):
            assert torch.equal(target[key].double(), truth[key].double()), key
        assert target["image_id"] == truth["image_id"]
    assert sum(len(target["labels"]) for _, target in dataset) > 20
    assert check_objects(dataset).crowds == 0


# by hand


def test_three_ways_to_write_a_mask(tmp_path):
    runs = [5, 2, 2, 2, 2, 2, 9]  # down the columns: the square of the polygon
    rows = [
        row(1, area=6.5),
        row(2, segmentation={"size": [4, 6], "counts": runs}, iscrowd=1, area=6),
        row(3, category_id=90, segmentation=2 * SQUARE),
    ]
    dataset = CocoInstances(write(tmp_path, rows), "val")
    image, target = dataset[0]
    assert dataset.classes.names == ("background", "cat", "brush")
    assert dataset.split == "val2017" and image[0, 0, 0] == 7
    assert target["labels"].tolist() == [1, 1, 2] and target["image_id"] == 7
    assert target["iscrowd"].tolist() == [0, 1, 0]
    assert target["area"].tolist() == [6.5, 6, 6]
    assert target["boxes"].tolist() == [[1, 1, 4, 3]] * 3
    square = torch.zeros(4, 6)
    square[1:3, 1:4] = 1
    assert torch.equal(target["masks"], square.expand(3, 4, 6).to(torch.uint8))
    assert dataset.file(0).endswith("instances_val2017.json, 7.png")


def test_a_picture_without_objects(tmp_path):
    root = write(tmp_path, [row(1, iscrowd=1)])
    image, target = CocoInstances(root, "val2017")[1]
    assert target["boxes"].shape == (0, 4) and target["masks"].shape == (0, 4, 6)
    assert target["labels"].dtype == target["iscrowd"].dtype == torch.int64
    assert len(CocoInstances(root, "val", empty=False)) == 1
    assert len(CocoInstances(root, "val", crowds=False)[0][1]["labels"]) == 0
    assert len(CocoInstances(root, "val", crowds=False, empty=False)) == 0


def test_boxes_alone_and_a_transform(tmp_path):
    root = write(tmp_path, [row(1)])
    assert "masks" not in CocoInstances(root, "val", masks=False)[0][1]
    flip = v2.RandomHorizontalFlip(p=1)
    image, target = CocoInstances(root, "val", flip)[0]
    assert target["boxes"].tolist() == [[2, 1, 5, 3]]
    assert target["masks"][0, 1].tolist() == [0, 0, 1, 1, 1, 0]
    write(tmp_path, [row(1, segmentation=[]), row(2)])
    assert len(CocoInstances(root, "val", masks=False)[0][1]["boxes"]) == 2
    assert told(lambda: CocoInstances(root, "val")[0]).endswith(
        "json, 7.png: a cat has a box, but no mask; draw it, or take boxes alone "
        "(masks=False)"
    )


def test_boxes_at_the_rim(tmp_path):
    rows = [
        row(1, bbox=[3.5, 2, 3, 2.5]),  # reaches half a pixel out: cut
        row(2, bbox=[2, 2, 0, 1]),
        row(3, bbox=[2, 2, 9, 9]),
        row(4),
        row(5),
    ]
    dataset = CocoInstances(write(tmp_path, rows), "val")
    assert dataset[0][1]["boxes"].tolist() == [[3.5, 2, 6, 4], *[[1, 1, 4, 3]] * 2]
    first, second = dataset.faults
    assert "annotation 2: box 2 2 2 3 (x1 y1 x2 y2) has no area" in first
    assert "annotation 3: box 2 2 11 11" in second and "picture of 6 x 4" in second
    boxes = check_objects(dataset)
    assert (boxes.pictures, boxes.empty, boxes.counts) == (2, 1, {"cat": 3})


def test_corners_for_sizes_are_told(tmp_path):
    rows = [row(1, bbox=[3, 2, 6, 4]), row(2, bbox=[1, 1, 3, 2])]
    rows.append(row(3, bbox=[2, 2, 6, 4]))
    message = told(lambda: CocoInstances(write(tmp_path, rows), "val"))
    assert "annotation 1: box 3 2 9 6 (x1 y1 x2 y2) does not lie in" in message
    assert message.endswith("(2 such faults)")


points = st.tuples(st.floats(-3, 43), st.floats(-3, 33))


@given(st.lists(st.lists(points, min_size=3, max_size=9), min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_any_polygons_are_drawn_as_by_pycocotools(polygons):
    flat = [[value for point in polygon for value in point] for polygon in polygons]
    thing = Thing("a", (0, 0, 1, 1), tuple(map(tuple, flat)))
    drawn = masks_of([thing, thing], Annotated("a.png", 40, 30), "here")
    wanted = drawn_by_the_judge({"segmentation": flat}, 30, 40)
    np.testing.assert_array_equal(drawn, [wanted, wanted])


def drawn_by_the_judge(annotation, height, width):
    """pycocotools' annToMask."""
    from pycocotools.coco import COCO as Judge

    judge = Judge()
    judge.imgs = {1: {"height": height, "width": width}}
    return judge.annToMask({"image_id": 1} | annotation)


# what is not whole


def test_a_folder_that_is_not_whole(tmp_path):
    message = told(lambda: CocoInstances(tmp_path, "val"))
    assert "is not a whole COCO 2017 folder, 4 of 4 entries are missing" in message
    assert "MISSING  annotations/instances_val2017.json" in message
    write(tmp_path, [row(1)])
    assert told(lambda: CocoInstances(tmp_path, "test")) == (
        f"the COCO folder {tmp_path} has no split 'test'; it has val2017"
    )
    assert "no split 'va'" in told(lambda: CocoInstances(tmp_path, "va"))
    write(tmp_path, [row(1)], "instances_val2014.json")
    assert "'val'; it has val2014, val2017" in told(
        lambda: CocoInstances(tmp_path, "val")
    )
    assert "MISSING  val2014/" in told(lambda: CocoInstances(tmp_path, "val2014"))
    (tmp_path / "val2017/9.png").unlink()
    assert "names 9.png, which" in told(lambda: CocoInstances(tmp_path, "val2017"))


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("", "is no JSON"),
        ('{"images": [{"id"', "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[1, 2]", "holds no JSON object"),
        ("{}", "has no list 'images'"),
        ("\xff", "is no JSON"),
    ],
)
def test_a_damaged_json(tmp_path, text, sentence):
    path = write(tmp_path, []) / "annotations/instances_val2017.json"
    path.write_bytes(text.encode("latin1"))
    message = told(lambda: CocoInstances(tmp_path, "val"))
    assert message.startswith(str(path)) and sentence in message


def test_a_json_of_no_picture(tmp_path):
    write(tmp_path, [], images=[])
    assert "names no picture" in told(lambda: CocoInstances(tmp_path, "val"))
    picture = {"id": "7", "file_name": "7.png", "height": 4, "width": 6}
    write(tmp_path, [], images=[picture])
    assert "id '7' is no whole number" in told(lambda: CocoInstances(tmp_path, "val"))


@pytest.mark.parametrize(
    "keys, sentence",
    [
        ({"image_id": 8}, "annotation 1: lacks 8"),
        ({"category_id": 4}, "annotation 1: lacks 4"),
        ({"bbox": [1, 2, 3]}, "annotation 1: "),
        ({"bbox": [1, 2, float("nan"), 3]}, "is not finite"),
        ({"segmentation": [[1, 1, 2, 2]]}, "a polygon of 4 numbers"),
        ({"segmentation": {"size": [4, 6], "counts": [5]}}, "the runs cover 5"),
        ({"segmentation": {"size": [6, 4], "counts": "0"}}, "the mask is [6, 4]"),
    ],
)
def test_a_damaged_annotation_is_named(tmp_path, keys, sentence):
    write(tmp_path, [row(1, **keys)])
    assert sentence in told(lambda: CocoInstances(tmp_path, "val"))
    dataset = CocoInstances(write(tmp_path, [row(1, **keys), row(2)]), "val")
    assert len(dataset[0][1]["labels"]) == 1 and sentence in dataset.faults[0]


def test_a_picture_of_another_size(tmp_path):
    dataset = CocoInstances(write(tmp_path, [row(1)]), "val")
    Image.new("RGB", (4, 6)).save(tmp_path / "val2017/7.png")
    assert "is 6x4 but its picture" in told(lambda: dataset[0])


# photographs


@pytest.fixture
def coco128(real_data):
    return CocoInstances(real_data / "coco128", "train")


@pytest.mark.real
def test_coco128_as_pycocotools_reads_it(coco128):
    from pycocotools.coco import COCO as Judge

    with contextlib.redirect_stdout(io.StringIO()):
        judge = Judge(str(coco128.path))
    assert coco128.classes.names == ("background", *COCO.names)
    assert (len(coco128), coco128.split, coco128.faults) == (128, "train2017", [])
    assert [p.image_id for p in coco128.pictures] == judge.getImgIds()
    counts, crowds = Counter(), 0
    for _, target in coco128:
        rows = judge.loadAnns(judge.getAnnIds(imgIds=target["image_id"]))
        masks = target["masks"].numpy()
        for mask, annotation in zip(masks, rows, strict=True):
            np.testing.assert_array_equal(mask, judge.annToMask(annotation))
        boxes = torch.tensor([a["bbox"] for a in rows]).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        torch.testing.assert_close(target["boxes"].data, boxes, rtol=0, atol=1e-4)
        assert target["area"].tolist() == pytest.approx([a["area"] for a in rows])
        names = [coco128.classes.names[k] for k in target["labels"].tolist()]
        assert names == [c["name"] for a in rows for c in judge.loadCats(
            a["category_id"])]  # fmt: skip
        counts.update(names)
        crowds += int(target["iscrowd"].sum())
    assert (counts.total(), crowds, len(counts)) == (939, 10, 71)
    assert counts["person"] == 259


@pytest.mark.real
def test_coco128_without_crowds_and_empty_pictures(real_data):
    def objects(**options):
        dataset = CocoInstances(real_data / "coco128", masks=False, **options)
        things = [dataset.things(picture) for picture in dataset.pictures]
        return len(dataset), sum(map(len, things))

    assert objects() == (128, 939)
    assert objects(crowds=False) == (128, 929)
    assert objects(empty=False) == (126, 939)
    assert objects(empty=False, crowds=False) == (126, 929)


@pytest.mark.real
def test_average_precision_from_the_samples_is_that_of_pycocotools(coco128, real_data):
    from course_lib.detection.average_precision import evaluate
    from course_lib.detection.coco_format import to_coco

    folder, net = real_data / "darknet/reference", "yolo-fastest-1.1-xl"
    kept = json.loads((folder / "coco128_ap_pycocotools.json").read_text())
    results = json.loads((folder / f"coco128_results_{net}_320.json").read_text())
    categories = json.loads(coco128.path.read_text())["categories"]
    label = {row["id"]: coco128.classes.names.index(row["name"]) for row in categories}
    used = set(kept["image_ids"])
    coco128.pictures = [p for p in coco128.pictures if p.image_id in used]
    coco128.masks = False
    moved = [r | {"category_id": label[r["category_id"]]} for r in results]
    report = evaluate(to_coco(coco128), moved)
    wanted = kept["results"][net]["stats"]
    assert report.stats.tolist() == pytest.approx(wanted, abs=1e-6)
