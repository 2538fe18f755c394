"""VOC's XML: read, written, refused."""

import pytest
from format_cases import lossy, pictures, same, slack_of
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data.formats.annotated import Annotated, Thing
from course_lib.data.formats.voc_xml import read_voc_xml, whole_pixels, write_voc_xml
from course_lib.data.harbour import Harbour, export
from course_lib.errors import InputError

DOG = """<annotation><folder>VOC2012</folder><filename>dog.jpg</filename>
<size><width>40</width><height>30</height><depth>3</depth></size>
<object><name>dog</name><pose>Left</pose><truncated>1</truncated>
<difficult>0</difficult><bndbox><xmin>1</xmin><ymin>3</ymin><xmax>2</xmax>
<ymax>30</ymax></bndbox><part><name>head</name><bndbox><xmin>1</xmin><ymin>3</ymin>
<xmax>2</xmax><ymax>4</ymax></bndbox></part></object>
<object><bndbox><ymax>9.5</ymax><ymin>7</ymin><xmax>20</xmax><xmin>11</xmin></bndbox>
<name> person </name><difficult>1</difficult></object></annotation>"""


def read(tmp_path, text, **how):
    (tmp_path / "dog.xml").write_text(text, encoding="utf-8")
    return read_voc_xml(tmp_path / "dog.xml", **how)


def told(tmp_path, text) -> str:
    with pytest.raises(InputError, match="dog.xml") as error:
        read(tmp_path, text)
    return str(error.value)


def test_the_first_two_columns_are_xmin_1_xmax_2(tmp_path):
    picture = read(tmp_path, DOG)
    assert (picture.file, picture.width, picture.height) == ("dog.jpg", 40, 30)
    assert picture.things == (
        Thing("dog", (0, 2, 2, 30), truncated=True),
        Thing("person", (10, 6, 20, 9.5), difficult=True),
    )
    from_zero = read(tmp_path, DOG, first_pixel=0)
    assert from_zero.things[0].box == (1, 3, 2, 30)


@given(picture=pictures())
@settings(max_examples=60, deadline=None)
def test_written_boxes_come_back_in_whole_pixels(tmp_path_factory, picture):
    path = tmp_path_factory.mktemp("voc") / "a.xml"
    write_voc_xml(path, picture)
    again = read_voc_xml(path)
    left = lossy(picture, "voc")
    same(again, left, slack_of("voc", left))
    assert again.file == "a.png"
    write_voc_xml(path, again)
    assert read_voc_xml(path) == again


@given(st.floats(0, 100), st.floats(0.001, 100))
def test_whole_pixels_are_near_and_never_empty(low, side):
    first, last = whole_pixels(low, low + side)
    assert last > first
    assert abs(first - low) < 1 and abs(last - low - side) < 1
    if side >= 1:
        assert abs(first - low) <= 0.5 and abs(last - low - side) <= 0.5


@pytest.mark.parametrize(
    "old, new, sentence",
    [
        ("<xmin>1<", "<xmin>nan<", "object 1: box nan 2 2 30 (x1 y1 x2 y2) is not fin"),
        ("<xmax>2<", "<xmax>inf<", "is not finite"),
        ("<xmax>2<", "<xmax>0<", "object 1: box 0 2 0 30 (x1 y1 x2 y2) has no area"),
        ("<ymax>30<", "<ymax>32<", "not lie in its picture of 40 x 30"),
        ("<xmin>11<", "<xmin>-3<", "object 2: box -4 6 20 9.5"),
        ("<ymax>30</ymax>", "", "object 1: lacks 'bndbox/ymax'"),
        ("<xmin>1<", "<xmin>one<", "object 1: could not convert"),
        ("<name>dog</name>", "", "object 1: lacks 'name'"),
        ("<width>40<", "<width>0<", "<size>: a picture of 0 x 30"),
        ("<width>40<", "<width>1e9<", "a picture of 1e9 x 30"),
        ("<height>30</height>", "", "lacks 'size/height'"),
        ("</annotation>", "", "is no XML"),
        ("annotation", "labels", "is <labels>, not <annotation>"),
    ],
)
def test_what_is_wrong_is_told_by_file_and_object(tmp_path, old, new, sentence):
    assert sentence in told(tmp_path, DOG.replace(old, new))


