"""Records: what goes into a shard comes out of it, and damage is told by name."""

import io
import json
import sys
import tarfile
from copy import copy
from importlib import import_module

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from told import told
from torchvision import tv_tensors

from course_lib.__main__ import main
from course_lib.data.classes import HARBOUR, VOC
from course_lib.data.harbour import Harbour, export
from course_lib.data.opening import open_dataset
from course_lib.data.readers.camvid import CamVid
from course_lib.data.readers.coco import CocoInstances
from course_lib.data.readers.penn_fudan import PennFudan
from course_lib.data.readers.records import Records
from course_lib.data.readers.voc import VOCSegmentation
from course_lib.data.readers.yolo import YoloFolder
from course_lib.data.records.check import check_records
from course_lib.data.records.codec import KINDS, InMemory, decode, encode
from course_lib.data.records.index import sample_rows
from course_lib.data.records.write import write_shards
from course_lib.data.targets import target_of
from course_lib.errors import InputError
from course_lib.training.cards import split_hash

COUNT = 5


def assert_same(found, expected):
    """Equal to the last bit, of the same types."""
    assert type(found) is type(expected)
    if isinstance(expected, (tuple, list)):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            assert_same(a, b)
    elif isinstance(expected, dict):
        assert set(found) == set(expected)
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, torch.Tensor):
        assert found.dtype == expected.dtype and found.shape == expected.shape
        assert found.numpy().tobytes() == expected.numpy().tobytes()
        if isinstance(expected, tv_tensors.BoundingBoxes):
            assert found.canvas_size == expected.canvas_size
            assert found.format == expected.format
    else:
        assert found == expected


