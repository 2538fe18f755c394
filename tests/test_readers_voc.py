"""PASCAL VOC: boxes and masks, palettes, and the samples of other tools."""

from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image
from told import told

from course_lib.data.checker import check_labels
from course_lib.data.classes import HARBOUR, VOC, voc_palette
from course_lib.data.harbour import Harbour, export
from course_lib.data.images import read_labels
from course_lib.data.object_checker import check_objects
from course_lib.data.readers.voc import VOCSegmentation
from course_lib.data.readers.voc_detection import VOCDetection, match_masks
from course_lib.detection.transforms import flip, keep_objects

COUNT, SIZE = 3, (90, 120)


def harbour(split, **options) -> Harbour:
    return Harbour(split, count=COUNT, size=SIZE, rarity=0.8, **options)


@pytest.fixture
def voc(tmp_path):
    for split in ("train", "val"):
        export(harbour(split), tmp_path, "voc")
    return tmp_path


@pytest.mark.parametrize("split", ["train", "val"])
def test_boxes_and_masks_are_the_harbour_s_own(voc, split):
    truth = harbour(split, task="detection")
    plain = VOCDetection(voc, split, classes=HARBOUR)
    masked = VOCDetection(voc, split, classes=HARBOUR, masks=True)
    for i in range(COUNT):
        expected = truth[i][1]
        for dataset in (plain, masked):
            image, target = dataset[i]
            for key in ("boxes", "labels", "iscrowd"):
                assert torch.equal(target[key], expected[key]), key
            assert target["boxes"].canvas_size == SIZE and target["image_id"] == i
            assert image.shape == (3, *SIZE)
        assert torch.equal(target["masks"], expected["masks"].to(torch.uint8))
        assert torch.equal(target["area"], expected["area"])
        box = plain[i][1]["boxes"]
        sides = (box[:, 2:] - box[:, :2]).prod(dim=1)
        assert torch.equal(plain[i][1]["area"], sides) and "masks" not in plain[i][1]
    for dataset in (plain, masked):
        assert check_objects(dataset).pictures == COUNT == len(dataset)


XML = """<annotation><filename>a.jpg</filename>
<size><width>20</width><height>10</height><depth>3</depth></size>{}</annotation>"""
OBJECT = """<object><name>{}</name><truncated>{}</truncated><difficult>{}</difficult>
<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"""


@pytest.fixture
def one(tmp_path):
    """One picture of 20x10; ``write`` gives it objects."""
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (tmp_path / folder).mkdir(parents=True)
    Image.new("RGB", (20, 10)).save(tmp_path / "JPEGImages/a.jpg")
    (tmp_path / "ImageSets/Main/train.txt").write_text("a\n")

    def write(*objects):
        text = XML.format("".join(OBJECT.format(*values) for values in objects))
        (tmp_path / "Annotations/a.xml").write_text(text)
        return tmp_path

    return write


def test_corners_from_one_with_the_last_pixel_inside(one):
    root = one(("dog", 1, 0, 1, 1, 20, 10), ("person", 0, 1, 3, 4, 5, 6))
    _, target = VOCDetection(root)[0]
    assert target["boxes"].tolist() == [[0, 0, 20, 10], [2, 3, 5, 6]]
    assert target["labels"].tolist() == [VOC.index("dog"), VOC.index("person")]
    assert target["truncated"].tolist() == [True, False]
    assert target["difficult"].tolist() == [False, True]
    assert target["difficult"].dtype == torch.bool
    _, other = VOCDetection(root, first_pixel=0)[0]
    assert other["boxes"].tolist() == [[1, 1, 20, 10], [3, 4, 5, 6]]


def test_a_picture_without_objects(one):
    _, target = VOCDetection(one())[0]
    assert target["boxes"].shape == (0, 4) and target["labels"].dtype == torch.int64
    assert target["difficult"].shape == target["area"].shape == (0,)


def test_transforms_keep_what_is_difficult_in_step(one):
    root = one(*(("dog", 0, k % 2, k + 1, 1, k + 1, 2) for k in range(4)))
    image, target = VOCDetection(root, transform=flip)[0]
    assert target["boxes"][0].tolist() == [19, 0, 20, 2]
    kept = keep_objects(target, torch.tensor([False, True, True, False]))
    assert kept["difficult"].tolist() == [True, False]
    assert kept["truncated"].shape == (2,) and kept["boxes"].shape == (2, 4)


def test_faults_in_an_annotation(one):
    root = one(("wolf", 0, 0, 1, 1, 5, 5))
    file = root / "Annotations/a.xml"
    message = told(lambda: VOCDetection(root)[0])
    assert message.startswith(f"{file}: no class 'wolf' in voc; it has background, ")
    assert message.endswith("give the table these boxes were named by (classes)")
    one(("dog", 0, 0, 1, 1, 50, 5))
    assert f"{file}, object 1: box" in told(lambda: VOCDetection(root)[0])
    one(("dog", 0, 0, 1, 1, 5, 5))
    Image.new("RGB", (30, 10)).save(root / "JPEGImages/a.jpg")
    assert told(lambda: VOCDetection(root)[0]).startswith(
        f"{file} is 20x10 but its picture {root / 'JPEGImages/a.jpg'} is 30x10"
    )


