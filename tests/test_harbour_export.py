"""The harbour on disk: every layout read back with PIL, json, XML and pycocotools."""

import contextlib
import io
import json
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.ops import box_convert

from course_lib.data.classes import HARBOUR
from course_lib.data.harbour import Harbour, export
from course_lib.errors import InputError

COUNT = 2


@pytest.fixture(params=["train", "val"])
def harbour(request) -> Harbour:
    return Harbour(request.param, count=COUNT, size=(90, 120), rarity=0.8)


def read(path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_voc(harbour, tmp_path):
    root, split = export(harbour, tmp_path, "voc"), harbour.split
    for task in ("Segmentation", "Main"):
        names = (root / f"ImageSets/{task}/{split}.txt").read_text().split()
        assert names == [harbour.file(i) for i in range(COUNT)]
    for i, name in enumerate(names):
        scene = harbour.scene(i)
        picture = read(root / f"JPEGImages/{name}.jpg").astype(int)
        assert np.abs(picture - scene.image).mean() < 8  # JPEG
        labels = Image.open(root / f"SegmentationClass/{name}.png")
        assert labels.mode == "P"
        np.testing.assert_array_equal(labels, scene.class_map)
        colours = np.asarray(labels.convert("RGB"))
        np.testing.assert_array_equal(
            colours, HARBOUR.colour_map().numpy()[scene.class_map]
        )
        objects = read(root / f"SegmentationObject/{name}.png")
        tree = ElementTree.parse(root / f"Annotations/{name}.xml").getroot()
        assert (
            tree.findtext("size/width") == "120"
            and tree.findtext("size/height") == "90"
        )
        for k, node in enumerate(tree.findall("object")):
            mask = objects == k + 1
            np.testing.assert_array_equal(mask, scene.instance_map == scene.ids[k])
            rows, columns = np.nonzero(mask)
            corners = [
                int(node.findtext(f"bndbox/{c}"))
                for c in ("xmin", "ymin", "xmax", "ymax")
            ]
            whole = [columns.min(), rows.min(), columns.max(), rows.max()]
            assert corners == [value + 1 for value in whole]
            assert node.findtext("name") == HARBOUR.names[scene.labels[k]]
        assert k + 1 == len(scene.ids)
        np.testing.assert_array_equal(objects == 255, scene.class_map == 255)


def test_coco(harbour, tmp_path):
    from pycocotools.coco import COCO

    root = export(harbour, tmp_path, "coco")
    with contextlib.redirect_stdout(io.StringIO()):
        table = COCO(str(root / f"annotations/instances_{harbour.split}.json"))
    assert {c["name"] for c in table.loadCats(table.getCatIds())} == set(
        HARBOUR.names[6:]
    )
    for i in table.getImgIds():
        scene = harbour.scene(i)
        found = table.loadImgs(i)[0]
        np.testing.assert_array_equal(
            read(root / harbour.split / found["file_name"]), scene.image
        )
        rows = table.loadAnns(table.getAnnIds(imgIds=i))
        assert [row["category_id"] for row in rows] == scene.labels.tolist()
        for row, box, number in zip(rows, scene.boxes, scene.ids, strict=True):
            np.testing.assert_array_equal(
                table.annToMask(row), scene.instance_map == number
            )
            corners = box_convert(torch.tensor(row["bbox"]), "xywh", "xyxy")
            np.testing.assert_array_equal(corners, box)
            assert row["area"] == table.annToMask(row).sum() and row["iscrowd"] == 0


def test_cityscapes(harbour, tmp_path):
    root, split = export(harbour, tmp_path, "cityscapes"), harbour.split
    train_ids = np.full(34, 255)  # cityscapesScripts, labels.py
    trained = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
    train_ids[trained] = range(19)
    for i in range(COUNT):
        scene, stem = harbour.scene(i), f"{split}/harbour/harbour_000000_{i:06d}"
        image = read(root / f"leftImg8bit/{stem}_leftImg8bit.png")
        np.testing.assert_array_equal(image, scene.image)
        labels = read(root / f"gtFine/{stem}_gtFine_labelIds.png")
        things = (scene.class_map >= 6) & (scene.class_map != 255)  # train ids 11-16
        expected = np.where(things, scene.class_map + 5, scene.class_map)
        np.testing.assert_array_equal(train_ids[labels], expected)
        numbers = read(root / f"gtFine/{stem}_gtFine_instanceIds.png")
        assert numbers.dtype == np.uint16 or numbers.max() > 255
        thing = scene.instance_map > 0
        np.testing.assert_array_equal(numbers[~thing], labels[~thing])
        np.testing.assert_array_equal(numbers[thing] // 1000, labels[thing])
        pairs = set(
            zip(
                numbers[thing].tolist(), scene.instance_map[thing].tolist(), strict=True
            )
        )
        assert len(pairs) == len(scene.ids) == len({a for a, _ in pairs})


def test_ade20k(harbour, tmp_path):
    root = export(harbour, tmp_path, "ade20k")
    split = {"train": "training", "val": "validation"}[harbour.split]
    lines = (root / f"{split}.odgt").read_text().splitlines()
    assert len(lines) == COUNT
    for i, line in enumerate(map(json.loads, lines)):
        assert (line["width"], line["height"]) == (120, 90)
        assert line["fpath_img"].startswith(f"images/{split}/")
        assert read(root / line["fpath_img"]).shape == (90, 120, 3)
        labels = read(root / line["fpath_segm"]).astype(int)
        np.testing.assert_array_equal((labels - 1) % 256, harbour.scene(i).class_map)


def test_yolo(harbour, tmp_path):
    root, split = export(harbour, tmp_path, "yolo"), harbour.split
    assert (root / "harbour.names").read_text().splitlines()[0] == "boat"
    for i, line in enumerate((root / f"{split}.txt").read_text().split()):
        scene = harbour.scene(i)
        np.testing.assert_array_equal(read(root / line), scene.image)
        rows = np.loadtxt(root / f"labels/{split}/{harbour.file(i)}.txt", ndmin=2)
        assert (rows[:, 1:] >= 0).all() and (rows[:, 1:] <= 1).all()
        np.testing.assert_array_equal(rows[:, 0] + 6, scene.labels)
        boxes = box_convert(torch.tensor(rows[:, 1:]), "cxcywh", "xyxy").numpy()
        np.testing.assert_allclose(boxes * [120, 90, 120, 90], scene.boxes, atol=2e-4)


def test_camvid(harbour, tmp_path):
    root, split = export(harbour, tmp_path, "camvid"), harbour.split
    for i, name in enumerate((root / f"{split}.txt").read_text().split()):
        scene = harbour.scene(i)
        np.testing.assert_array_equal(read(root / f"{split}/{name}.png"), scene.image)
        np.testing.assert_array_equal(
            read(root / f"{split}annot/{name}.png"), scene.class_map
        )


def test_two_splits_share_a_folder(tmp_path):
    for split in ("train", "val"):
        export(Harbour(split, count=1, size=(32, 40)), tmp_path, "voc")
    assert len(list((tmp_path / "JPEGImages").iterdir())) == 2


def test_an_unknown_layout_lists_the_known(tmp_path):
    with pytest.raises(InputError, match="no layout 'lidar'; choose from voc, coco"):
        export(Harbour(count=1), tmp_path, "lidar")