@pytest.fixture(scope="module")
def voc(tmp_path_factory):
    """JPEG pictures and palette labels."""
    root = tmp_path_factory.mktemp("voc")
    export(Harbour("train", count=COUNT, size=(48, 64)), root, "voc")
    return VOCSegmentation(root, "train")


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Pictures of several sizes and people, one of them empty."""
    root = tmp_path_factory.mktemp("people")
    for kind in ("PNGImages", "PedMasks"):
        (root / kind).mkdir()
    rng = np.random.default_rng(0)
    for i, count in enumerate((2, 1, 3)):
        size = (20 + i, 31 - i)
        image, masks = rng.integers(0, 256, (*size, 3)), np.zeros(size)
        for k in range(count):
            masks[2 : 9 + k, 8 * k : 8 * k + 5] = k + 1
        Image.fromarray(image.astype(np.uint8)).save(root / f"PNGImages/p{i}.png")
        Image.fromarray(masks.astype(np.uint8)).save(root / f"PedMasks/p{i}_mask.png")
    return PennFudan(root)


@pytest.fixture
def shards(voc, tmp_path):
    return write_shards(voc, tmp_path / "shards", samples=2)


# a sample


images = st.one_of(
    arrays.arrays(
        np.uint8, st.tuples(st.just(3), st.integers(1, 9), st.integers(1, 9))
    ),
    arrays.arrays(np.float32, st.tuples(*[st.integers(0, 5)] * 3)),
)
masks = st.one_of(
    arrays.arrays(np.int64, (4, 6), elements=st.integers(0, 255)),
    arrays.arrays(np.int64, (4, 6)),
    arrays.arrays(st.sampled_from([np.uint8, np.float32, bool]), (2, 3)),
    arrays.arrays(np.int64, (0, 6)),
)


@settings(deadline=None)
@given(images, masks, st.sampled_from(KINDS))
def test_any_picture_and_mask_come_back(image, mask, kind):
    sample = (
        tv_tensors.Image(torch.from_numpy(image)),
        tv_tensors.Mask(torch.from_numpy(mask)),
    )
    assert_same(decode(encode(sample, kind)), sample)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 4), st.integers(0, 2**31), st.sampled_from(KINDS))
def test_any_target_comes_back(count, seed, kind):
    generator = torch.Generator().manual_seed(seed)
    shown = torch.rand(count, 7, 9, generator=generator) > 0.5
    shown[:, 3, 4] = True
    labels = torch.randint(1, 7, (count,), generator=generator)
    target = target_of(shown, labels, seed)
    image = torch.randint(0, 256, (3, 7, 9), dtype=torch.uint8, generator=generator)
    sample = tv_tensors.Image(image), target
    assert_same(decode(encode(sample, kind)), sample)


def test_labels_of_8_bits_are_kept_in_8_bits():
    image = tv_tensors.Image(torch.zeros(3, 96, 128, dtype=torch.uint8))
    mask = tv_tensors.Mask(torch.full((96, 128), 255))
    sizes = {kind: encode((image, mask), kind) for kind in KINDS}
    assert set(sizes["file"]) == set(sizes["png"]) == {"image.png", "mask.png"}
    assert {name: len(data) - 128 for name, data in sizes["npy"].items()} == {
        "image.npy": 3 * 96 * 128,
        "mask.ids.npy": 96 * 128,
    }
    mask[0, 0] = 256
    assert "mask.npy" in encode((image, mask), "png")


def test_what_a_target_may_hold(people):
    image, target = people[0]
    assert told(lambda: encode((image, target | {"place": "Fudan"}))) == (
        "the target's place is 'Fudan'; records keep whole numbers, and tensors of one "
        "dimension or more"
    )
    with pytest.raises(InputError, match="the target's area is tensor"):
        encode((image, target | {"area": torch.tensor(3.0)}))


def test_pickles_are_not_opened():
    content = io.BytesIO()
    np.save(content, np.array([print], dtype=object))
    assert "image.npy of a is damaged (Object arrays cannot be loaded" in told(
        lambda: decode({"image.npy": content.getvalue(), "mask.png": b""}, "a")
    )


def test_parts_that_are_no_sample(voc):
    parts = encode(voc[0])
    del parts["mask.png"]
    assert told(lambda: decode(parts, "b")) == (
        "b holds image.png, but a sample is one image and one mask or target; write "
        "the shards with write_shards"
    )
    assert "c holds nothing" in told(lambda: decode({}, "c"))
    cut = encode(voc[0])
    cut["image.png"] = cut["image.png"][:100]
    assert told(lambda: decode(cut, "d")).startswith("image.png of d is damaged")


# shards


@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_of_jpegs(voc, tmp_path, kind):
    records = Records(write_shards(voc, tmp_path / "shards", kind, samples=2))
    assert_same([*records], [*voc])
    assert (records.name, records.split, records.classes) == ("voc", "train", VOC)
    files = [voc.file(i).rpartition("/")[2] for i in range(COUNT)]
    assert [records.file(i) for i in range(len(records))] == files
    assert [s["samples"] for s in records.about["shards"]] == [2, 2, 1]
    expected = {"file": ".jpg", "png": ".png", "npy": ".npy"}[kind]
    assert f"image{expected}" in records.read(3)
    if kind == "file":
        assert records.read(3)["image.jpg"] == voc.pairs[3][0].read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_readers_of_boxes(people, tmp_path, kind):
    records = Records(write_shards(people, tmp_path / "people", kind))
    assert_same([*records], [*people])
    assert records.split is None and records.classes == people.classes
    root = export(Harbour("val", count=2, size=(48, 64)), tmp_path / "yolo", "yolo")
    (root / "own.data").write_text("valid = val.txt\nnames = harbour.names\n")
    boxes = YoloFolder(root / "own.data", "val")
    assert_same([*Records(write_shards(boxes, tmp_path / "boxes", kind))], [*boxes])


def test_coco_keeps_its_files(tmp_path):
    root = export(Harbour("val", count=2, size=(48, 64)), tmp_path / "coco", "coco")
    coco = CocoInstances(root, "val")
    path = coco.folder / coco.pictures[1].file
    Image.open(path).save(path, compress_level=0)
    records = Records(write_shards(coco, tmp_path / "a"))
    assert_same([*records], [*coco])
    assert records.read(1)["image.png"] == path.read_bytes()


def test_the_harbour_itself_and_records_of_records(tmp_path):
    harbour = Harbour("test", count=3, size=(48, 64))
    records = Records(write_shards(harbour, tmp_path / "a"))
    again = Records(write_shards(records, tmp_path / "b", "npy", samples=1))
    for found in (records, again):
        assert_same([*found], [*harbour])
        assert found.classes == HARBOUR and found.file(2) == harbour.file(2)
    assert split_hash(again) == split_hash(harbour)


def test_a_transform_is_written_with_it(voc, tmp_path):
    def quarter(image, mask):
        image = tv_tensors.Image(image[:, :24, :32] / 255)
        return image, tv_tensors.Mask(mask[:24, :32])

    small = copy(voc)
    small.transform = quarter
    records = Records(write_shards(small, tmp_path / "small"))
    assert_same([*records], [*small])
    assert records[0][0].shape == (3, 24, 32) and records[0][0].dtype == torch.float32
    records.transform = lambda image, mask: mask.sum()
    assert records[1] == small[1][1].sum()


def test_a_shard_is_full_by_size(voc, tmp_path):
    size = sum(len(part) for part in encode(voc[0], "npy").values())
    folder = write_shards(voc, tmp_path / "a", "npy", megabytes=1.5 * size / 1e6)
    assert [s["samples"] for s in Records(folder).about["shards"]] == [2, 2, 1]


def test_two_writings_are_the_same_bytes(voc, shards, tmp_path):
    again = write_shards(voc, tmp_path / "again", samples=2)
    names = sorted(path.name for path in shards.iterdir())
    assert names == [
        "000000.tar",
        "000001.tar",
        "000002.tar",
        "about.json",
        "index.npy",
    ]
    for name in names:
        assert (again / name).read_bytes() == (shards / name).read_bytes()


def test_nothing_is_left_when_writing_fails(voc, tmp_path):
    class Failing:
        name, classes, file = "failing", VOC, voc.file

        def __len__(self):
            return 3

        def __getitem__(self, i):
            return voc[i] if i < 2 else 1 / 0

    with pytest.raises(ZeroDivisionError):
        write_shards(Failing(), tmp_path / "out" / "train")
    assert [*(tmp_path / "out").iterdir()] == []


def test_arguments(voc, shards, tmp_path):
    assert told(lambda: write_shards(voc, shards)) == (
        f"{shards} is there already; delete it or give another"
    )
    out = tmp_path / "out"
    assert "no kind 'jpg'" in told(lambda: write_shards(voc, out, "jpg"))
    assert "holds nothing" in told(lambda: write_shards(voc, out, samples=0))
    assert "holds nothing" in told(lambda: write_shards(voc, out, megabytes=0))
    empty = type("Empty", (), {"name": "none", "__len__": lambda self: 0})()
    assert "none holds no pictures" in told(lambda: write_shards(empty, out))
    assert not out.exists()


def test_names_that_mean_something_elsewhere(voc, tmp_path):
    folder = tmp_path / "50%d {a,b}#1?.x"
    assert_same([*Records(write_shards(voc, folder))], [*voc])


# the index


def test_one_seek_by_hand(voc, shards):
    with tarfile.open(shards / "000001.tar") as tar:
        names = tar.getnames()
        member = tar.getmember("00000003.mask.png")
    assert names == [f"0000000{i}.{part}" for i in (2, 3) for part in ("image.jpg", "mask.png")]  # fmt: skip  # noqa: E501
    with open(shards / "000001.tar", "rb") as file:
        file.seek(member.offset_data)
        content = file.read(member.size)
    mask = np.asarray(Image.open(io.BytesIO(content)))
    np.testing.assert_array_equal(mask, voc[3][1])
    shard, offset, size, _ = Records(shards).index[3].tolist()
    assert shard == 1 and offset < member.offset < offset + size


def test_the_index_is_made_anew(shards):
    before = (shards / "index.npy").read_bytes()
    (shards / "index.npy").unlink()
    Records(shards)
    assert (shards / "index.npy").read_bytes() == before
    rows = np.load(shards / "index.npy")
    assert rows.dtype == np.int64 and rows.shape == (COUNT, 4)
    np.testing.assert_array_equal(rows[rows[:, 0] == 1, 1:], sample_rows(shards / "000001.tar"))  # fmt: skip  # noqa: E501


def test_an_index_of_other_shards(voc, shards, tmp_path):
    index = shards / "index.npy"
    rows = np.load(index)
    refused = f"{index} does not belong to these shards; delete it, it is made anew"
    for wrong in (rows[:4], rows[:, :3], rows.astype(np.float32) * 0, rows[:0]):
        np.save(index, wrong)
        assert told(lambda: Records(shards)) == refused
    index.write_bytes(b"\x93NUMPY nonsense")
    assert told(lambda: Records(shards)) == refused
    other = write_shards(voc, tmp_path / "other", "png", samples=2) / "index.npy"
    index.write_bytes(other.read_bytes())
    assert "or the shard is not that of the index" in told(lambda: Records(shards)[0])
    assert "the index is not its own, or sample 0" in told(
        lambda: check_records(shards)
    )


def test_without_webdataset(shards, monkeypatch):
    for name in ("records.codec", "records.index", "readers.records"):
        monkeypatch.delitem(sys.modules, f"course_lib.data.{name}")
    monkeypatch.setitem(sys.modules, "webdataset", None)
    reader = import_module("course_lib.data.readers.records")
    assert len([*reader.Records(shards)]) == COUNT


# damage


def test_a_cut_shard(shards):
    path = shards / "000001.tar"
    content = path.read_bytes()
    first = int(sample_rows(path)[0, 1])
    for length in (0, 100, 700, first, first + 512, len(content) - 10240):
        path.write_bytes(content[:length])
        assert told(lambda: Records(shards)).startswith(
            f"{path} has {length} of {len(content)} bytes; write the shards again"
        )
        with pytest.raises(InputError, match="cannot be read as tar|breaks off"):
            sample_rows(path)
    path.unlink()
    (shards / "000000.tar").write_bytes(b"")
    message = told(lambda: Records(shards))
    assert "000000.tar has 0 of " in message and f"{path} is missing; " in message


@pytest.mark.parametrize("kind", KINDS)
def test_every_byte_counts(voc, tmp_path, kind):
    folder = write_shards(voc, tmp_path / "a", kind, samples=3)
    assert str(check_records(folder)).startswith("voc: 5 samples in 2 shards, 0.")
    path = folder / "000001.tar"
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    for place in [0, 130, 511, 512, *rng.integers(0, len(whole), 20).tolist()]:
        broken = whole.copy()
        broken[place] ^= 1 + int(rng.integers(0, 255))
        path.write_bytes(broken)
        message = told(lambda: check_records(folder))
        assert message.startswith(f"{path} is damaged") and "000000" not in message
        (folder / "index.npy").unlink()
        assert told(lambda: Records(folder)).startswith(f"{path} is damaged; write")
        path.write_bytes(whole)
        check_records(folder)


def test_a_damaged_sample_is_named(voc, shards):
    path = shards / "000001.tar"
    content = bytearray(path.read_bytes())
    content[int(sample_rows(path)[1, 0]) + 600] ^= 1
    path.write_bytes(content)
    records = Records(shards)
    assert_same(records[2], voc[2])
    assert told(lambda: records[3]) == (
        f"sample 3 in {path} is damaged, or the shard is not that of the index; run "
        f"`python -m course_lib shards check {shards}`"
    )
    assert told(lambda: check_records(shards)) == (
        f"{path} is damaged: sample 3 ({records.file(3)}); write or copy these shards "
        "again"
    )


def test_folders_that_hold_no_records(shards, tmp_path):
    assert told(lambda: Records(tmp_path)) == (
        f"{tmp_path} holds no records: there is no about.json; give the folder that "
        "`python -m course_lib shards write` made"
    )
    path = shards / "about.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps(about | {"format": 2}))
    assert "is of format 2, this course reads 1" in told(lambda: Records(shards))
    for text in ("", "[]", "{}", '{"format": 1, "shards": 3}', "\x00"):
        path.write_text(text)
        assert told(lambda: Records(shards)).startswith(f"{path} is damaged")


def test_a_tar_file_of_another_tool(tmp_path):
    for form in (tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT):
        with tarfile.open(tmp_path / "a.tar", "w", format=form) as tar:
            member = tarfile.TarInfo("x.image.png")
            member.pax_headers = {"comment": "a header more"}
            tar.addfile(member, io.BytesIO())
        if form == tarfile.USTAR_FORMAT:
            assert sample_rows(tmp_path / "a.tar").tolist()[0][:2] == [0, 512]
        else:
            assert "another tool" in told(lambda: sample_rows(tmp_path / "a.tar"))


def test_a_file_in_memory_has_a_name():
    assert str(InMemory(b"", "image.png of x")) == "image.png of x"


# the command line


def test_the_command(tmp_path, capsys):
    out = str(tmp_path / "out")
    words = ["shards", "write", "--dataset", "harbour", "--count", "3", "--to", out]
    for split in ("train", "val"):
        assert (
            main([*words, "--split", split, "--samples", "2", "--dial", "thin=1"]) == 0
        )
    assert main(["shards", "check", out]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{out}/train holds harbour: 3 samples in 2 shards, 0.")
    assert lines[2:] == lines[:2]
    expected = Harbour("val", count=3, thin=1)
    found = open_dataset("records", "val", tmp_path / "out")
    assert_same([*found], [*expected])
    assert main([*words, "--split", "test", "--task", "detection"]) == 0
    boxes = Harbour("test", count=3, task="detection")
    assert_same([*Records(out, "test")], [*boxes])
    assert main([*words, "--split", "val"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["shards", "check", str(tmp_path)]) == 2


# real data


@pytest.mark.real
def test_real_pictures(real_data, tmp_path):
    camvid = CamVid(real_data / "camvid", "val")
    people = PennFudan(real_data / "PennFudanPed", split="val")
    camvid.pairs, people.pairs = camvid.pairs[:6], people.pairs[:4]
    for kind in ("file", "npy"):
        for dataset in (camvid, people):
            folder = write_shards(dataset, tmp_path / kind / dataset.name, kind)
            assert_same([*Records(folder)], [*dataset])
    records = Records(tmp_path / "file" / "camvid")
    assert "image" + camvid.pairs[0][0].suffix in records.read(0)
