"""YOLO's label files, data.yaml and .data: reading, writing, refusing."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from course_lib.data.classes import COCO, HARBOUR
from course_lib.data.formats.yolo_txt import (
    read_labels,
    to_pixels,
    to_shares,
    write_labels,
)
from course_lib.data.harbour import Harbour, export
from course_lib.data.readers.coco import CocoInstances
from course_lib.data.readers.yolo import YoloFolder, check_folder, label_file
from course_lib.errors import InputError


@given(st.integers(0, 10**6), st.integers(0, 12))
@settings(max_examples=50)
def test_written_labels_come_back(tmp_path_factory, seed, count):
    path = tmp_path_factory.mktemp("labels") / "a.txt"
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * 150
    side = torch.rand(count, 2, generator=generator) * 40 + 1
    boxes = torch.cat([corner, corner + side], dim=1)
    kinds = torch.randint(0, 5, (count,), generator=generator)
    write_labels(path, kinds, to_shares(boxes, (192, 256)))
    again, shares = read_labels(path, 5)
    assert again.tolist() == kinds.tolist()
    assert (to_pixels(shares, (192, 256)) - boxes).abs().sum() < 1e-3 * (1 + 4 * count)


@given(st.text(alphabet="0123456789.-e \n\tnaif,x", max_size=80))
def test_any_text_is_labels_or_an_input_error(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("labels") / "a.txt"
    path.write_text(text)
    try:
        kinds, boxes = read_labels(path, 3)
    except InputError as error:
        assert "a.txt" in str(error)
    else:
        assert boxes.isfinite().all() and (boxes[:, 2:] > 0).all()
        assert ((kinds >= 0) & (kinds < 3)).all()


@pytest.mark.parametrize(
    "line, sentence",
    [
        ("0 0.5 0.5 0.2", "line 2 has 4 numbers"),
        ("0 0.5 0.5 0.2 0.2 0.9", "line 2 has 6 numbers"),
        ("boat 0.5 0.5 0.2 0.2", "no five numbers"),
        ("3 0.5 0.5 0.2 0.2", "class 3, but the names are 0 to 2"),
        ("-1 0.5 0.5 0.2 0.2", "class -1, but"),
        ("0.5 0.5 0.5 0.2 0.2", "class 0.5 is no whole number"),
        ("nan 0.5 0.5 0.2 0.2", "class nan is no whole number"),
        ("0 120 80 40 30", "are these pixels?"),
        ("0 0.5 0.5 nan 0.2", "does not lie in the picture"),
        ("0 0.95 0.5 0.2 0.2", "does not lie in the picture"),
        ("0 0.5 0.5 0 0.2", "does not lie in the picture"),
    ],
)
def test_what_is_no_label_is_refused_by_line(tmp_path, line, sentence):
    (tmp_path / "a.txt").write_text(f"1 0.5 0.5 0.1 0.1\n{line}\n")
    with pytest.raises(InputError, match="a.txt, line 2") as error:
        read_labels(tmp_path / "a.txt", 3)
    assert sentence in str(error.value)


def test_missing_and_binary_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        read_labels(tmp_path / "a.txt", 3)
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is no text"):
        read_labels(tmp_path / "a.txt", 3)


def test_an_export_of_the_harbour_comes_back(tmp_path):
    world = Harbour("train", 3, task="detection")
    export(world, tmp_path, "yolo")
    plan = f"path: {tmp_path}\ntrain: images/train\nnames: harbour.names\n"
    (tmp_path / "data.yaml").write_text(plan)
    folder = YoloFolder(tmp_path / "data.yaml")
    assert folder.classes.names[1:] == world.classes.names[6:]
    for i in range(3):
        (image, target), (drawn, truth) = folder[i], world[i]
        torch.testing.assert_close(image, drawn)
        assert target["labels"].tolist() == (truth["labels"] - 5).tolist()
        torch.testing.assert_close(
            target["boxes"].data, truth["boxes"].data, rtol=0, atol=1e-3
        )
    counts = check_folder(folder)
    assert counts["pictures"] == 3
    assert counts["objects"] == sum(len(world[i][1]["labels"]) for i in range(3))


@pytest.fixture
def small(tmp_path):
    """Two pictures, one with a label, described by a Darknet .data file."""
    for name in ("a", "b"):
        (tmp_path / "images").mkdir(exist_ok=True)
        Image.new("RGB", (40, 20)).save(tmp_path / f"images/{name}.png")
    write_labels(
        tmp_path / "labels/a.txt",
        torch.tensor([1]),
        torch.tensor([[0.5, 0.5, 0.5, 0.5]]),
    )
    (tmp_path / "two.names").write_text("cup\nball\n")
    (tmp_path / "train.txt").write_text("images/a.png\nimages/b.png\n")
    (tmp_path / "two.data").write_text(
        "classes = 2\ntrain = train.txt\nvalid = train.txt\nnames = two.names\n"
    )
    return tmp_path


def test_a_darknet_data_file(small):
    folder = YoloFolder(small / "two.data", "val")
    assert len(folder) == 2 and folder.classes.names == ("background", "cup", "ball")
    _, target = folder[0]
    assert target["boxes"].tolist() == [[10, 5, 30, 15]]
    assert target["labels"].tolist() == [2] and target["area"].tolist() == [200]
    assert len(folder[1][1]["labels"]) == 0
    expected = {"pictures": 2, "without labels": 1, "objects": 1, "cup": 0, "ball": 1}
    assert check_folder(folder) == expected


def test_what_a_plan_lacks_is_named(small):
    with pytest.raises(InputError, match="does not say test:"):
        YoloFolder(small / "two.data", "test")
    with pytest.raises(InputError, match="there is no split 'best'"):
        YoloFolder(small / "two.data", "best")
    (small / "two.names").unlink()
    with pytest.raises(InputError, match="there is no file .*two.names"):
        YoloFolder(small / "two.data")
    (small / "c.yaml").write_text("train: images\nnames: {0: cup, 2: ball}\n")
    with pytest.raises(InputError, match="not numbered 0, 1, 2"):
        YoloFolder(small / "c.yaml")
    (small / "c.yaml").write_text("train: [")
    with pytest.raises(InputError, match="is no YAML"):
        YoloFolder(small / "c.yaml")


def test_labels_in_the_wrong_folder_are_noticed(small):
    (small / "labels").rename(small / "label")
    with pytest.raises(InputError, match="none of 2 pictures has a label"):
        check_folder(YoloFolder(small / "two.data"))


def test_only_the_last_images_becomes_labels(tmp_path):
    path = tmp_path / "images" / "x" / "images" / "a.b.jpg"
    assert label_file(path) == tmp_path / "images" / "x" / "labels" / "a.b.txt"
    assert label_file(tmp_path / "a.jpg").name == "a.txt"


@pytest.mark.real
def test_labels_of_coco128_agree_with_its_json(real_data, tmp_path):
    """All but the 10 crowds, in the order of COCO's JSON, to 0.0006 px."""
    root, plan = real_data / "coco128", tmp_path / "data.yaml"
    names = json.dumps(COCO.names)
    plan.write_text(f"path: {root}\ntrain: train2017\nnames: {names}\n")
    yolo = YoloFolder(plan, labels=root / "labels_yolo/train2017")
    coco = CocoInstances(root, masks=False, crowds=False)
    assert yolo.classes.names == coco.classes.names
    for i, ((_, found), (_, truth)) in enumerate(zip(yolo, coco, strict=True)):
        assert yolo.file(i).endswith(coco.pictures[i].file)
        assert torch.equal(found["labels"], truth["labels"])
        torch.testing.assert_close(
            found["boxes"].data, truth["boxes"].data, rtol=0, atol=6e-4
        )
    counts = check_folder(yolo)
    assert [counts[k] for k in ("pictures", "without labels", "objects")] == [
        128, 2, 929]  # fmt: skip


@pytest.mark.parametrize("split", ["train", "val"])
def test_the_harbour_as_a_folder(tmp_path, split):
    """Boxes come back to a ten-thousandth of a pixel."""
    for name in ("train", "val"):
        root = export(Harbour(name, count=3, size=(60, 80)), tmp_path, "yolo")
    dataset = YoloFolder(root, split)
    harbour = Harbour(split, count=3, size=(60, 80), task="detection")
    assert dataset.classes.names == ("background", *HARBOUR.names[6:])
    for (image, found), (drawn, truth) in zip(dataset, harbour, strict=True):
        assert torch.equal(image, drawn)
        assert torch.equal(found["labels"] + 5, truth["labels"])
        torch.testing.assert_close(
            found["boxes"].data, truth["boxes"].data, rtol=0, atol=1e-4
        )
    assert len(YoloFolder(root, split, labels=root / f"labels/{split}")[0][1]["boxes"])


def test_folders_that_are_not_there(tmp_path, small):
    with pytest.raises(InputError, match="MISSING  data.yaml  says train:, val: and"):
        YoloFolder(tmp_path)
    with pytest.raises(InputError, match="no folder .*gone; give that of the labels"):
        YoloFolder(small / "two.data", "val", labels=tmp_path / "gone")
