"""The splits of VOC with SBD: the published counts, and who leaks."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from course_lib.data.voc_splits import COUNTS, augmented_split, leaks
from course_lib.errors import InputError

VOC_TRAIN, VOC_VAL, SBD_TRAIN, SBD_VAL = 1464, 1449, 8498, 2857  # published
ALL = 12031
names = st.sets(st.integers(0, 30).map("2007_{:06d}".format))


def real_lists(shared: int):
    """Four lists with the sizes and overlaps of the real ones.

    The published counts fix the overlaps but one: VOC trains on 1,134 pictures that
    SBD holds, and nothing says how many of them stand in SBD's training list.
    """
    in_train, in_val = VOC_VAL - 904, 904 - 346  # of VOC's validation list, in SBD's
    trained = VOC_TRAIN - (ALL - SBD_TRAIN - SBD_VAL - 346)
    sizes = {
        "voc train": VOC_TRAIN - trained,
        "voc train, sbd train": shared,
        "voc train, sbd val": trained - shared,
        "voc val": 346,
        "voc val, sbd train": in_train,
        "voc val, sbd val": in_val,
        "sbd train": SBD_TRAIN - in_train - shared,
        "sbd val": SBD_VAL - in_val - (trained - shared),
    }
    assert (in_train, in_val, trained, sum(sizes.values())) == (545, 558, 1134, ALL)
    parts, start = {}, 0
    for part, size in sizes.items():
        parts[part] = [f"2008_{n:06d}" for n in range(start, start + size)]
        start += size
    return [
        [name for part, names in parts.items() if key in part for name in names]
        for key in ("voc train", "voc val", "sbd train", "sbd val")
    ]


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 1134))
def test_the_published_counts_come_out(shared):
    lists = real_lists(shared)
    assert [len(set(names)) for names in lists] == [1464, 1449, 8498, 2857]
    for rule, counts in COUNTS.items():
        split = augmented_split(*lists, rule=rule)
        assert (len(split.train), len(split.val)) == counts
        assert leaks(split.train, split.val) == []
    assert augmented_split(*lists) == augmented_split(*lists, rule="rv-voc12")


def test_counts_of_the_seeds():
    assert [*COUNTS.values()] == [(10582, 1449), (11127, 904), (11685, 346)]


@given(st.tuples(names, names, names, names))
def test_every_split_shares_all_pictures_without_a_leak(lists):
    everything = set().union(*lists)
    splits = [augmented_split(*lists, rule=rule) for rule in COUNTS]
    for split in splits:
        assert {*split.train}.isdisjoint(split.val)
        assert {*split.train, *split.val} == everything
        assert len(split.train) + len(split.val) == len(everything)
        assert [*split.val] == sorted(split.val)
    full, usual, least = ({*split.val} for split in splits)
    assert least <= usual <= full == lists[1]
    assert usual.isdisjoint(lists[2]) and least.isdisjoint(lists[2] | lists[3])


def test_an_unknown_rule_lists_the_known():
    with pytest.raises(InputError, match="no rule '2'; choose from voc, rv-voc12, no-"):
        augmented_split([], [], [], [], rule="2")


# leaks


def test_training_on_trainval_leaks_every_validation_picture():
    """Public code trains on trainval.txt of SBD and validates on val.txt."""
    _, voc_val, sbd_train, sbd_val = real_lists(600)
    trainval = sbd_train + sbd_val
    found = leaks(trainval, sbd_val)
    assert len(trainval) == 11355 and len(found) == 2857
    assert found == [(name, name) for name in sbd_val]
    assert len(leaks(sbd_train, voc_val)) == 545
    assert len(leaks(trainval, voc_val)) == 1103
    assert leaks(sbd_train, sbd_val) == []


def test_names_are_compared_without_folder_and_ending():
    train = ["VOC/JPEGImages/2007_000032.jpg", "b.v2", "x/c.png", "y/c.JPG"]
    test = ["2007_000033.jpg", "2007_000032", "b.v1", "c"]
    assert leaks(train, test) == [
        ("VOC/JPEGImages/2007_000032.jpg", "2007_000032"),
        ("x/c.png", "c"),
        ("y/c.JPG", "c"),
    ]


def test_the_same_pixels_under_another_name_and_in_another_format(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 10, 3), np.uint8)
    other = pixels.copy()
    other[-1, -1, 2] ^= 1
    flat = pixels.reshape(10, 8, 3)  # the same bytes in another shape
    for name, array in (
        ("a.png", pixels), ("b.png", other), ("c.bmp", pixels), ("b.bmp", flat),
    ):  # fmt: skip
        Image.fromarray(array).save(tmp_path / name)
    train = SimpleNamespace(
        pairs=[(tmp_path / "a.png", "labels"), (tmp_path / "b.png", "labels")]
    )
    test = [tmp_path / "b.bmp", str(tmp_path / "c.bmp")]
    assert leaks(train, test) == [(str(tmp_path / "b.png"), str(tmp_path / "b.bmp"))]
    assert leaks(train, test, by="pixels") == [
        (str(tmp_path / "a.png"), str(tmp_path / "c.bmp"))
    ]
    with pytest.raises(InputError, match="there is no file .*gone.png"):
        leaks(train, [tmp_path / "gone.png"], by="pixels")
    with pytest.raises(InputError, match="by name or by pixels, not by 'hash'"):
        leaks(train, test, by="hash")


@pytest.mark.real
def test_camvid_has_no_leak_by_name_and_voc_finds_itself(real_data):
    from course_lib.data.readers.camvid import CamVid
    from course_lib.data.readers.voc import VOCSegmentation

    parts = [CamVid(real_data / "camvid", split) for split in ("train", "val", "test")]
    for k, part in enumerate(parts):
        for other in parts[k + 1 :]:
            assert leaks(part, other) == []
    voc = VOCSegmentation(real_data / "voc_sample" / "VOC2012", "val")
    files = [str(picture) for picture, _ in voc.pairs]
    assert leaks(voc, voc, by="pixels") == list(zip(files, files, strict=True))
