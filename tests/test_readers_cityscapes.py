"""Cityscapes: label ids to train ids, instance ids to objects, what is not whole."""

import json
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from told import told

from course_lib.data.checker import check_labels
from course_lib.data.classes import CITYSCAPES
from course_lib.data.harbour import Harbour, export
from course_lib.data.images import read_image, read_labels
from course_lib.data.object_checker import check_objects
from course_lib.data.readers.cityscapes import (
    LABEL_IDS,
    THINGS,
    TRAIN_IDS,
    Cityscapes,
    label_ids,
    things_of,
)

COUNT, SIZE = 3, (90, 120)
NUMBERS = "gtFine/val/harbour/harbour_000000_000000_gtFine_{}.png"


def harbour(split, **options) -> Harbour:
    return Harbour(split, count=COUNT, size=SIZE, rarity=0.8, **options)


@pytest.fixture
def city(tmp_path):
    return export(harbour("val"), tmp_path, "cityscapes")


def test_the_look_up_table_is_that_of_the_official_scripts():
    known = {
        "road": 7, "sidewalk": 8, "building": 11, "wall": 12, "fence": 13, "pole": 17,
        "traffic light": 19, "traffic sign": 20, "vegetation": 21, "terrain": 22,
        "sky": 23, "person": 24, "rider": 25, "car": 26, "truck": 27, "bus": 28,
        "train": 31, "motorcycle": 32, "bicycle": 33,
    }  # fmt: skip
    for name, label_id in known.items():
        assert TRAIN_IDS[label_id] == CITYSCAPES.index(name)
    assert TRAIN_IDS.shape == (256,) and (TRAIN_IDS == 255).sum() == 256 - 19
    assert THINGS.names == (
        "background", "person", "rider", "car", "truck", "bus", "train", "motorcycle",
        "bicycle",
    )  # fmt: skip
    assert THINGS.palette[3] == (0, 0, 142)


def test_class_maps_are_the_harbour_s_own(city):
    dataset, truth = Cityscapes(city, "val"), harbour("val")
    assert len(dataset) == COUNT and dataset.skipped == {}
    for i in range(COUNT):
        image, mask = dataset[i]
        ids = truth[i][1]
        thing = (ids >= 6) & (ids != 255)  # train ids 11-16
        assert torch.equal(mask, torch.where(thing, ids + 5, ids))
        assert torch.equal(image, truth[i][0]) and mask.dtype == torch.int64
    assert check_labels(dataset, 19).pictures == COUNT


def test_objects_are_the_harbour_s_own(city):
    dataset = Cityscapes(city, "val", task="detection")
    truth = harbour("val", task="detection")
    for i in range(COUNT):
        (_, target), (_, expected) = dataset[i], truth[i]
        # in the order of class and number; the harbour's is that of its numbers
        order = expected["labels"].sort(stable=True).indices
        assert torch.equal(target["labels"], expected["labels"][order] - 5)
        assert torch.equal(target["boxes"], expected["boxes"][order])
        assert torch.equal(target["masks"], expected["masks"][order].to(torch.uint8))
        assert torch.equal(target["area"], expected["area"][order])
        assert target["image_id"] == i and not target["iscrowd"].any()
        assert torch.equal(dataset.labels(i), Cityscapes(city, "val").labels(i))
    report = check_objects(dataset)
    assert report.pictures == COUNT and report.crowds == 0


def test_objects_groups_and_what_is_none():
    ids = torch.tensor(
        [
            [7, 26000, 26000, 26001, 24],
            [7, 26000, 33, 26001, 24],
            [0, 29001, 33, 11, 17],
        ]
    )  # road, two cars, a group of bicycles and of persons, a caravan, wall, pole
    target = things_of(ids, 4)
    assert target["labels"].tolist() == [1, 8, 3, 3]
    assert target["iscrowd"].tolist() == [1, 1, 0, 0]
    assert target["boxes"].tolist() == [
        [4, 0, 5, 2], [2, 1, 3, 3], [1, 0, 3, 2], [3, 0, 4, 2],
    ]  # fmt: skip
    assert target["area"].tolist() == [2, 2, 3, 2] and target["image_id"] == 4
    nothing = things_of(torch.tensor([[7, 0]]), 0)
    assert nothing["boxes"].shape == (0, 4) and nothing["masks"].shape == (0, 1, 2)


@given(st.integers(0, 33), st.integers(0, 999))
def test_the_label_id_of_an_instance_id(label, number):
    ids = torch.tensor([label, *([label * 1000 + number] if label else [])])
    assert set(label_ids(ids, "").tolist()) == {label}


@given(st.integers(34, 65))
def test_ids_that_are_none(label):
    for value in (label, label * 1000 + 3):
        message = told(lambda v=value: label_ids(torch.tensor([7, v]), "a.png"))
        assert message.startswith(f"a.png holds the id {value}, but label ids end at")


def test_pictures_may_be_jpeg(city):
    for path in (city / "leftImg8bit/val/harbour").iterdir():
        Image.open(path).save(path.with_suffix(".jpg"), quality=95)
        path.unlink()
    image, _ = Cityscapes(city, "val")[0]
    assert (image.int() - harbour("val")[0][0].int()).abs().float().mean() < 8


