"""Folders of annotations from every format into every other, and what that loses."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from format_cases import NAMES, lossy, pictures, same, slack_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from course_lib.__main__ import main
from course_lib.commands.convert import FORMATS
from course_lib.data.classes import ADE20K, HARBOUR, VOC
from course_lib.data.formats import LOST, PAINTED
from course_lib.data.formats.annotated import Annotated, Thing
from course_lib.data.formats.convert import convert
from course_lib.data.formats.folders import (
    FOLDERS,
    Collection,
    Options,
    coco,
    crowdhuman,
    labelme,
    odgt,
    pairs,
    voc,
    yolo,
)
from course_lib.data.formats.label_map import encode_mask, mask_of
from course_lib.data.formats.odgt import Pair, write_odgt
from course_lib.data.harbour import Harbour, export
from course_lib.data.readers.own_folder import LabelFolder
from course_lib.data.readers.yolo import YoloFolder
from course_lib.errors import InputError

MODULES = {
    module.__name__.rpartition(".")[2]: module
    for module in (coco, crowdhuman, labelme, odgt, pairs, voc, yolo)
}
DOT = Annotated("a.png", 1, 1)
DRAWN = tuple(name for name in FOLDERS if name not in PAINTED)
QUICK = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))


def write(root: Path, form: str, found, names=NAMES, split="train") -> Path:
    """A folder in a format, with black pictures."""
    module = MODULES[form]
    for picture in found:
        file = root / module.place(split) / picture.file
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (picture.width, picture.height)).save(file)
    module.write(root, Collection({split: list(found)}, tuple(names)))
    return root


def read(root: Path, form: str, **options) -> Collection:
    return MODULES[form].read(root, Options(**options))


def told(*args, **how) -> str:
    with pytest.raises(InputError) as error:
        convert(*args, **how)
    return str(error.value)


def test_the_tables_name_the_same_formats():
    assert set(MODULES) == set(FOLDERS) == set(LOST) == set(FORMATS)


@pytest.mark.parametrize("first, second", list(product(DRAWN, DRAWN)))
@given(found=st.lists(pictures(), min_size=1, max_size=2), copy=st.booleans())
@QUICK
def test_every_pair_loses_what_is_stated_and_no_more(
    tmp_path_factory, first, second, found, copy
):
    root = tmp_path_factory.mktemp("pair")
    found = [replace(p, file=f"{i}.png") for i, p in enumerate(found)]
    write(root / "a", first, found)
    convert(root / "a", first, root / "b", second, pictures="copy" if copy else "link")
    again = read(root / "b", second)
    assert list(again.splits) == ["train"]
    for one, other in zip(again.splits["train"], found, strict=True):
        once = lossy(other, first)
        slack = slack_of(first, once) + slack_of(second, once)
        same(one, lossy(once, second), slack)
        assert Path(one.file).name == other.file
        assert Path(one.file).is_symlink() != copy
        assert Image.open(one.file).size == (other.width, other.height)
    if "crowdhuman" not in (first, second):
        assert again.names == NAMES


@pytest.mark.parametrize("folder", ["train", "images/train", "images", "annotations"])
def test_cocos_pictures_are_found_from_where_one_stands(folder, tmp_path, monkeypatch):
    write(tmp_path / "a", "coco", [DOT])
    (tmp_path / "a" / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / "a/train/a.png").rename(tmp_path / "a" / folder / "a.png")
    monkeypatch.chdir(tmp_path)
    for told_so in ({}, {"images": Path("elsewhere")}):
        (picture,) = read(Path("a"), "coco", **told_so).splits["train"]
        assert Path(picture.file).samefile(tmp_path / "a" / folder / "a.png")


@pytest.mark.parametrize("first", PAINTED)
@pytest.mark.parametrize("second", [*PAINTED, "coco", "labelme"])
@given(seed=st.integers(0, 99), height=st.integers(1, 20), width=st.integers(1, 20))
@QUICK
def test_maps_of_classes_come_back_from_every_format_that_keeps_pixels(
    tmp_path_factory, first, second, seed, height, width
):
    root = tmp_path_factory.mktemp("maps")
    ids = np.random.default_rng(seed).choice([0, 1, 2, 4, 255], size=(height, width))
    stored = ids if first == "pairs" else (ids + 1) % 256
    write(root / "a", first, [Annotated("a.png", width, height)])
    folder = "labels" if first == "pairs" else "annotations"
    file = root / "a" / folder / "train" / "a.png"
    Image.fromarray(stored.astype(np.uint8)).save(file)
    convert(root / "a", first, root / "b", second)
    convert(root / "b", second, root / "c", "pairs", names=NAMES)
    again = np.asarray(Image.open(root / "c/labels/train/a.png"))
    np.testing.assert_array_equal(again, ids)


# the harbour


@pytest.fixture(scope="module")
def harbour(tmp_path_factory):
    """Two splits of two pictures, as a COCO folder."""
    root = tmp_path_factory.mktemp("harbour")
    worlds = {s: Harbour(s, 2, (60, 80), task="detection") for s in ("train", "val")}
    for world in worlds.values():
        export(world, root / "coco", "coco")
    return root / "coco", worlds


def test_yolo_of_a_harbour_is_read_by_the_reader_of_chapter_15(harbour, tmp_path):
    source, worlds = harbour
    report = convert(source, "coco", tmp_path / "out", "yolo")
    assert report.pictures == {"train": 2, "val": 2} and not report.left_out
    count = sum(len(world[i][1]["labels"]) for world in worlds.values() for i in (0, 1))
    assert report.objects.total() == report.lost["run_lengths"] == count
    for split, world in worlds.items():
        folder = YoloFolder(tmp_path / "out/data.yaml", split)
        assert folder.classes.names[1:] == HARBOUR.names[6:]
        for i in range(2):
            (image, target), (drawn, truth) = folder[i], world[i]
            assert (image == drawn).all()
            assert target["labels"].tolist() == (truth["labels"] - 5).tolist()
            assert (target["boxes"] - truth["boxes"]).abs().max() < 1e-3


def test_label_pictures_of_a_harbour_are_read_as_ones_own_folder(harbour, tmp_path):
    source, worlds = harbour
    convert(source, "coco", tmp_path / "out", "pairs", fill="background")
    names = (tmp_path / "out/names.txt").read_text().splitlines()
    assert names == ["background", *HARBOUR.names[6:]]
    inner = tmp_path / "out/images/val", tmp_path / "out/labels/val"
    folder = LabelFolder(*inner, worlds["val"].classes)
    for i in range(2):
        scene = worlds["val"].scene(i)
        things = np.where(scene.instance_map > 0, scene.class_map - 5.0, 0)
        np.testing.assert_array_equal(folder[i][1], things)


def test_a_list_of_ade20k_gives_back_the_harbours_maps(tmp_path):
    world = Harbour("val", 2, (60, 80))
    export(world, tmp_path / "ade", "ade20k")
    convert(tmp_path / "ade", "odgt", tmp_path / "out", "pairs", names=HARBOUR.names)
    for i in range(2):
        file = tmp_path / f"out/labels/validation/{world.file(i)}.png"
        ids = np.asarray(Image.open(file))
        np.testing.assert_array_equal(ids, world.scene(i).class_map)


# what is told, and what is refused


@pytest.fixture
def small(tmp_path):
    """Two pictures as labelme draws them: a boat, a car and a nameless point."""
    for name, label in (("a", "boat"), ("b", "car")):
        Image.new("RGB", (30, 20)).save(tmp_path / f"{name}.png")
        shape = {"label": label, "points": [[2, 3], [9, 12]], "shape_type": "rectangle"}
        table = {"imagePath": f"{name}.png", "imageWidth": 30, "imageHeight": 20}
        (tmp_path / f"{name}.json").write_text(json.dumps(table | {"shapes": [shape]}))
    return tmp_path


def test_names_that_are_not_wanted_are_counted(small, tmp_path):
    out = tmp_path / "out"
    report = convert(small, "labelme", out, "coco", names=("buoy", "car"))
    assert report.left_out == {"boat": 1} and report.objects == {"car": 1}
    table = json.loads((out / "annotations/instances_train.json").read_text())
    assert [(c["id"], c["name"]) for c in table["categories"]] == [
        (1, "buoy"),
        (2, "car"),
    ]
    assert len(table["images"]) == 2 and table["annotations"][0]["category_id"] == 2


def test_a_fault_stops_everything_or_is_told(small, tmp_path):
    table = json.loads((small / "b.json").read_text())
    table["shapes"].append({"label": "x", "points": [[1, 1]], "shape_type": "point"})
    (small / "b.json").write_text(json.dumps(table))
    before = sorted(tmp_path.rglob("*"))
    error = told(small, "labelme", tmp_path / "deep/out", "voc")
    assert "b.json, shape 2: a point has no area" in error
    assert sorted(tmp_path.rglob("*")) == before
    report = convert(small, "labelme", tmp_path / "out", "voc", skip_faulty=True)
    assert report.objects.total() == 2 and "shape 2" in report.faults[0]


def test_a_fault_in_writing_leaves_nothing_behind(small, tmp_path):
    out = tmp_path / "out"
    assert "a.png, object 1: the boat is only a box" in told(
        small, "labelme", out, "odgt"
    )
    (small / "b.png").unlink()
    assert "there is no picture" in told(small, "labelme", out, "voc")
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
    report = convert(small, "labelme", out, "voc", pictures="none")
    assert report.pictures["train"] == 2 and not (out / "JPEGImages").exists()


def test_a_folder_that_is_there_is_left_alone(small, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    assert "is there already" in told(small, "labelme", tmp_path / "out", "coco")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    convert(small, "labelme", tmp_path / "empty", "coco")
    assert (tmp_path / "empty/train/a.png").is_file()


def test_pictures_of_one_name_are_refused(small, tmp_path):
    (small / "more").mkdir()
    Image.new("RGB", (30, 20)).save(small / "more/a.png")
    table = json.loads((small / "b.json").read_text()) | {"imagePath": "more/a.png"}
    (small / "b.json").write_text(json.dumps(table))
    assert "would both be a" in told(small, "labelme", tmp_path / "out", "yolo")


def test_only_pictures_are_linked_and_only_by_their_bare_name(small, tmp_path):
    (tmp_path / "secret").write_text("secret")
    table = json.loads((small / "b.json").read_text()) | {"imagePath": "../secret"}
    (small / "b.json").write_text(json.dumps(table))
    source = small / "in"
    source.mkdir()
    (small / "b.json").rename(source / "b.json")
    assert "there is no picture" in told(source, "labelme", tmp_path / "out", "coco")
    Image.new("RGB", (30, 20)).save(tmp_path / "c.png")
    (source / "b.json").write_text(json.dumps(table | {"imagePath": "../c.png"}))
    convert(source, "labelme", tmp_path / "out", "coco")
    assert [p.name for p in (tmp_path / "out/train").iterdir()] == ["c.png"]


@pytest.mark.parametrize(
    "source, target, sentence",
    [
        ("labelme", "xml", "no format 'xml'; choose from voc, coco"),
        ("voc", "coco", "has no folder Annotations"),
        ("coco", "voc", "holds no annotations/instances_*.json"),
        ("yolo", "voc", "holds no *.yaml"),
        ("odgt", "voc", "holds no *.odgt"),
        ("crowdhuman", "voc", "holds no annotation_*.odgt"),
        ("pairs", "voc", "has no names.txt"),
    ],
)
def test_a_wrong_folder_is_told(small, tmp_path, source, target, sentence):
    assert sentence in told(small, source, tmp_path / "out", target)
    assert "no pictures 'move'" in told(small, "labelme", "x", "voc", pictures="move")


def test_yolo_has_room_for_three_splits(small, tmp_path):
    source = write(tmp_path / "c", "coco", [DOT], split="mine")
    assert "'mine' has no place" in told(source, "coco", tmp_path / "out", "yolo")


def test_an_id_without_a_name_and_a_list_that_disagrees_are_told(tmp_path):
    source = write(tmp_path / "p", "pairs", [DOT], names=("boat",))
    Image.fromarray(np.full((1, 1), 7, np.uint8)).save(source / "labels/train/a.png")
    assert "a.png: the id 7, but" in told(source, "pairs", tmp_path / "out", "coco")
    source = write(tmp_path / "o", "odgt", [DOT], names=("boat",))
    line = (source / "train.odgt").read_text().replace('"width": 1', '"width": 2')
    (source / "train.odgt").write_text(line)
    assert "is 2 x 1, but" in told(source, "odgt", tmp_path / "out", "coco")


def test_the_command(small, tmp_path, capsys):
    (tmp_path / "two.names").write_text("car\nbuoy\n")
    call = ["convert", "--from", "labelme", "--to", "yolo", str(small)]
    assert (
        main([*call, str(tmp_path / "o"), "--names", str(tmp_path / "two.names")]) == 0
    )
    out = capsys.readouterr().out
    assert "2 in train" in out and "objects: 1 car" in out
    assert "left out: 1 boat" in out
    labels = (tmp_path / "o/labels/train/b.txt").read_text()
    assert labels == "0 0.183333 0.375000 0.233333 0.450000\n"
    assert main([*call, str(tmp_path / "o")]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main([*call, str(tmp_path / "p"), "--names", "camvid"]) == 0
    assert "left out: 1 boat" in capsys.readouterr().out


def test_label_pictures_have_the_palette_of_voc(tmp_path):
    source = write(tmp_path / "v", "pairs", [DOT], names=VOC.names)
    convert(source, "pairs", tmp_path / "out", "pairs", fill="person")
    picture = Image.open(tmp_path / "out/labels/train/a.png")
    assert picture.getpixel((0, 0)) == 15
    assert picture.convert("RGB").getpixel((0, 0)) == (192, 128, 128)


# real samples


@pytest.mark.real
def test_coco128_becomes_the_yolo_labels_that_came_with_it(real_data, tmp_path):
    root = real_data / "coco128"
    source = root / "annotations/instances_train2017.json"
    report = convert(source, "coco", tmp_path / "yolo", "yolo")
    assert report.objects.total() == 929 and report.left_out.total() == 10
    compared = 0
    for picture in read(tmp_path / "yolo", "yolo").splits["train"]:
        name = f"{Path(picture.file).stem}.txt"
        there = root / "labels_yolo/train2017" / name
        wanted = _rows(there) if there.is_file() else np.zeros((0, 5))
        found = _rows(tmp_path / "yolo/labels/train2017" / name)
        assert found.shape == wanted.shape
        if len(found):
            order = [np.lexsort(rows.round(4).T) for rows in (found, wanted)]
            gap = np.abs(found[order[0]] - wanted[order[1]]).max()
            assert gap < 2e-6  # shares; a thousandth of a pixel
        compared += len(found)
    assert compared == 929


def _tight(thing: Thing, picture: Annotated) -> Thing:
    """A thing whose box is the smallest one around its run lengths."""
    if thing.run_lengths is None:
        return thing
    mask = mask_of(thing, picture.width, picture.height)
    box = encode_mask(mask)[1]
    assert np.abs(np.subtract(box, thing.box)).max() <= 9
    return replace(thing, box=box)


def _rows(path: Path) -> np.ndarray:
    return np.array(path.read_text().split(), float).reshape(-1, 5)


@pytest.mark.real
@pytest.mark.parametrize("second", ["labelme", "crowdhuman", "voc", "yolo"])
def test_coco128_comes_back_from_every_format(real_data, tmp_path, second):
    source = real_data / "coco128/annotations/instances_train2017.json"
    convert(source, "coco", tmp_path / "a", second)
    convert(tmp_path / "a", second, tmp_path / "b", "coco")
    wanted = read(source, "coco").splits["train2017"]
    split = "train" if second == "yolo" else "train2017"
    found = read(tmp_path / "b", "coco").splits[split]
    for one, other in zip(found, wanted, strict=True):
        left = lossy(other, second)
        if second == "labelme":  # COCO's boxes of crowds are looser than their masks
            left = replace(left, things=tuple(_tight(t, left) for t in left.things))
        same(one, left, slack_of(second, left) + 1e-8)


@pytest.mark.real
def test_labelmes_voc_folder_keeps_its_fractions_but_in_voc(real_data, tmp_path):
    source = real_data / "voc_sample/labelme"
    convert(source, "voc", tmp_path / "a", "coco", first_pixel=0)
    convert(tmp_path / "a", "coco", tmp_path / "b", "voc")
    first = read(source, "voc", first_pixel=0).splits["train"]
    exact = read(tmp_path / "a", "coco").splits["train"]
    whole = read(tmp_path / "b", "voc").splits["train"]
    assert [len(p.things) for p in first] == [2, 4, 3]
    for a, b, c in zip(first, exact, whole, strict=True):
        same(b, a, 1e-8)
        same(c, a, 0.5)
        assert all(v == int(v) for thing in c.things for v in thing.box)


@pytest.mark.real
def test_three_pictures_of_ade20k_as_a_list_and_back(real_data, tmp_path):
    root = real_data / "ade20k"
    files = sorted(path.stem for path in (root / "images").iterdir())
    sizes = [Image.open(root / f"images/{stem}.jpg").size for stem in files]
    lines = [
        Pair(f"images/{stem}.jpg", f"annotations/{stem}.png", *size)
        for stem, size in zip(files, sizes, strict=True)
    ]
    write_odgt(tmp_path / "mine.odgt", lines)
    how = {"names": ADE20K.names, "images": root}
    convert(tmp_path / "mine.odgt", "odgt", tmp_path / "out", "odgt", **how)
    for stem in files:
        again = Image.open(tmp_path / f"out/annotations/mine/{stem}.png")
        wanted = Image.open(root / f"annotations/{stem}.png")
        np.testing.assert_array_equal(again, wanted)
