"""SBU shadow, LIP, NYUv2 and LFW part labels, on what the harbour exports."""

import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage.color import rgb2lab
from told import told

from course_lib.data.catalogue import source
from course_lib.data.checker import check_labels
from course_lib.data.classes import VOC, VOID_COLOUR
from course_lib.data.harbour import Harbour, export
from course_lib.data.images import read_labels
from course_lib.data.readers import lfw_parts, lip, nyuv2, sbu_shadow
from course_lib.data.readers.lfw_parts import LFWParts
from course_lib.data.readers.lip import LIP
from course_lib.data.readers.nyuv2 import NYUv2
from course_lib.data.readers.sbu_shadow import SBUShadow

COUNT, SIZE = 3, (60, 80)
OTHER = {"sbu_shadow": "test", "lip": "val", "nyuv2": "test", "lfw_parts": "val"}
READERS = {"sbu_shadow": SBUShadow, "lip": LIP, "nyuv2": NYUv2, "lfw_parts": LFWParts}
MODULES = {"sbu_shadow": sbu_shadow, "lip": lip, "nyuv2": nyuv2, "lfw_parts": lfw_parts}


def harbour(split: str) -> Harbour:
    return Harbour(split, count=COUNT, size=SIZE, rarity=0.8)


def opened(name: str, root, split: str, **more):
    if name == "lfw_parts":
        more["validation"] = COUNT
    return READERS[name](root, split, **more)


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """Every set with two splits, never written to."""
    roots = {}
    for name, other in OTHER.items():
        roots[name] = tmp_path_factory.mktemp(name)
        for split in ("train", other):
            export(harbour(split), roots[name], name)
    return roots


@pytest.fixture
def made(tmp_path):
    """Write one set anew, to be damaged."""

    def make(name: str):
        for split in ("train", OTHER[name]):
            export(harbour(split), tmp_path, name)
        return tmp_path

    return make


def expected(name: str, scene) -> np.ndarray:
    """What the set's files can say of a scene."""
    kind = scene.class_map.astype(int)
    if name == "sbu_shadow":  # things or not, no void
        return (scene.instance_map > 0).astype(int)
    if name == "lfw_parts":  # 3 groups of ids
        group = np.select([kind >= 6, kind >= 2], [0, 1], 2)
        return np.where(kind == 255, 255, group)
    return kind


@pytest.mark.parametrize("name", READERS)
def test_every_map_comes_back(name, exports):
    for split in ("train", OTHER[name]):
        dataset, world = opened(name, exports[name], split), harbour(split)
        assert len(dataset) == COUNT and dataset.name == name == dataset.classes.name
        assert dataset.split == split and dataset.classes is MODULES[name].CLASSES
        for i, (image, mask) in enumerate(dataset):
            scene = world.scene(i)
            assert image.dtype == torch.uint8 and image.shape == (3, *SIZE)
            drawn = scene.image.transpose(2, 0, 1).astype(int)
            assert np.abs(image.numpy() - drawn).mean() < 8  # JPEG
            assert mask.dtype == torch.int64
            np.testing.assert_array_equal(mask, expected(name, scene))


@pytest.mark.parametrize("name", READERS)
def test_the_checker_passes_and_the_transform_is_joint(name, exports):
    dataset = opened(name, exports[name], "train")
    report = check_labels(dataset, dataset.classes.num_classes)
    assert report.pictures == COUNT and report.sizes == {SIZE: COUNT}
    assert (report.void == 0) == (name == "sbu_shadow")
    dataset.transform = lambda image, mask: (image.flip(-1), mask.flip(-1))
    assert torch.equal(dataset[0][1].flip(-1), dataset.labels(0))


@pytest.mark.parametrize("name", READERS)
def test_an_empty_folder_shows_the_expected_tree(name, tmp_path):
    tree = source(name).tree
    message = told(lambda: opened(name, tmp_path, "train"))
    assert f"{len(tree)} of {len(tree)} entries are missing" in message
    assert re.findall(r"MISSING  (\S+)", message) == list(tree)
    assert told(lambda: opened(name, tmp_path, "tset")).startswith(
        f"{name} has no split 'tset'; it has train, {OTHER[name]}"
    )


