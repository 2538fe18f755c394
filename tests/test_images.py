"""Pictures of every kind, good and bad, each with its treatment or its sentence."""

import re
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib.data.classes import ADE20K, CAMVID, HARBOUR
from course_lib.data.images import (
    colour_to_index,
    picture_size,
    read_image,
    read_labels,
    write_labels,
)
from course_lib.errors import InputError


@pytest.fixture
def save(tmp_path):
    """Save a picture and give its path."""

    def save_it(picture, name="picture.png", **options):
        picture.save(tmp_path / name, **options)
        return tmp_path / name

    return save_it


def pixel(path) -> list[int]:
    image = read_image(path)
    assert image.dtype == torch.uint8 and image.shape[0] == 3
    return image[:, 0, 0].tolist()


def told(path, read=read_image) -> str:
    """The sentence a file ends in, the path left out."""
    with pytest.raises(InputError) as error:
        read(path)
    return str(error.value).replace(str(path), "FILE")


def grey_png(bits: int, row: bytes, width: int) -> bytes:
    """A grey PNG of one row, of any number of bits a pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        sum_ = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", sum_)

    header = struct.pack(">IIBBBBB", width, 1, bits, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body


# pictures


def test_rgb_is_read_as_it_is(save):
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    image = read_image(save(Image.fromarray(pixels)))
    assert image.shape == (3, 2, 3) and image.is_contiguous()
    assert (image.permute(1, 2, 0).numpy() == pixels).all()


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("L", 77, [77, 77, 77]),
        ("1", 1, [255, 255, 255]),
        ("LA", (0, 51), [204, 204, 204]),  # one fifth black over white
        ("RGBA", (255, 0, 0, 0), [255, 255, 255]),
        ("RGBA", (255, 0, 0, 255), [255, 0, 0]),
    ],
)
def test_grey_and_alpha(save, mode, colour, expected):
    assert pixel(save(Image.new(mode, (4, 3), colour))) == expected


def test_palette_pictures_show_their_colours(save):
    picture = Image.new("P", (4, 3), 1)
    picture.putpalette([9, 9, 9, 10, 20, 30])
    assert pixel(save(picture)) == [10, 20, 30]
    assert pixel(save(picture, transparency=1)) == [255, 255, 255]


def test_cmyk_jpeg(save):
    cyan = save(Image.new("CMYK", (16, 16), (255, 0, 0, 0)), "c.jpg", quality=100)
    assert pixel(cyan) == pytest.approx([0, 255, 255], abs=3)


def test_sixteen_bits_are_scaled_not_cut(save):
    for value, expected in ((0, 0), (257, 1), (32896, 128), (65535, 255)):
        picture = Image.fromarray(np.full((2, 2), value, np.uint16))
        assert pixel(save(picture)) == [expected] * 3
        assert pixel(save(picture, "picture.tif")) == [expected] * 3


def test_exif_rotation_is_carried_out(save):
    pixels = np.zeros((2, 4, 3), np.uint8)
    pixels[0, 0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    path = save(Image.fromarray(pixels), exif=exif)
    image = read_image(path)
    assert image.shape == (3, 4, 2) and picture_size(path) == (4, 2)
    assert image[0].nonzero().tolist() == [[0, 1]]


def test_one_pixel(save):
    assert read_image(save(Image.new("RGB", (1, 1)))).shape == (3, 1, 1)
    assert read_labels(save(Image.new("L", (1, 1), 3))).tolist() == [[3]]


def test_truncated(save):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for name in ("a.png", "a.jpg"):
        path = save(Image.fromarray(noise), name)
        path.write_bytes(path.read_bytes()[:2000])
        assert re.fullmatch(
            r"FILE is damaged or breaks off before its end \(.*\); copy or download "
            "it again",
            told(path),
        )


def test_cut_within_the_header(save):
    path = save(Image.new("RGB", (9, 9)))
    path.write_bytes(path.read_bytes()[:20])
    assert told(path).endswith("; copy or download it again")
    assert told(path, picture_size).endswith("; copy or download it again")


def test_files_that_are_no_pictures(tmp_path):
    path = tmp_path / "notes.png"
    assert told(path) == "there is no file FILE; check the name and the folder"
    path.write_text("")
    assert told(path) == "FILE is empty (0 bytes); copy or download it again"
    path.write_text("I am a letter")
    assert told(path) == (
        "FILE is not a picture; give a PNG, JPEG, TIFF, BMP, GIF or WebP file"
    )
    assert told(tmp_path) == "FILE is a folder; give one picture"


def test_values_of_unknown_range(save):
    floats = Image.fromarray(np.ones((2, 2), np.float32))
    assert told(save(floats, "f.tif")) == (
        "FILE holds floating-point values, whose range nobody can know; save it with "
        "8 or 16 bits"
    )
    whole = Image.fromarray(np.array([[-1, 70000]], np.int32))
    assert told(save(whole, "i.tif")) == (
        "FILE holds values from -1 to 70000; save it with 8 or 16 bits, 0 to 65535"
    )


def test_too_many_pixels(save, monkeypatch):
    path = save(Image.new("RGB", (40, 40)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 700)
    assert told(path) == (
        "FILE has more than 1,400 pixels; cut it into smaller pictures"
    )


# labels


def test_labels_are_indices_in_every_mode(save):
    ids = np.array([[0, 3, 255]], np.uint8)
    palette = Image.fromarray(ids)
    palette.putpalette([7] * 768)
    wide = Image.fromarray(ids.astype(np.uint16))
    wider = Image.fromarray(ids.astype(np.int32))
    for picture in (Image.fromarray(ids), palette, wide):
        assert read_labels(save(picture)).tolist() == [[0, 3, 255]]
    assert read_labels(save(wider, "a.tif")).tolist() == [[0, 3, 255]]


@pytest.mark.parametrize(
    ("bits", "row", "ids"),
    [(1, b"\x50", [0, 1, 0, 1]), (2, b"\x1b", [0, 1, 2, 3]), (4, b"\x3f", [3, 15])],
)
def test_labels_of_few_bits_are_not_spread(tmp_path, bits, row, ids):
    path = tmp_path / "few.png"
    path.write_bytes(grey_png(bits, row, len(ids)))
    assert read_labels(path).tolist() == [ids]


def test_labels_in_colours_are_refused(save):
    coloured = Image.new("RGB", (2, 2), (128, 0, 0))
    assert told(save(coloured), read_labels) == (
        "FILE is RGB, but labels are one id a pixel (L or P); turn its colours into "
        "ids with colour_to_index, or read the folder with "
        "LabelFolder(..., colours=True)"
    )
    grey = Image.new("RGBA", (2, 2), (4, 4, 4, 255))
    assert told(save(grey), read_labels) == (
        "FILE is RGBA, but labels are one id a pixel (L or P); its channels are "
        "equal, so save one of them as 8-bit grey"
    )


def test_written_labels_come_back_with_their_palette(tmp_path):
    mask = torch.tensor([[0, 11, 255], [5, 6, 7]])
    write_labels(tmp_path / "a.png", mask, HARBOUR)
    assert torch.equal(read_labels(tmp_path / "a.png"), mask)
    shown = read_image(tmp_path / "a.png")
    assert shown[:, 0, 1].tolist() == list(HARBOUR.palette[11])
    assert torch.equal(colour_to_index(shown, HARBOUR), mask)


def test_wrong_ids_are_not_written(tmp_path):
    for wrong in (-1, 12, 254):
        with pytest.raises(InputError, match=rf"a.png: {wrong} is no id of harbour; i"):
            write_labels(tmp_path / "a.png", torch.tensor([[0, wrong]]), HARBOUR)
    assert not (tmp_path / "a.png").exists()


def test_colours_of_no_class_are_refused():
    image = torch.tensor([[128, 1], [0, 2], [0, 3]], dtype=torch.uint8).view(3, 1, 2)
    with pytest.raises(InputError) as error:
        colour_to_index(image, CAMVID)
    assert str(error.value) == (
        "the colour (1, 2, 3) belongs to no class of camvid; give the class table "
        "these labels were drawn with, and save them as PNG"
    )
    black = torch.zeros(3, 1, 1, dtype=torch.uint8)
    assert colour_to_index(black, CAMVID).item() == 255
    with pytest.raises(InputError, match="ade20k gives two classes one colour; use"):
        colour_to_index(black, ADE20K)
