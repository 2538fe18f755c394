"""Readers of folders: CamVid, PASCAL VOC, Penn-Fudan and one's own."""

import re

import numpy as np
import pytest
import torch
from PIL import Image
from told import told

from course_lib.data.classes import VOC
from course_lib.data.images import write_labels
from course_lib.data.readers.camvid import CamVid
from course_lib.data.readers.own_folder import LabelFolder
from course_lib.data.readers.penn_fudan import PennFudan
from course_lib.data.readers.voc import VOCSegmentation
from course_lib.data.targets import target_of
from course_lib.data.transforms import training_transform


def picture(path, width=6, height=4):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (10, 20, 30)).save(path)


def labels(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(rows, np.uint8)).save(path)


@pytest.fixture
def own(tmp_path):
    """Two pictures with labels."""
    for name in ("a", "b"):
        picture(tmp_path / "images" / f"{name}.jpg")
        labels(tmp_path / "labels" / f"{name}.png", [[0, 1, 2, 3, 4, 255]] * 4)
    return tmp_path


# one's own folder


def test_own_folder(own):
    dataset = LabelFolder(own / "images", own / "labels", VOC)
    image, mask = dataset[1]
    assert len(dataset) == 2 and dataset.name == "images" and dataset.classes is VOC
    assert image.shape == (3, 4, 6) and image.dtype == torch.uint8
    assert mask.dtype == torch.int64 and mask[0].tolist() == [0, 1, 2, 3, 4, 255]
    assert dataset.file(1) == str(own / "labels" / "b.png")
    dataset.transform = training_transform((8, 8))
    assert dataset[0][0].shape == (3, 8, 8) and dataset[0][1].shape == (8, 8)


def test_own_folder_in_colours(own):
    mask = torch.tensor([[0, 1, 2, 20, 4, 255]] * 4)
    for name in ("a", "b"):
        path = own / "labels" / f"{name}.png"
        write_labels(path, mask, VOC)
        Image.open(path).convert("RGB").save(path)
    ids = LabelFolder(own / "images", own / "labels", VOC)
    assert "is RGB, but labels are one id a pixel" in told(lambda: ids[0])
    dataset = LabelFolder(own / "images", own / "labels", VOC, colours=True)
    assert torch.equal(dataset[0][1], mask)
    Image.new("RGB", (6, 4), (1, 2, 3)).save(own / "labels" / "a.png")
    assert told(lambda: dataset[0]).startswith(
        f"{own / 'labels' / 'a.png'}: the colour (1, 2, 3) belongs to no class of voc"
    )


def test_folders_that_are_not_whole(own):
    images, masks = own / "images", own / "labels"
    (own / "empty").mkdir()
    assert told(lambda: LabelFolder(own / "empty", masks, VOC)) == (
        f"{own / 'empty'} holds no picture; give a folder of PNG or JPEG"
    )
    assert told(lambda: LabelFolder(own / "gone", masks, VOC)) == (
        f"there is no folder {own / 'gone'}; check the name"
    )
    picture(images / "c.jpg")
    assert told(lambda: LabelFolder(images, masks, VOC)) == (
        f"{images / 'c.jpg'} has no labels in {masks} (1 such of 3); draw them, or "
        "move the picture elsewhere"
    )
    picture(images / "c.png")
    assert told(lambda: LabelFolder(images, masks, VOC)) == (
        f"{images / 'c.jpg'} and c.png share the stem c; rename one, pairs are found "
        "by it"
    )


def test_two_sizes(own):
    labels(own / "labels" / "a.png", [[0] * 4] * 6)
    dataset = LabelFolder(own / "images", own / "labels", VOC)
    assert told(lambda: dataset[0]) == (
        f"{dataset.file(0)} is 4x6 but its picture {own / 'images' / 'a.jpg'} is 6x4 "
        "(width x height); resize the labels by nearest neighbour, or find the right "
        "pair"
    )


# CamVid


@pytest.fixture
def camvid(tmp_path):
    """One picture a split; its lists name paths, as in the original."""
    for split in ("train", "val", "test"):
        picture(tmp_path / split / f"{split}_1.png")
        labels(
            tmp_path / f"{split}annot" / f"{split}_1.png", [[0, 10, 11, 11, 2, 2]] * 4
        )
        line = f"/SegNet/CamVid/{split}/{split}_1.png /SegNet/CamVid/x.png\n"
        (tmp_path / f"{split}.txt").write_text(line)
    return tmp_path


def test_camvid_turns_11_into_void(camvid):
    dataset = CamVid(camvid, "val")
    assert dataset[0][1][0].tolist() == [0, 10, 255, 255, 2, 2]
    assert (dataset.name, dataset.split, len(dataset)) == ("camvid", "val", 1)


def test_camvid_tells_what_is_missing(camvid):
    (camvid / "val.txt").unlink()
    message = told(lambda: CamVid(camvid, "train"))
    assert message.startswith(
        f"{camvid} is not a whole CamVid folder, 1 of 9 entries are missing; run "
        "`python -m course_lib data fetch camvid`, or give the folder that holds it. "
        "Expected:\n"
    )
    assert re.findall(r"(there|MISSING) +(\S+)", message) == [
        ("MISSING" if entry == "val.txt" else "there", entry)
        for split in ("train", "val", "test")
        for entry in (f"{split}.txt", f"{split}/", f"{split}annot/")
    ]
    assert told(lambda: CamVid(camvid, "tset")) == (
        "camvid has no split 'tset'; it has train, val, test"
    )


