"""Run lengths of three kinds: by hand, by loops, against pycocotools, damaged."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco_mask
from torchvision import tv_tensors

from course_lib.data.run_lengths import KINDS, decode, encode, runs_of
from course_lib.errors import InputError

# 4 wide, 3 high; column after column: ....##......
BAR = np.array([[0, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0]])
BY_HAND = {"coco": [4, 2, 6], "kaggle": "5 2", "siim": "4 2"}
masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12))


def told(code, size, kind) -> str:
    with pytest.raises(InputError) as error:
        decode(code, size, kind)
    return str(error.value)


@pytest.mark.parametrize("kind", KINDS)
def test_by_hand(kind):
    assert encode(BAR, kind) == BY_HAND[kind]
    np.testing.assert_array_equal(decode(BY_HAND[kind], (3, 4), kind), BAR)
    as_labels = tv_tensors.Mask(torch.from_numpy(BAR) * 7)
    assert encode(as_labels, kind) == BY_HAND[kind]


@pytest.mark.parametrize(
    "kind, empty, full, corners",
    [
        ("coco", [6], [0, 6], [0, 1, 4, 1]),
        ("kaggle", "", "1 6", "1 1 6 1"),
        ("siim", "-1", "0 6", "0 1 4 1"),
    ],
)
def test_the_first_and_the_last_pixel(kind, empty, full, corners):
    first_and_last = np.array([[1, 0, 0], [0, 0, 1]])
    zeros = np.zeros((2, 3))
    assert encode(zeros, kind) == empty and encode(zeros + 1, kind) == full
    assert encode(first_and_last, kind) == corners
    for code, mask in ((empty, zeros), (full, zeros + 1), (corners, first_and_last)):
        np.testing.assert_array_equal(decode(code, (2, 3), kind), mask)


@given(masks, st.sampled_from(KINDS))
def test_round_trip(mask, kind):
    back = decode(encode(mask, kind), mask.shape, kind)
    assert back.dtype == bool and (back == mask).all()


@given(masks)
def test_coco_as_pycocotools(mask):
    packed = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    assert (decode(packed["counts"], mask.shape, "coco") == mask).all()
    assert (decode(packed["counts"].decode(), mask.shape, "coco") == mask).all()
    rle = {"size": list(mask.shape), "counts": encode(mask, "coco")}
    ours = coco_mask.frPyObjects(rle, *mask.shape)
    assert ours["counts"] == packed["counts"]


@given(masks)
def test_kaggle_and_siim_by_loops(mask):
    column_by_column = [pixel for column in mask.T for pixel in column]
    runs, before = [], False
    for place, inside in enumerate(column_by_column):
        if inside and not before:
            runs.append([place, 0])
        if inside:
            runs[-1][1] += 1
        before = inside
    kaggle = [number for start, length in runs for number in (start + 1, length)]
    assert encode(mask, "kaggle") == " ".join(map(str, kaggle))
    siim, end = [], 0
    for start, length in runs:
        siim += [start - end, length]
        end = start + length
    assert encode(mask, "siim") == (" ".join(map(str, siim)) or "-1")


@given(masks)
def test_the_kinds_agree(mask):
    runs = encode(mask, "coco")
    assert sum(runs) == mask.size and min(runs[1:], default=1) > 0
    inside = runs[: len(runs) // 2 * 2]  # SIIM leaves out the last run outside
    assert encode(mask, "siim") == (" ".join(map(str, inside)) or "-1")
    assert runs_of(mask).tolist() == runs


def test_spaces_around_and_runs_that_touch():
    assert not decode(" -1", (3, 4), "siim").any()
    np.testing.assert_array_equal(decode(" 4 1 0 1\n", (3, 4), "siim"), BAR)
    np.testing.assert_array_equal(decode("5 1 6 1", (3, 4), "kaggle"), BAR)


@pytest.mark.parametrize(
    "code, kind, sentence",
    [
        ("4 2 3", "siim", "are 3 numbers; give whole pairs"),
        ("4 x", "siim", "hold 'x'; give whole numbers from 0"),
        ("-1", "kaggle", "hold '-1'; give whole numbers from 0"),
        ("4.0 2", "siim", "hold '4.0'; give whole numbers from 0"),
        ("4 " + "9" * 5000, "siim", f"hold '{'9' * 20}'; give whole numbers from 0"),
        (float("nan"), "siim", "are float; give them as one string"),
        ("", "siim", "are empty, and this kind writes -1; give -1 for no pixel"),
        ("0 2", "kaggle", "overlap, go backwards or are empty; sort and merge them"),
        ("5 2 6 1", "kaggle", "overlap, go backwards or are empty; sort and merge"),
        ("5 0", "kaggle", "overlap, go backwards or are empty; sort and merge them"),
        ("4 2 0 0", "siim", "overlap, go backwards or are empty; sort and merge them"),
        ("4 9", "siim", "leave the 4x3 picture by 1 pixels; give the size (height, wi"),
        ("5 9", "kaggle", "leave the 4x3 picture by 1 pixels; give the size (height, "),
        ([4, 2, 5], "coco", "do not cover 4x3 pixels; give them whole, the last run"),
        ([4, -2, 10], "coco", "do not cover 4x3 pixels; give them whole"),
        ([4.0, 8], "coco", "do not cover 4x3 pixels; give them whole"),
        (None, "coco", "do not cover 4x3 pixels; give them whole"),
        ("", "coco", "do not cover 4x3 pixels; give them whole"),
        ("é", "coco", "do not cover 4x3 pixels; give them whole"),
    ],
)
def test_damaged_codes_end_in_one_sentence(code, kind, sentence):
    message = told(code, (3, 4), kind)
    assert message.startswith(f"these run lengths of kind {kind} {sentence}")


def test_an_unknown_kind_lists_the_known():
    for use in (lambda: encode(BAR, "rle"), lambda: decode("", (3, 4), "rle")):
        with pytest.raises(InputError, match="'rle' of run lengths; choose coco, kagg"):
            use()


@given(st.text("0123456789 -x", max_size=30), st.sampled_from(["kaggle", "siim"]))
def test_any_text_gives_a_mask_or_a_sentence(text, kind):
    try:
        mask = decode(text, (4, 5), kind)
    except InputError:
        return
    assert mask.shape == (4, 5)
    inside = sum(map(int, text.split()[1::2])) if text.strip() != "-1" else 0
    assert mask.sum() == inside


@given(st.binary(max_size=12) | st.text(max_size=12))
def test_any_packed_code_gives_a_mask_or_a_sentence(code):
    try:
        mask = decode(code, (4, 5), "coco")
    except InputError:
        return
    code = code.encode() if isinstance(code, str) else code
    np.testing.assert_array_equal(
        mask, coco_mask.decode({"size": [4, 5], "counts": code})
    )