@pytest.mark.parametrize("table", [m.CLASSES for m in MODULES.values()] + [lip.ATR])
def test_colours_are_told_apart(table):
    colours = {*table.palette, VOID_COLOUR}
    assert len(colours) == table.num_classes + 1
    assert len(set(table.names)) == table.num_classes


def test_the_colours_of_rooms_differ_well():
    """At least 22 units of CIELAB, from each other and from void."""
    colours = torch.tensor([*nyuv2.CLASSES.palette, VOID_COLOUR])
    lab = torch.from_numpy(rgb2lab(colours[None].numpy() / 255))[0]
    apart = torch.cdist(lab, lab) + 100 * torch.eye(len(lab))
    assert apart.min() > 22


def test_the_order_of_the_ids():
    assert sbu_shadow.CLASSES.names == ("lit", "shadow")
    assert lfw_parts.CLASSES.names == ("hair", "skin", "background")
    rooms, people = nyuv2.CLASSES, lip.CLASSES
    assert (rooms.num_classes, people.num_classes, lip.ATR.num_classes) == (13, 20, 18)
    assert [rooms.index(n) for n in ("bed", "floor", "sofa", "window")] == [0, 4, 8, 12]
    assert [people.index(n) for n in ("hair", "coat", "face", "right shoe")] == [
        2, 7, 13, 19
    ]  # fmt: skip


# SBU shadow


def test_shadow_is_one_and_never_void(exports):
    dataset = opened("sbu_shadow", exports["sbu_shadow"], "test")
    path = dataset.pairs[0][1]
    assert read_labels(path).unique().tolist() == [0, 255]
    assert dataset.labels(0).unique().tolist() == [0, 1]
    assert torch.equal(dataset.labels(0) == 1, read_labels(path) == 255)


def test_pictures_without_a_mask_are_named(made):
    root = made("sbu_shadow")
    masks = sorted((root / "SBU-Test/ShadowMasks").iterdir())
    masks[1].unlink()
    dataset = SBUShadow(root, "test")
    assert len(dataset) == COUNT - 1
    assert [path.stem for path in dataset.unlabelled] == [masks[1].stem]
    for path in (masks[0], masks[2]):
        path.rename(path.with_stem("x" + path.stem))
    assert "SBU-Test has a mask of its name" in told(lambda: SBUShadow(root, "test"))


def test_other_greys_are_found_by_the_checker(made):
    root = made("sbu_shadow")
    path = sorted((root / "SBU-Test/ShadowMasks").iterdir())[0]
    Image.fromarray(np.full(SIZE, 128, np.uint8)).save(path)
    dataset = SBUShadow(root, "test")
    assert told(lambda: check_labels(dataset, 2)).startswith(f"{path} holds the id 128")


# LIP


def test_lip_in_the_order_of_its_list(made):
    root = made("lip")
    path = root / "TrainVal_images/val_id.txt"
    names = path.read_text().split()
    path.write_text("".join(f"{name}\n" for name in reversed(names)))
    dataset = LIP(root, "val")
    assert [labels.stem for _, labels in dataset.pairs] == names[::-1]
    path.write_text("77_1\n")
    assert told(lambda: LIP(root, "val")).startswith(f"{path} names 77_1, which ")


def test_lip_keeps_left_and_right_apart():
    left = [name for name in lip.CLASSES.names if name.startswith("left")]
    assert left == ["left arm", "left leg", "left shoe"]
    for table in (lip.CLASSES, lip.ATR):
        for name in table.names:
            if name.startswith("left"):
                assert name.replace("left", "right") in table.names


@pytest.mark.real
@pytest.mark.parametrize("name, table, ids", [
    ("lip", lip.CLASSES, [0, 2, 5, 7, 13, 14, 15]),
    ("atr", lip.ATR, [0, 2, 4, 6, 10, 11, 15, 16]),
])  # fmt: skip
def test_real_palettes_are_those_of_the_tables(name, table, ids, real_data):
    path = real_data / "lip_sample" / f"demo_{name}.png"
    palette = np.reshape(Image.open(path).getpalette(), (-1, 3))
    assert [tuple(c) for c in palette[: table.num_classes]] == list(table.palette)
    mask = read_labels(path)
    assert mask.unique().tolist() == ids and max(ids) < table.num_classes


