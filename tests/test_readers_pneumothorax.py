"""SIIM-ACR pneumothorax and DICOM: pictures, masks of several rows, splits, damage."""

import io

import numpy as np
import pydicom
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom import encaps, uid
from told import told

from course_lib.data.checker import check_labels
from course_lib.data.dicom import dicom_size, read_dicom
from course_lib.data.harbour import Harbour, export
from course_lib.data.harbour.layouts.pneumothorax import dicom_of
from course_lib.data.readers.pneumothorax import Pneumothorax, read_table, split_names
from course_lib.errors import InputError

RAMP = np.arange(256, dtype=np.uint8).reshape(8, 32)
SIZE = (60, 80)


def dicom(path, values, syntax=uid.ExplicitVRLittleEndian, **fields):
    """Write grey values as a DICOM file, with some fields of its header changed."""
    header = dicom_of(np.asarray(values), "1.2.1", "1.2.2", "1.2.3")
    for name, value in fields.items():
        setattr(header, name, value)
    header.file_meta.TransferSyntaxUID = syntax
    if syntax == uid.ExplicitVRBigEndian and header.BitsAllocated == 16:
        header.PixelData = np.asarray(values).astype(">u2").tobytes()
    header.save_as(path, enforce_file_format=True)
    return path


def grey(path) -> np.ndarray:
    image = read_dicom(path)
    assert image.dtype == torch.uint8 and image.shape[0] == 3
    assert torch.equal(image[0], image[1]) and torch.equal(image[0], image[2])
    return image[0].numpy()


# DICOM


@pytest.mark.parametrize(
    "syntax",
    [
        uid.ExplicitVRLittleEndian,
        uid.ImplicitVRLittleEndian,
        uid.ExplicitVRBigEndian,
        uid.DeflatedExplicitVRLittleEndian,
    ],
)
def test_8_and_16_bits_in_every_plain_syntax(tmp_path, syntax):
    path = dicom(tmp_path / "a.dcm", RAMP, syntax)
    assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == syntax
    np.testing.assert_array_equal(grey(path), RAMP)
    assert dicom_size(path) == (8, 32)
    path = dicom(tmp_path / "b.dcm", RAMP.astype(np.uint16) * 257, syntax)
    np.testing.assert_array_equal(grey(path), RAMP)


def test_an_odd_number_of_bytes(tmp_path):
    values = np.arange(15, dtype=np.uint8).reshape(3, 5)
    np.testing.assert_array_equal(grey(dicom(tmp_path / "a.dcm", values)), values)


@pytest.mark.parametrize("dtype, step", [(np.uint8, 1), (np.uint16, 257)])
def test_white_first(tmp_path, dtype, step):
    values = RAMP.astype(dtype) * step
    path = dicom(tmp_path / "a.dcm", values, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(grey(path), 255 - RAMP)


def test_12_bits_go_from_black_to_white(tmp_path):
    values = np.array([[0, 4095, 2048, 16]], np.uint16)
    path = dicom(tmp_path / "a.dcm", values, BitsStored=12, HighBit=11)
    assert grey(path).tolist() == [[0, 255, 128, 1]]  # 255 / 4095 of each, rounded


def test_a_rescaled_line_and_signed_values(tmp_path):
    values = np.array([[-2048, 2047, 0]], np.int16).view(np.uint16)
    how = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 1}
    line = {"RescaleSlope": "2", "RescaleIntercept": "-100"}
    for fields in (how, how | line):
        path = dicom(tmp_path / "a.dcm", values, **fields)
        assert grey(path).tolist() == [[0, 255, 128]]
    path = dicom(tmp_path / "a.dcm", values, **how, **{**line, "RescaleSlope": "-2"})
    assert grey(path).tolist() == [[255, 0, 127]]


def test_a_window(tmp_path):
    # DICOM PS3.3 C.11.2.1.2.1, centre 128.5, width 101: black to 78, white from 178
    window = {"WindowCenter": "128.5", "WindowWidth": "101"}
    by_hand = ((RAMP - 128.0) / 100 + 0.5).clip(0, 1) * 255
    shown = grey(dicom(tmp_path / "a.dcm", RAMP, **window))
    np.testing.assert_array_equal(shown, by_hand.round())
    assert (shown.ravel()[[78, 128, 178]] == [0, 128, 255]).all()
    two = {"WindowCenter": ["128.5", "9"], "WindowWidth": ["101", "9"]}  # first counts
    np.testing.assert_array_equal(grey(dicom(tmp_path / "b.dcm", RAMP, **two)), shown)
    white_first = {"PhotometricInterpretation": "MONOCHROME1"}
    path = dicom(tmp_path / "c.dcm", RAMP, **window, **white_first)
    np.testing.assert_allclose(grey(path), 255 - shown.astype(int), atol=1)
    rescaled = {"RescaleSlope": "4", "RescaleIntercept": "-1000",
                "WindowCenter": "-486", "WindowWidth": "401"}  # fmt: skip
    path = dicom(tmp_path / "d.dcm", RAMP, **rescaled)
    by_hand = ((RAMP * 4.0 - 1000 + 486.5) / 400 + 0.5).clip(0, 1) * 255
    np.testing.assert_allclose(grey(path), by_hand, atol=0.51)


