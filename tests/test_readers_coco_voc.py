"""COCO in the classes of VOC: overlaps, the 1000-pixel rule, torchvision's maps."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from test_readers_coco import told

from course_lib.data.checker import check_labels
from course_lib.data.classes import VOC
from course_lib.data.harbour import Harbour, export
from course_lib.data.readers.coco import CocoInstances, masks_of
from course_lib.data.readers.coco_voc import (
    OVERLAPS,
    CocoVoc,
    draw,
    things_of_voc,
    voc_class,
)

# COCO's category id of each class of VOC, as torchvision's references and the seeds
# list them.
COCO_IDS = [0, 5, 2, 16, 9, 44, 6, 3, 17, 62, 21, 67, 18, 19, 4, 1, 64, 20, 63, 7, 72]


def box_mask(x1, y1, x2, y2, size=(50, 60)):
    mask = torch.zeros(size, dtype=torch.bool)
    mask[y1:y2, x1:x2] = True
    return mask


def folder(root, boxes):
    """One picture of 60x50 with rectangles: (category, x1, y1, x2, y2)."""
    rows = [
        {
            "id": i, "image_id": 1, "category_id": kind, "iscrowd": 0, "area": 1,
            "bbox": [x1, y1, x2 - x1, y2 - y1], "segmentation": [
                [x1, y1, x1, y2, x2, y2, x2, y1]],
        }
        for i, (kind, x1, y1, x2, y2) in enumerate(boxes, 1)
    ]  # fmt: skip
    names = {1: "person", 2: "dining table", 3: "spoon"}
    table = {
        "images": [{"id": 1, "file_name": "a.png", "height": 50, "width": 60}],
        "annotations": rows,
        "categories": [{"id": k, "name": name} for k, name in names.items()],
    }
    for name in ("annotations", "val2017"):
        (root / name).mkdir(exist_ok=True)
    Image.new("RGB", (60, 50)).save(root / "val2017/a.png")
    (root / "annotations/instances_val2017.json").write_text(json.dumps(table))
    return root


def test_overlaps_by_hand():
    masks = torch.stack([box_mask(0, 0, 4, 4), box_mask(2, 2, 8, 8)])
    for overlaps, shared in (("void", 255), ("first", 15), ("smallest", 15)):
        drawn = draw(masks, [15, 3], overlaps)
        assert drawn[3, 3] == shared and drawn[0, 0] == 15 and drawn[7, 7] == 3
        assert drawn.dtype == torch.int64 and drawn[9, 9] == 0
    swapped = {o: draw(masks.flip(0), [3, 15], o)[3, 3] for o in ("first", "smallest")}
    assert swapped == {"first": 3, "smallest": 15}
    assert draw(masks[:0], []).unique().tolist() == [0]


def test_other_classes_are_background(tmp_path):
    boxes = [(3, 0, 0, 60, 10), (2, 0, 20, 50, 50), (1, 40, 30, 60, 50)]
    dataset = CocoVoc(folder(tmp_path, boxes), "val")
    image, mask = dataset[0]
    table, person = VOC.index("diningtable"), VOC.index("person")
    wanted = torch.zeros(50, 60, dtype=torch.int64)
    wanted[20:50, :50] = table
    wanted[30:50, 40:60] = person
    wanted[30:50, 40:50] = 255
    assert torch.equal(mask, wanted) and image.shape == (3, 50, 60)
    assert dataset.classes is VOC and dataset.file(0).endswith(".json, a.png")
    assert check_labels(dataset, 21).void == 200


def test_more_than_1000_pixels(tmp_path):
    """The pixels count, not the sum of areas that may overlap."""
    thousand = [(1, 0, 0, 50, 20)]
    assert "more than 1000 pixels" in told(
        lambda: CocoVoc(folder(tmp_path, thousand), "val")
    )
    assert len(CocoVoc(folder(tmp_path, thousand * 2), "val", more_than=999)) == 1
    assert "no picture" in told(lambda: CocoVoc(folder(tmp_path, thousand * 2), "val"))
    one_more = [*thousand, (2, 50, 0, 51, 1)]
    assert len(CocoVoc(folder(tmp_path, one_more), "val")) == 1
    spoon = [*thousand, (3, 0, 20, 60, 50)]  # is none of the twenty
    assert "no picture" in told(lambda: CocoVoc(folder(tmp_path, spoon), "val"))
    assert len(CocoVoc(folder(tmp_path, spoon), "val", more_than=None)) == 1
    assert "choose void, first, smallest" in told(
        lambda: CocoVoc(tmp_path, "val", overlaps="last")
    )


def test_nothing_is_written_beside_the_data(tmp_path):
    root = folder(tmp_path, [(1, 0, 0, 60, 50)])
    before = sorted(root.rglob("*"))
    assert len(CocoVoc(root, "val")) == 1 and sorted(root.rglob("*")) == before


def test_the_harbour(tmp_path):
    """Boat, car and person are classes of VOC; the rest becomes background."""
    harbour = Harbour("val", count=3, size=(96, 128))
    dataset = CocoVoc(export(harbour, tmp_path, "coco"), "val", more_than=None)
    names = {6: "boat", 7: "car", 8: "person"}
    for i, (_, mask) in enumerate(dataset):
        scene = harbour.scene(i)
        wanted = np.zeros(scene.class_map.shape, int)
        for number, name in names.items():
            wanted[scene.class_map == number] = VOC.index(name)
        assert set(np.unique(wanted)) > {0} and torch.equal(mask, torch.tensor(wanted))


def as_torchvision(coco, picture):
    """The largest class id of each pixel, 255 where two objects meet."""
    from pycocotools import mask as rle

    drawn = np.zeros((picture["height"], picture["width"]), np.uint8)
    count = drawn.copy()
    for row in coco["annotations"]:
        if row["image_id"] != picture["id"] or row["category_id"] not in COCO_IDS:
            continue
        mask = rle.decode(rle.frPyObjects(row["segmentation"], *drawn.shape))
        mask = mask.reshape(*drawn.shape, -1).any(axis=2)
        drawn = np.maximum(drawn, mask * np.uint8(COCO_IDS.index(row["category_id"])))
        count += mask
    return np.where(count > 1, 255, drawn)


@pytest.mark.real
def test_coco128_as_torchvision_and_the_seeds_draw_it(real_data):
    root = real_data / "coco128"
    coco = json.loads((root / "annotations/instances_train2017.json").read_text())
    maps = {row["id"]: as_torchvision(coco, row) for row in coco["images"]}
    kept = [name for name, drawn in maps.items() if (drawn > 0).sum() > 1000]
    dataset = CocoVoc(root, "train")
    assert [p.image_id for p in dataset.coco.pictures] == kept and len(kept) == 94
    for i, picture in enumerate(dataset.coco.pictures):
        np.testing.assert_array_equal(dataset.labels(i), maps[picture.image_id])
    report = check_labels(dataset, 21)
    assert (report.pictures, len(report.ids), report.void) == (94, 19, 58851)


@pytest.mark.real
def test_the_names_lead_to_the_ids_of_the_seeds(real_data):
    coco = CocoInstances(real_data / "coco128", masks=False)
    rows = json.loads(coco.path.read_text())["categories"]
    found = {voc_class(row["name"]): row["id"] for row in rows}
    found.pop(None)
    assert [found.get(k, 0) for k in range(21)] == COCO_IDS


@pytest.mark.real
def test_overlaps_of_coco128(real_data):
    """A quarter of a percent of the pixels has several objects."""
    total, shared, differ = 0, 0, 0
    for picture in CocoVoc(real_data / "coco128").coco.pictures:
        things = things_of_voc(picture)
        masks = masks_of(things, picture, "").bool()
        classes = [voc_class(thing.name) for thing in things]
        void, first, small = (draw(masks, classes, o) for o in OVERLAPS)
        apart = first != small
        assert not (apart & (void != 255)).any()
        assert torch.equal(first[void != 255], void[void != 255])
        total, shared = total + void.numel(), shared + int((void == 255).sum())
        differ += int(apart.sum())
    assert (total, shared, differ) == (26_319_608, 58_851, 24_691)