@pytest.mark.real
def test_both_tables_name_one_picture_alike(real_data):
    """The nets of the two sets agree on hair, face and what is neither."""
    maps = {
        name: read_labels(real_data / "lip_sample" / f"demo_{name}.png")
        for name in ("lip", "atr")
    }
    for name in ("background", "hair", "face"):
        a, b = (maps[k] == table.index(name)
                for k, table in (("lip", lip.CLASSES), ("atr", lip.ATR)))  # fmt: skip
        assert (a & b).sum() / (a | b).sum() > 0.5, name


# NYUv2


def test_rooms_are_paired_by_number_and_zero_is_void(exports):
    dataset = opened("nyuv2", exports["nyuv2"], "train")
    assert [(a.name, b.name) for a, b in dataset.pairs[:2]] == [
        (f"nyu_rgb_{n:04d}.png", f"new_nyu_class13_{n:04d}.png") for n in (1, 2)
    ]
    written, mask = read_labels(dataset.pairs[0][1]), dataset.labels(0)
    assert (written == 0).any() and torch.equal(mask == 255, written == 0)
    assert torch.equal(mask[written > 0], written[written > 0] - 1)


def test_an_id_of_forty_classes_is_found_by_the_checker(made):
    root = made("nyuv2")
    path = root / "train/annotations/new_nyu_class13_0001.png"
    Image.fromarray(np.full(SIZE, 14, np.uint8)).save(path)
    dataset = NYUv2(root)
    assert told(lambda: check_labels(dataset, 13)).startswith(f"{path} holds the id 13")


def test_rooms_without_a_partner(made):
    root = made("nyuv2")
    (root / "test/annotations/new_nyu_class13_0002.png").unlink()
    path = root / "test/images/nyu_rgb_0002.png"
    assert told(lambda: NYUv2(root, "test")).startswith(
        f"{path} has no partner with the number 2 (1 such); run "
    )
    path.rename(path.with_stem("room"))
    assert "room.png has no number at its end" in told(lambda: NYUv2(root, "test"))


# LFW parts


def test_the_first_by_name_are_for_validation(exports):
    root = exports["lfw_parts"]
    names = sorted(p.stem for p in (root / lfw_parts.LABELS).iterdir())
    val, train = (LFWParts(root, s, validation=2) for s in ("val", "train"))
    assert [p.stem for _, p in val.pairs + train.pairs] == names and len(val) == 2
    assert all(a.stem == b.stem == a.parent.name + b.stem[-5:] for a, b in val.pairs)
    assert "holds 6 label pictures, of which 200 should" in told(lambda: LFWParts(root))


def test_red_hair_green_skin_blue_background_black_void(made):
    root = made("lfw_parts")
    dataset = LFWParts(root, validation=COUNT)
    colours = [[(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)]]
    path = dataset.pairs[0][1]
    Image.fromarray(np.array(colours, np.uint8)).save(path)
    assert dataset.labels(0).tolist() == [[0, 1, 2, 255]]
    assert path.suffix == ".ppm" and "but its picture" in told(lambda: dataset[0])
    Image.fromarray(np.array([[(255, 255, 0)]], np.uint8)).save(path)
    assert "(255, 255, 0) belongs to no class" in told(lambda: dataset.labels(0))
    dataset.pairs[0][0].unlink()
    again = told(lambda: LFWParts(root, validation=COUNT))
    assert again.startswith(f"{path} has no picture ")


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6, unique=True))
def test_numbers_are_found_whatever_stands_before_them(numbers):
    with tempfile.TemporaryDirectory() as folder:
        for n in numbers:
            Image.new("L", (1, 1)).save(Path(folder) / f"nyu_2_class13_{n}.png")
        assert list(nyuv2.by_number(Path(folder))) == sorted(numbers)


def test_voc_gives_lip_its_colours():
    assert lip.CLASSES.palette == VOC.palette[:20] and lip.CLASSES.num_classes == 20