def test_jpeg_inside(tmp_path):
    picture = Image.fromarray(np.kron(RAMP, np.ones((4, 4), np.uint8)))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=95)
    path = dicom(
        tmp_path / "a.dcm",
        np.asarray(picture),
        uid.JPEGBaseline8Bit,
        PixelData=encaps.encapsulate([file.getvalue()]),
    )
    np.testing.assert_array_equal(grey(path), np.asarray(Image.open(file)))
    assert dicom_size(path) == (32, 128)


def test_run_lengths_inside(tmp_path):
    header = dicom_of(RAMP, "1.2.1", "1.2.2", "1.2.3")
    header.compress(uid.RLELossless)
    header.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    np.testing.assert_array_equal(grey(tmp_path / "a.dcm"), RAMP)


def test_a_compression_nothing_undoes(tmp_path):
    inside = {"PixelData": encaps.encapsulate([b"\xff\xd8\xff\xf7"])}
    path = dicom(tmp_path / "a.dcm", RAMP, uid.JPEGLSLossless, **inside)
    assert told(lambda: read_dicom(path)) == (
        f"{path} is compressed as JPEG-LS Lossless Image Compression, which nothing "
        "installed undoes; run `pip install pylibjpeg[all]`, or save it uncompressed"
    )
    path = dicom(tmp_path / "b.dcm", RAMP, uid.MPEG2MPML, **inside)
    assert "is compressed as MPEG2 Main Profile" in told(lambda: read_dicom(path))
    assert dicom_size(path) == (8, 32)


@pytest.mark.parametrize(
    "fields, sentence",
    [
        ({"PhotometricInterpretation": "RGB"}, "is RGB; give a grey picture, MONO"),
        ({"NumberOfFrames": 3}, "holds 3 frames; give one picture a file"),
        ({"Rows": 0}, "says its picture is 32x0; copy or download it again"),
        ({"Rows": 65535, "Columns": 65535}, "says its picture is 65535x65535; copy"),
    ],
)
def test_headers_that_cannot_be_shown(tmp_path, fields, sentence):
    path = dicom(tmp_path / "a.dcm", RAMP, **fields)
    for read in (read_dicom, dicom_size):
        assert told(lambda: read(path)).startswith(f"{path} {sentence}")  # noqa: B023


def test_pixels_that_are_not_all_there(tmp_path):
    for fields in ({"Rows": 9}, {"BitsAllocated": 16}):
        path = dicom(tmp_path / "a.dcm", RAMP, **fields)
        message = told(lambda: read_dicom(path))  # noqa: B023
        assert message.startswith(f"the pixels of {path} cannot be read (")
        assert message.endswith("); copy or download it again")


def test_files_that_are_none(tmp_path):
    path = tmp_path / "a.dcm"
    assert told(lambda: read_dicom(path)).startswith(f"there is no file {path}; check")
    for content in (b"", b"\x89PNG\r\n", b"\0" * 200):
        path.write_bytes(content)
        message = told(lambda: read_dicom(path))
        assert message.startswith(f"{path} is no DICOM file, or a damaged one (")
    path.write_bytes(b"\0" * 128 + b"DICM")  # a header of nothing
    assert told(lambda: read_dicom(path)) == (
        f"{path} says its picture is 0x0; copy or download it again"
    )


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_files_give_a_picture_or_a_sentence(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.dcm"
    window = {"WindowCenter": "128", "WindowWidth": "100"}
    content = bytearray(dicom(path, RAMP, **window).read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(132, len(content) - 1))] = data.draw(
            st.integers(0, 255)
        )
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        image = read_dicom(path)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert image.shape[0] == 3 and image.shape[1:] == dicom_size(path)


# the harbour


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    root = tmp_path_factory.mktemp("pneumothorax")
    for split, count in (("train", 6), ("val", 4)):
        export(
            Harbour(split, count=count, size=SIZE, rarity=0.15), root, "pneumothorax"
        )
    return root


def test_the_export_comes_back(exported):
    truth = [
        harbour.scene(i)
        for harbour in (
            Harbour("val", count=4, size=SIZE, rarity=0.15),
            Harbour("train", count=6, size=SIZE, rarity=0.15),
        )
        for i in range(len(harbour))
    ]
    buoys = [int((scene.labels == 11).sum()) for scene in truth]
    assert 0 in buoys[:4] and 0 in buoys[4:] and max(buoys) > 1  # all cases are there
    with_any = sum(map(bool, buoys[:4]))
    held_out = (with_any, 4 - with_any)
    for split, scenes in (("val", truth[:4]), ("train", truth[4:])):
        dataset = Pneumothorax(exported, split, held_out=held_out)
        assert len(dataset) == len(scenes)
        for (image, mask), scene in zip(dataset, scenes, strict=True):
            expected = np.asarray(Image.fromarray(scene.image).convert("L"))
            np.testing.assert_array_equal(image, np.stack([expected] * 3))
            inside = (scene.class_map == 11) & (scene.instance_map > 0)
            np.testing.assert_array_equal(mask, inside)
            assert mask.dtype == torch.int64
        report = check_labels(dataset, 2)
        assert report.sizes == {SIZE: len(scenes)}