def test_a_box_is_cut_at_the_rim_if_it_is_a_pixel_beyond(tmp_path):
    text = DOG.replace("<ymax>30<", "<ymax>31<").replace("<xmin>1<", "<xmin>0<")
    assert read(tmp_path, text).things[0].box == (0, 2, 2, 30)


def test_faulty_objects_can_be_left_out(tmp_path):
    faults = []
    picture = read(tmp_path, DOG.replace("<xmax>2<", "<xmax>0<"), faults=faults)
    assert [thing.name for thing in picture.things] == ["person"]
    assert len(faults) == 1 and "object 1" in faults[0]


BOMB = "".join(f'<!ENTITY a{i + 1} "{f"&a{i};" * 10}">' for i in range(9))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "entity, use",
    [
        (f'<!ENTITY a0 "ha">{BOMB}', "&a9;"),
        ('<!ENTITY a SYSTEM "file:///etc/hostname">', "&a;"),
        ('<!ENTITY % a SYSTEM "http://localhost:9/a.dtd"> %a;', "dog"),
    ],
)
def test_entities_are_refused_before_they_are_read(tmp_path, entity, use, encoding):
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    text = f"{head}<!DOCTYPE annotation [{entity}]>{DOG.replace('dog<', f'{use}<')}"
    (tmp_path / "dog.xml").write_bytes(text.encode(encoding))
    with pytest.raises(InputError, match="dog.xml is no XML .it has a DOCTYPE"):
        read_voc_xml(tmp_path / "dog.xml")


def test_a_missing_and_a_huge_file_are_refused(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        read_voc_xml(tmp_path / "dog.xml")
    with (tmp_path / "dog.xml").open("wb") as file:
        file.truncate(10_000_001)
    with pytest.raises(InputError, match="10,000,001 bytes, more than 10,000,000"):
        read_voc_xml(tmp_path / "dog.xml")


@given(st.integers(0, len(DOG)), st.integers(0, 20), st.binary(max_size=4))
@settings(max_examples=200, deadline=None)
def test_any_damage_is_a_picture_or_an_input_error(tmp_path_factory, at, gap, put):
    path = tmp_path_factory.getbasetemp() / "dog.xml"
    data = DOG.encode()
    path.write_bytes(data[:at] + put + data[at + gap :])
    try:
        picture = read_voc_xml(path)
    except InputError as error:
        assert "dog.xml" in str(error)
    else:
        for thing in picture.things:
            x1, y1, x2, y2 = thing.box
            assert 0 <= x1 < x2 <= picture.width and 0 <= y1 < y2 <= picture.height


def test_names_with_brackets_and_a_crowd(tmp_path):
    crowd = Thing("<a> & 'b'", (0, 0, 3, 3), crowd=True)
    write_voc_xml(tmp_path / "a.xml", Annotated("ü.png", 5, 5, (crowd,)), "mine", True)
    again = read_voc_xml(tmp_path / "a.xml")
    assert again.file == "ü.png"
    assert again.things == (Thing("<a> & 'b'", (0, 0, 3, 3), difficult=True),)
    text = (tmp_path / "a.xml").read_text(encoding="utf-8")
    assert "<folder>mine</folder>" in text and "<segmented>1</segmented>" in text


def test_an_export_of_the_harbour_comes_back_exactly(tmp_path):
    world = Harbour("val", 3, task="detection")
    export(world, tmp_path, "voc")
    for i in range(3):
        picture = read_voc_xml(tmp_path / f"Annotations/{world.file(i)}.xml")
        truth = world[i][1]
        assert [list(t.box) for t in picture.things] == truth["boxes"].tolist()
        names = [world.classes.names[k] for k in truth["labels"].tolist()]
        assert [t.name for t in picture.things] == names


@pytest.mark.real
def test_the_xml_that_labelme_wrote(real_data):
    folder = real_data / "voc_sample/labelme/Annotations"
    found = [read_voc_xml(path, first_pixel=0) for path in sorted(folder.iterdir())]
    counts = [len(picture.things) for picture in found]
    assert counts == [2, 4, 3]
    assert found[0].things[0].box == (
        191.0,
        107.36900369003689,
        313,
        329.36900369003695,
    )
    assert {thing.name for p in found for thing in p.things} == {"person", "bus", "car"}
