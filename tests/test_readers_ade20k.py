"""ADE20K and Pascal-Person-Part: ids, folders, lists."""

import csv
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from told import told

from course_lib.data import classes
from course_lib.data.checker import check_labels
from course_lib.data.harbour import Harbour, export
from course_lib.data.images import read_labels
from course_lib.data.readers.ade20k import ADE20K, from_file, pairs_of_list
from course_lib.data.readers.person_part import CLASSES, PersonPart

COUNT, SIZE = 3, (90, 120)


def harbour(split) -> Harbour:
    return Harbour(split, count=COUNT, size=SIZE, rarity=0.8)


@pytest.fixture
def ade(tmp_path):
    for split in ("train", "val"):
        export(harbour(split), tmp_path, "ade20k")
    return tmp_path


def test_zero_is_void_and_ids_count_from_one(ade):
    for split in ("train", "val"):
        dataset, truth = ADE20K(ade, split), harbour(split)
        assert len(dataset) == COUNT and dataset.classes.num_classes == 150
        for i in range(COUNT):
            image, mask = dataset[i]
            assert torch.equal(mask, truth[i][1]) and mask.dtype == torch.int64
            in_file = read_labels(dataset.file(i))
            assert torch.equal(in_file == 0, mask == 255)
            assert image.shape == (3, *SIZE)
        assert check_labels(dataset, 150).pictures == COUNT


@given(st.integers(0, 150))
def test_every_value_of_a_file(value):
    assert from_file(torch.tensor([value])).item() == (value - 1 if value else 255)


def test_a_value_beyond_the_classes_is_found_by_the_checker(ade):
    path = ade / "annotations/training" / f"{harbour('train').file(0)}.png"
    Image.fromarray(np.full(SIZE, 151, np.uint8)).save(path)
    message = told(lambda: check_labels(ADE20K(ade), 150))
    assert message.startswith(f"{path} holds the id 150, but classes are 0 to 149")


def test_all_splits_in_one_folder(tmp_path):
    for kind, array in (("images", (4, 6, 3)), ("annotations", (4, 6))):
        (tmp_path / kind).mkdir()
        for name in ("ADE_val_00000001", "ADE_val_00000002", "ADE_train_00000001"):
            picture = Image.fromarray(np.full(array, 3, np.uint8))
            picture.save(tmp_path / kind / f"{name}.png")
    assert len(ADE20K(tmp_path, "val")) == 2 and len(ADE20K(tmp_path)) == 1
    assert ADE20K(tmp_path)[0][1].unique().tolist() == [2]
    assert told(lambda: ADE20K(tmp_path, "test")) == (
        f"{tmp_path / 'images'} has no folder testing; get it"
    )
    (tmp_path / "annotations/ADE_val_00000002.png").unlink()
    assert "ADE_val_00000002.png has no labels" in told(lambda: ADE20K(tmp_path, "val"))


def test_what_is_missing(ade, tmp_path):
    assert "has no split 'validation'" in told(lambda: ADE20K(ade, "validation"))
    message = told(lambda: ADE20K(tmp_path / "gone"))
    assert "MISSING  images/" in message and "MISSING  annotations/" in message


# lists


def test_a_list_gives_what_the_folder_gives(ade):
    by_list = ADE20K(ade, "val", odgt=ade / "validation.odgt")
    assert by_list.pairs == ADE20K(ade, "val").pairs
    inner = ade.rename(ade.parent / "ADEChallengeData2016")
    lines = (inner / "validation.odgt").read_text().splitlines()
    list_file = inner.parent / "one.odgt"
    entry = json.loads(lines[1])
    for key in ("fpath_img", "fpath_segm"):  # as in the lists of CSAIL
        entry[key] = f"ADEChallengeData2016/{entry[key]}"
    list_file.write_text(json.dumps(entry) + "\n\n")
    dataset = ADE20K(inner, "val", odgt=list_file)
    assert len(dataset) == 1 and torch.equal(dataset[0][1], harbour("val")[1][1])
    inner.rename(ade)