def test_a_split_exported_again_replaces_its_rows(exported):
    table = exported / "train-rle.csv"
    before = table.read_text()
    assert before.startswith("ImageId, EncodedPixels\n")
    val = Harbour("val", count=4, size=SIZE, rarity=0.15)
    export(val, exported, "pneumothorax")
    assert table.read_text() == before
    files = list(exported.glob("dicom-images-train/*/*/*.dcm"))
    assert len(files) == 10
    for path in files:
        header = pydicom.dcmread(path)
        names = (header.StudyInstanceUID, header.SeriesInstanceUID)
        assert path.parts[-3:] == (*names, f"{header.SOPInstanceUID}.dcm")


# the table


def write_table(folder, rows):
    path = folder / "train-rle.csv"
    path.write_text("".join(f"{row}\n" for row in ("ImageId, EncodedPixels", *rows)))
    return path


def test_the_splits_of_the_real_table(tmp_path):
    """2379 pictures with a mask and 8296 without, as counted in the original."""
    rows = [f"p{i}, 1 2" for i in range(2379)] + [f"n{i}, -1" for i in range(8296)]
    rows += [f"p{i}, 7 1" for i in range(0, 2379, 3)]  # second rows of old pictures
    np.random.default_rng(0).shuffle(rows)
    codes = read_table(write_table(tmp_path, rows))
    assert len(codes) == 10_675 and sum(map(bool, codes.values())) == 2379
    assert sum(map(len, codes.values())) == 2379 + 793
    splits = split_names(codes)
    val, train = splits["val"], splits["train"]
    assert (len(train), len(val)) == (10_175, 500)
    assert not set(train) & set(val)  # no picture of several rows is in both
    kinds = [sum(name[0] == "p" for name in names) for names in (train, val)]
    assert kinds == [2129, 250]
    order = list(dict.fromkeys(row.split(",")[0] for row in rows))
    for kind in "pn":
        first = [name for name in order if name[0] == kind][:250]
        assert [name for name in val if name[0] == kind] == first
    held_out = set(val)
    assert [name for name in order if name not in held_out] == train


@pytest.fixture
def one(tmp_path):
    """One picture of 4x3 whose mask is told in two rows."""
    path = tmp_path / "dicom-images-train" / "s" / "t" / "x.dcm"
    path.parent.mkdir(parents=True)
    dicom(path, np.zeros((3, 4), np.uint8))
    write_table(tmp_path, ["x, 4 2", "x, 0 1"])
    return tmp_path


def test_rows_of_one_picture_are_laid_together(one):
    dataset = Pneumothorax(one, held_out=(0, 0))
    assert dataset[0][1].tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0]]
    assert len(dataset) == 1 and dataset.file(0) == f"{one / 'train-rle.csv'}, x"
    write_table(one, ["x, -1", "x, -1"])
    assert not Pneumothorax(one, held_out=(0, 0))[0][1].any()


def test_tables_that_are_wrong(one):
    def opened():
        return Pneumothorax(one, held_out=(0, 0))

    table = write_table(one, ["x, 4 99"])
    assert told(lambda: opened()[0]) == (
        f"{table}, x: these run lengths of kind siim leave the 4x3 picture by 91 "
        "pixels; give the size (height, width) of the picture they belong to"
    )
    write_table(one, ["x, 4 2", "x, -1"])
    assert told(opened) == (
        f"{table} has a mask for x and -1, no mask; keep one of them"
    )
    write_table(one, ["x,"])
    assert told(opened) == (
        f"{table} has a row ['x', ''] without its two cells; get it again"
    )
    write_table(one, ["x, 4 2", "y, -1"])
    assert told(opened) == (
        f"{table} names y, which dicom-images-train does not hold (1 such of 2); get "
        "the data set again"
    )
    table.write_text("id,mask\nx,1 2\n")
    assert told(opened).endswith("not begin with ImageId, EncodedPixels; get it again")
    write_table(one, ["x, 4 2"])
    assert told(lambda: Pneumothorax(one)) == (
        f"{table} leaves no picture for train; val takes the first 250 with and 250 "
        "without a mask (held_out)"
    )
    assert told(lambda: Pneumothorax(one, "test")) == (
        "pneumothorax has no split 'test'; it has train, val"
    )
    table.unlink()
    assert "MISSING  train-rle.csv" in told(lambda: Pneumothorax(one))


@given(st.binary(max_size=60))
def test_any_table_is_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(b"ImageId, EncodedPixels\n" + content)
    try:
        codes = read_table(path)
    except InputError:
        return
    assert all(name for name in codes)
