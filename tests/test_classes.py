"""Class tables, against the sources of their names and colours."""

import csv

import pytest
import torch

from course_lib.data import classes
from course_lib.errors import InputError

VOC_FIRST = [
    (0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128),
    (0, 128, 128), (128, 128, 128), (64, 0, 0), (192, 0, 0), (64, 128, 0),
    (192, 128, 0), (64, 0, 128), (192, 0, 128), (64, 128, 128), (192, 128, 128),
    (0, 64, 0), (128, 64, 0), (0, 192, 0), (128, 192, 0), (0, 64, 128),
]  # fmt: skip


def test_the_voc_palette_by_bit_shift_is_the_published_one():
    assert list(classes.voc_palette(21)) == VOC_FIRST
    assert classes.voc_palette()[255] == classes.VOID_COLOUR
    assert len(set(classes.voc_palette())) == 256


@pytest.mark.parametrize("table", classes.TABLES.values(), ids=lambda t: t.name)
def test_every_table_has_distinct_names_and_colours(table):
    assert len(set(table.names)) == table.num_classes
    twins = 1 if table.name == "ade20k" else 0  # road and skyscraper, in the original
    assert len(set(table.palette)) == table.num_classes - twins
    assert classes.class_table(table.name) is table
    assert [table.index(name) for name in table.names] == [*range(table.num_classes)]


def test_numbers_of_classes():
    counts = {name: table.num_classes for name, table in classes.TABLES.items()}
    assert counts == {
        "harbour": 12, "camvid": 11, "voc": 21, "ade20k": 150, "cityscapes": 19,
        "coco": 80, "endovis_parts": 4, "endovis_binary": 2, "endovis_types": 7,
    }  # fmt: skip


def test_known_ids_and_colours():
    assert classes.HARBOUR.index("water") == 2 and classes.HARBOUR.index("buoy") == 11
    sky = classes.CITYSCAPES.index("sky")
    assert classes.CITYSCAPES.palette[sky] == (70, 130, 180)
    assert classes.VOC.index("person") == 15 and classes.COCO.index("person") == 0
    sky = classes.ADE20K.index("sky")
    assert sky == 2 and classes.ADE20K.palette[sky] == (6, 230, 230)


def test_colour_map_has_256_rows_and_void():
    colours = classes.CAMVID.colour_map()
    assert colours.shape == (256, 3) and colours.dtype == torch.uint8
    assert tuple(colours[255].tolist()) == (224, 224, 192)
    assert colours[3].tolist() == [128, 64, 128] and colours[11:255].sum() == 0


def test_harbour_colours_differ_in_lightness():
    from skimage.color import rgb2lab

    lab = rgb2lab(classes.HARBOUR.colour_map()[:12].numpy()[None] / 255)[0]
    lightness = sorted(lab[:, 0])
    assert min(b - a for a, b in zip(lightness, lightness[1:], strict=False)) > 3


def test_unknown_names_list_the_known():
    with pytest.raises(InputError, match="no class table 'citiscapes'; there are har"):
        classes.class_table("citiscapes")
    with pytest.raises(InputError, match="no class 'ship' in harbour; it has backgr"):
        classes.HARBOUR.index("ship")
    with pytest.raises(InputError, match="2 names and 1 colours; give one colour"):
        classes.ClassTable("two", ("a", "b"), ((0, 0, 0),))


@pytest.mark.real
def test_camvid_equals_its_own_list(real_data):
    with (real_data / "camvid" / "classes.csv").open() as file:
        rows = list(csv.DictReader(file))[:11]
    names = [row["name"].lower().replace("signs", "sign s") for row in rows]
    colours = [(int(r["red"]), int(r["green"]), int(r["blue"])) for r in rows]
    assert names == list(classes.CAMVID.names)
    assert colours == list(classes.CAMVID.palette)


@pytest.mark.real
def test_ade20k_has_the_first_name_of_every_class(real_data):
    with (real_data / "ade20k" / "objectInfo150.csv").open() as file:
        synonyms = [row["Name"].split(";") for row in csv.DictReader(file)]
    for name, known in zip(classes.ADE20K.names, synonyms, strict=True):
        assert set(name.split()) <= set(" ".join(known).split()), name