def test_a_list_with_faults(ade):
    path = ade / "mine.odgt"
    assert told(lambda: pairs_of_list(path, ade)).startswith(f"there is no file {path}")
    path.write_text("\n \n")
    assert told(lambda: pairs_of_list(path, ade)) == (
        f"{path} is empty; it should hold one JSON object a line"
    )
    good = (ade / "training.odgt").read_text().splitlines()[0]
    path.write_text(good + "\n\n{}\n")
    assert told(lambda: pairs_of_list(path, ade)).startswith(f"{path}, line 3: lacks")
    path.write_text(good.replace("images/", "pictures/"))
    assert told(lambda: pairs_of_list(path, ade)).startswith(
        f"{path} names pictures/training/harbour"
    )


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=80))
def test_any_bytes_end_in_one_sentence(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.odgt"
    path.write_bytes(content)
    assert "any.odgt" in told(lambda: pairs_of_list(path, path.parent))


# the real sample


@pytest.mark.real
def test_real_ade20k(real_data):
    dataset = ADE20K(real_data / "ade20k", "val")
    assert len(dataset) == 3
    report = check_labels(dataset, 150)
    assert report.pictures == 3 and report.void > 0
    for i in range(3):
        image, mask = dataset[i]
        assert image.shape[-2:] == mask.shape
        in_file = read_labels(dataset.file(i))
        assert in_file.max() <= 150
        assert torch.equal(mask[in_file > 0], in_file[in_file > 0] - 1)
        assert (mask[in_file == 0] == 255).all()


@pytest.mark.real
def test_our_table_is_that_of_the_original(real_data):
    from scipy.io import loadmat

    with (real_data / "ade20k" / "objectInfo150.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["Idx"]) for row in rows] == [*range(1, 151)]
    colours = loadmat(real_data / "ade20k" / "color150.mat")["colors"]
    assert colours.shape == (150, 3)
    assert colours.tolist() == [list(c) for c in classes.ADE20K.palette]
    names = [row["Name"].split(";")[0] for row in rows]
    assert names[58] == names[130] == "screen"  # two kinds of one name
    names[58], names[130] = "door screen", "projection screen"
    assert names == [*classes.ADE20K.names]


# Pascal-Person-Part


@pytest.fixture
def people(tmp_path):
    for split in ("train", "val"):
        export(harbour(split), tmp_path, "person_part")
    return tmp_path


def test_parts_of_people(people):
    for split in ("train", "val"):
        dataset, truth = PersonPart(people, split), harbour(split)
        assert len(dataset) == COUNT
        for i in range(COUNT):
            image, mask = dataset[i]
            ids = truth[i][1]
            thing = (ids >= 6) & (ids != 255)
            assert torch.equal(mask, torch.where(thing, ids - 5, 0))
            assert (image.int() - truth[i][0].int()).abs().float().mean() < 8
        picture = Image.open(dataset.file(0))
        assert picture.mode == "P" and picture.getpalette()[:6] == [0, 0, 0, 128, 0, 0]
    assert check_labels(dataset, 7).void == 0


def test_parts_by_a_list_of_names_and_without_a_list(people):
    lists = people / "pascal_person_part_trainval_list"
    (lists / "val_id.txt").write_text(harbour("val").file(1) + "\n")
    dataset = PersonPart(people, "val_id")
    assert torch.equal(dataset[0][1], PersonPart(people, "val")[1][1])
    message = told(lambda: PersonPart(people, "test"))
    assert message.endswith("has no split 'test'; it has train, val, val_id, all")
    (people / "JPEGImages").rename(people / "images")
    (people / "pascal_person_part_gt").rename(people / "labels")
    assert len(PersonPart(people, "all")) == 2 * COUNT
    lists.rename(tmp := people / "put_aside")
    assert told(lambda: PersonPart(people)).endswith('open it as split "all"')
    tmp.rename(lists)
    assert "MISSING  JPEGImages/" in told(lambda: PersonPart(people))
    (people / "images" / f"{harbour('val').file(1)}.jpg").unlink()
    assert "has no picture" in told(lambda: PersonPart(people, "all"))


@pytest.mark.real
def test_real_parts(real_data):
    dataset = PersonPart(real_data / "voc_sample" / "person_part", "all")
    assert len(dataset) == 4 and CLASSES.num_classes == 7
    report = check_labels(dataset, 7)
    assert report.ids == [0, 1, 2, 3, 4, 5, 6] and report.void == 0
    palette = [value for colour in classes.voc_palette(7) for value in colour]
    for i in range(4):
        image, mask = dataset[i]
        assert image.shape[-2:] == mask.shape
        assert Image.open(dataset.file(i)).getpalette()[:21] == palette