def test_a_list_that_names_what_is_not_there(camvid):
    (camvid / "train.txt").write_text("train_1\ntrain_2\n")
    assert told(lambda: CamVid(camvid)) == (
        f"{camvid / 'train.txt'} names train_2, which {camvid / 'train'} does not hold "
        "(1 such of 2); get the data set again"
    )
    (camvid / "train.txt").write_text("\n")
    assert told(lambda: CamVid(camvid)) == (
        f"{camvid / 'train.txt'} is empty; it should hold one name a line"
    )
    (camvid / "train.txt").write_bytes(b"\xff\xfe names")
    assert told(lambda: CamVid(camvid)) == (
        f"{camvid / 'train.txt'} is no text; save it as UTF-8"
    )


@pytest.mark.real
def test_real_camvid(real_data):
    dataset = CamVid(real_data / "camvid", "test")
    image, mask = dataset[0]
    assert len(dataset) == 233 and image.shape == (3, 360, 480)
    names = (real_data / "camvid" / "test.txt").read_text().split()
    assert [path.stem for path, _ in dataset.pairs] == names
    assert set(mask.unique().tolist()) <= {*range(11), 255}


# PASCAL VOC


@pytest.fixture
def voc(tmp_path):
    root = tmp_path / "VOCdevkit" / "VOC2012"
    picture(root / "JPEGImages" / "2007_1.jpg")
    (root / "SegmentationClass").mkdir()
    mask = torch.tensor([[0, 15, 20, 255, 0, 0]] * 4)
    write_labels(root / "SegmentationClass" / "2007_1.png", mask, VOC)
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("2007_1\n")
    return tmp_path


def test_voc_is_found_from_the_folder_around_it(voc):
    for root in (voc, voc / "VOCdevkit", voc / "VOCdevkit" / "VOC2012"):
        assert VOCSegmentation(root, "val")[0][1][0].tolist() == [0, 15, 20, 255, 0, 0]
    message = told(lambda: VOCSegmentation(voc, "train"))
    assert message.endswith("has no split 'train'; it has val")
    (voc / "VOCdevkit" / "VOC2012" / "ImageSets" / "Segmentation" / "val.txt").unlink()
    message = told(lambda: VOCSegmentation(voc, "val"))
    assert "MISSING  ImageSets/Segmentation/*.txt  names of a split" in message


@pytest.mark.real
def test_real_voc(real_data):
    dataset = VOCSegmentation(real_data / "voc_sample" / "VOC2012", "val")
    assert len(dataset) == 10
    for image, mask in dataset:
        assert image.shape[-2:] == mask.shape and 255 in mask
        assert set(mask.unique().tolist()) <= {*range(21), 255}


# Penn-Fudan


def test_boxes_of_masks_by_hand():
    masks = torch.zeros(2, 5, 7, dtype=torch.bool)
    masks[0, 1:3, 2:6] = True  # 4 wide, 2 high
    masks[1, 4, 6] = True  # one pixel in the corner
    target = target_of(masks, torch.tensor([1, 1]), 9)
    assert target["boxes"].tolist() == [[2, 1, 6, 3], [6, 4, 7, 5]]
    assert target["area"].tolist() == [8, 1] and target["image_id"] == 9
    assert target["masks"].shape == (2, 5, 7) and target["iscrowd"].tolist() == [0, 0]
    assert target_of(masks[:0], torch.ones(0), 0)["boxes"].shape == (0, 4)


def test_penn_fudan_layout(tmp_path):
    assert "2 of 2 entries are missing" in told(lambda: PennFudan(tmp_path))
    picture(tmp_path / "PNGImages" / "p1.png")
    labels(tmp_path / "PedMasks" / "p1_mask.png", [[0, 1, 1, 0, 3, 0]] * 4)
    image, target = PennFudan(tmp_path)[0]
    assert target["boxes"].tolist() == [[1, 0, 3, 4], [4, 0, 5, 4]]
    assert target["labels"].tolist() == [1, 1] and image.shape == (3, 4, 6)
    picture(tmp_path / "PNGImages" / "p2.png")
    assert "p2.png has no mask p2_mask.png" in told(lambda: PennFudan(tmp_path))


@pytest.mark.real
def test_real_penn_fudan_boxes_equal_the_written_ones(real_data):
    root = real_data / "PennFudanPed"
    dataset = PennFudan(root)
    same = total = 0
    for i in range(len(dataset)):
        boxes, written = dataset[i][1]["boxes"], dataset.written_boxes(i)
        assert len(boxes) == len(written)
        error = (boxes - written).abs().amax(dim=1)
        same, total = same + int((error == 0).sum()), total + len(error)
        assert (error <= 3).all() or "PennPed00027" in dataset.file(i)
    assert (len(dataset), total, same) == (170, 423, 407)