def test_pictures_without_labels_are_left_out_and_told(city):
    names = [f"harbour_000000_{i:06d}" for i in range(COUNT)]
    folder = city / "gtFine/val/harbour"
    for path in folder.glob(f"{names[0]}*"):
        path.unlink()
    for path in folder.glob(f"{names[2]}*"):
        path.unlink()
    Image.new("RGB", (120, 90)).save(folder / f"{names[2]}_gtFine_color.png")
    with pytest.warns(UserWarning) as warned:
        dataset = Cityscapes(city, "val")
    assert str(warned[0].message) == (
        f"cityscapes val: 2 of 3 pictures are left out: {names[0]} has no labels; "
        f"{names[2]} has only {names[2]}_gtFine_color.png"
    )
    assert warned[0].filename == __file__
    assert [*dataset.skipped] == [names[0], names[2]] and len(dataset) == 1
    for path in folder.glob(f"{names[1]}*"):
        path.unlink()
    message = told(lambda: Cityscapes(city, "val"))
    assert message.startswith(
        f"{city} has no pair of a picture and its labelIds in val; {names[0]} has no "
    )


def test_what_is_missing_and_wrong(city, tmp_path):
    assert "has no split 'valid'" in told(lambda: Cityscapes(city, "valid"))
    assert "has no task 'boxes'; it has segmentation, detection" in told(
        lambda: Cityscapes(city, task="boxes")
    )
    assert "its folder holds no picture" in told(lambda: Cityscapes(city, "train"))
    message = told(lambda: Cityscapes(city / "gtFine"))
    assert "MISSING  leftImg8bit/" in message and "register" not in message
    Image.new("L", (50, 40)).save(city / NUMBERS.format("labelIds"))
    assert "is 50x40 but its picture" in told(lambda: Cityscapes(city, "val")[0])
    path = city / NUMBERS.format("instanceIds")
    path.write_bytes(path.read_bytes()[:200])
    dataset = Cityscapes(city, "val", task="detection")
    assert "is damaged or breaks off" in told(lambda: dataset[0])


# the real sample


@pytest.fixture
def real(real_data):
    def opened(split, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return Cityscapes(real_data / "cityscapes", split, **options)

    return opened


@pytest.mark.real
def test_real_pictures_and_those_that_are_not_whole(real, real_data):
    train, val = real("train"), real("val")
    assert (len(train), len(val)) == (8, 1) and train.skipped == {}
    assert val.skipped == {
        "frankfurt_000000_000294": "no labels",
        "frankfurt_000001_058914": "only frankfurt_000001_058914_gtFine_color.png",
    }
    for dataset in (train, val):
        report = check_labels(dataset, 19)
        assert [*report.sizes] == [(1024, 2048)]
    with pytest.warns(UserWarning, match="2 of 3 pictures are left out"):
        Cityscapes(real_data / "cityscapes", "val")


@pytest.mark.real
def test_real_instances_agree_with_the_classes(real):
    for split in ("train", "val"):
        classes, things = real(split), real(split, task="detection")
        for i in range(0, len(classes), 3):
            mask = classes.labels(i)
            assert torch.equal(things.labels(i), mask)
            image, target = things[i]
            assert image.shape == (3, 1024, 2048)
            inside = torch.zeros_like(mask)
            for one, label in zip(target["masks"], target["labels"], strict=True):
                assert not inside[one > 0].any()
                inside[one > 0] = label
            expected = torch.where((mask >= 11) & (mask != 255), mask - 10, 0)
            assert torch.equal(inside, expected)


@pytest.mark.real
def test_real_crowds(real):
    """aachen 000002 has a group of cars, 000004 of cars and of bicycles."""
    target = real("train", task="detection")[4][1]
    crowd = target["iscrowd"] == 1
    assert target["labels"][crowd].tolist() == [3, 8]
    assert (~crowd).sum() == 7 + 15 + 2 + 1  # persons, cars, motorcycles, a bicycle


@pytest.mark.real
def test_the_reference_predictions_fit_the_labels(real, real_data):
    folder = real_data / "cityscapes"
    reference = json.loads((folder / "espnet_reference.json").read_text())
    assert reference["train_ids"] == [*LABEL_IDS]
    for split in ("train", "val"):
        dataset = real(split)
        for i, (picture, _) in enumerate(dataset.pairs):
            stem = picture.stem.removesuffix("_leftImg8bit")
            name = f"{stem}_trainIds_1024x512.png"
            found = np.asarray(Image.open(folder / "espnet_predictions" / name))
            mask = dataset.labels(i).numpy()
            found = np.kron(found, np.ones((2, 2), found.dtype))
            right = (found == mask)[mask != 255].mean()
            expected = reference["pixel_accuracy_per_image"][stem]
            assert right == pytest.approx(expected, abs=1e-4)


@pytest.mark.real
def test_our_colours_are_those_of_a_real_colour_label(real_data):
    """The colour of a pixel is that of the class ESPNet gives it, nearly always."""
    folder, stem = real_data / "cityscapes", "frankfurt_000001_058914"
    colours = read_image(folder / f"gtFine/val/frankfurt/{stem}_gtFine_color.png")
    name = f"espnet_predictions/{stem}_trainIds_1024x512.png"
    found = read_labels(folder / name).repeat_interleave(2, 0).repeat_interleave(2, 1)
    known = right = 0
    for train_id, colour in enumerate(CITYSCAPES.palette):
        here = (colours == torch.tensor(colour)[:, None, None]).all(dim=0)
        known += int(here.sum())
        right += int((found[here] == train_id).sum())
    assert known / found.numel() > 0.8 and right / known > 0.9