def test_what_is_missing(one, tmp_path):
    root = one()
    message = told(lambda: VOCDetection(root, masks=True))
    for entry in ("SegmentationObject/", "ImageSets/Segmentation/*.txt"):
        assert f"MISSING  {entry}" in message
    assert "has no split 'val'; it has train" in told(lambda: VOCDetection(root, "val"))
    (root / "ImageSets/Main/train.txt").write_text("a\nb\n")
    assert "train.txt names b, which" in told(lambda: VOCDetection(root))
    (root / "Annotations/a.xml").unlink()
    assert told(lambda: VOCDetection(root)).endswith(
        "holds no .xml; give the folder of these files"
    )


# masks


def test_masks_are_found_by_class_and_place():
    """Numbers in another order than the boxes, one mask without a box, one void."""
    objects = torch.zeros(8, 12, dtype=torch.int64)
    objects[0:4, 0:4], objects[0:4, 6:10], objects[5:8, 0:12] = 3, 1, 2
    objects[0:5, 4:6] = 255
    kinds = torch.tensor([0, 15, 7, 12])[objects.where(objects < 4, 0)]
    boxes = torch.tensor([[0.0, 0, 5, 5], [5, 0, 10, 5]])
    labels = torch.tensor([12, 15])
    masks = match_masks(boxes, labels, objects, kinds)
    assert torch.equal(masks, torch.stack([objects == 3, objects == 1]))
    message = told(lambda: match_masks(boxes, labels.flip(0), objects, kinds, "a.xml"))
    assert message.startswith("a.xml, object 1: no mask of SegmentationObject has its")
    assert match_masks(boxes[:0], labels[:0], objects, kinds).shape == (0, 8, 12)
    empty = torch.zeros_like(objects)
    assert "object 1" in told(lambda: match_masks(boxes, labels, empty, empty))


def test_two_of_a_class_share_the_masks_so_that_both_have_one():
    """The larger overlap goes to one box, and the other takes what is left."""
    objects = torch.zeros(4, 20, dtype=torch.int64)
    objects[:, 2:10], objects[:, 10:16] = 1, 2
    kinds = torch.where(objects > 0, 15, 0)
    boxes = torch.tensor([[0.0, 0, 11, 4], [3, 0, 12, 4]])
    masks = match_masks(boxes, torch.tensor([15, 15]), objects, kinds)
    assert torch.equal(masks, torch.stack([objects == 1, objects == 2]))


# real samples


@pytest.mark.real
def test_the_palette_is_that_of_the_real_files(real_data):
    expected = [value for colour in voc_palette(256) for value in colour]
    files = sorted((real_data / "voc_sample").glob("**/*.png"))
    for path in files:
        if path.parent.parent.name in ("VOC2012", "labelme", "person_part"):
            assert Image.open(path).getpalette() == expected, path
    assert len(files) == 10 + 4 + 6


@pytest.mark.real
def test_ten_real_pictures(real_data):
    dataset = VOCSegmentation(real_data / "voc_sample" / "VOC2012", "val")
    report = check_labels(dataset, 21)
    assert report.pictures == 10 and 0 < report.void_share < 0.2
    years = {path.stem[:4] for path, _ in dataset.pairs}
    assert years == {"2007", "2008", "2009", "2010"}


@pytest.mark.real
def test_labelme_classes(real_data):
    root = real_data / "voc_sample" / "labelme"
    dataset = VOCSegmentation(root, "trainval")
    names = (root / "class_names.txt").read_text().split("\n")
    spelt = [name.replace(" ", "").replace("/", "").strip("_") for name in names]
    assert spelt == [*VOC.names]
    assert check_labels(dataset, 21).ids == [0, 5, 6, 7, 9, 15, 18]


@pytest.mark.real
def test_labelme_boxes_and_masks(real_data):
    root = real_data / "voc_sample" / "labelme"
    dataset = VOCDetection(root, "trainval", masks=True, first_pixel=0)
    assert check_objects(dataset).counts == {"person": 6, "bus": 2, "car": 1}
    for i in range(3):
        target = dataset[i][1]
        tree = ElementTree.parse(dataset.file(i))
        first = [float(node.text) for node in tree.find("object/bndbox")]
        assert target["boxes"][0].tolist() == pytest.approx(first)
        assert not target["difficult"].any()
        mask = read_labels(
            root / "SegmentationClass" / f"{dataset.pairs[i][0].stem}.png"
        )
        for one, label, box in zip(
            target["masks"], target["labels"], target["boxes"], strict=True
        ):
            assert mask[one > 0].unique().tolist() == [label]
            y, x = (one > 0).nonzero(as_tuple=True)
            drawn = torch.stack([x.min(), y.min(), x.max() + 1, y.max() + 1])
            assert (drawn - box).abs().max() < 13  # drawn twice, by hand
    assert [len(dataset[i][1]["labels"]) for i in range(3)] == [2, 4, 3]
    np.testing.assert_array_equal(dataset[1][1]["iscrowd"], 0)
