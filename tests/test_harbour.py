"""The harbour: determinism, truth that agrees with itself, contracts, time."""

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import masks_to_boxes

from course_lib.data.harbour import Dials, Harbour
from course_lib.data.harbour.dataset import FIRST
from course_lib.errors import InputError

DIALS = {
    "thin": st.integers(1, 8),
    "contrast": st.floats(0, 1),
    "texture": st.floats(0, 1),
    "context": st.floats(0, 1),
    "scale": st.floats(1, 8),
    "contact": st.floats(0, 1),
    "occlusion": st.floats(0, 1),
    "rarity": st.floats(0, 1),
    "void": st.integers(0, 8),
    "materials": st.sampled_from(["paint", "photo"]),
}


def digest(scene) -> str:
    parts = (scene.image, scene.class_map, scene.instance_map, scene.boxes)
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


@settings(max_examples=40, deadline=None)
@given(
    st.fixed_dictionaries(DIALS),
    st.integers(0, 999),
    st.integers(8, 130),
    st.integers(8, 150),
    st.floats(0, 60),
)
def test_masks_instances_and_boxes_agree_at_any_dial_size_and_time(d, i, h, w, time):
    scene = Harbour(size=(h, w), **d).scene(i, time)
    assert scene.image.shape == (h, w, 3) and scene.image.dtype == np.uint8
    kinds, numbers = scene.class_map, scene.instance_map
    thing = (kinds >= 6) & (kinds <= 11)
    np.testing.assert_array_equal(thing, numbers > 0)
    assert set(np.unique(kinds)) <= {*range(12), 255}
    np.testing.assert_array_equal(np.unique(numbers[thing]), scene.ids)
    assert scene.boxes.shape == (len(scene.ids), 4)
    for box, label, number in zip(scene.boxes, scene.labels, scene.ids, strict=True):
        mask = torch.from_numpy(numbers == number)
        assert (kinds[mask.numpy()] == label).all()
        tight = masks_to_boxes(mask[None])[0] + torch.tensor([0.0, 0, 1, 1])
        np.testing.assert_array_equal(box, tight.numpy())


def test_bytes_depend_on_seed_index_dials_size_and_time_alone():
    harbour = Harbour(count=10)
    forwards = [digest(harbour.scene(i)) for i in range(6)]
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        other = Harbour(count=500)
        assert [digest(other.scene(i)) for i in reversed(range(6))] == forwards[::-1]
    finally:
        torch.set_num_threads(threads)
    changed = [Harbour(seed=1), Harbour(size=(96, 130)), Harbour(rarity=0.9)]
    others = [digest(one.scene(0)) for one in changed]
    others += [digest(harbour.scene(0, time=0.5)), digest(Harbour("val").scene(0))]
    assert len({*forwards, *others}) == 11


def test_splits_are_disjoint_ranges_of_the_index():
    assert FIRST == {"train": 0, "val": 1_000_000, "test": 2_000_000}
    assert [len(Harbour(split)) for split in FIRST] == [1000, 100, 200]
    with pytest.raises(InputError, match="1000001"):
        Harbour(count=1_000_001)


def test_classes_all_occur_and_none_else():
    kinds = np.concatenate([Harbour().scene(i).class_map.ravel() for i in range(30)])
    assert set(np.unique(kinds)) == {*range(12), 255}


def test_segmentation_sample_and_joint_transform():
    image, mask = Harbour()[3]
    assert image.dtype == torch.uint8 and image.shape == (3, 96, 128)
    assert mask.dtype == torch.int64 and mask.shape == (96, 128)
    flipped = Harbour(transform=lambda image, mask: (image.flip(-1), mask.flip(-1)))
    assert torch.equal(flipped[3][1], mask.flip(-1))
    with pytest.raises(IndexError):
        Harbour(count=2)[2]


def test_detection_sample_is_that_of_torchvision():
    _, target = Harbour(task="detection")[5]
    names = {"boxes", "labels", "masks", "image_id", "area", "iscrowd"}
    assert set(target) == names
    n = len(target["labels"])
    assert target["boxes"].shape == (n, 4) and target["masks"].shape == (n, 96, 128)
    assert target["image_id"] == 5
    assert torch.equal(target["area"], target["masks"].sum((1, 2)).float())
    assert target["labels"].min() >= 6 and target["labels"].max() <= 11


def test_things_move_smoothly_and_keep_their_numbers():
    harbour, moved = Harbour(count=40), 0
    for i in range(40):
        now, soon = harbour.plan(i, 2.0)[1], harbour.plan(i, 2.1)[1]
        before = {thing.instance: thing for thing in now}
        assert before.keys() == {thing.instance for thing in soon}
        for thing in soon:
            old = before[thing.instance]
            assert old.kind == thing.kind and old.colour == thing.colour
            far = abs(thing.x - old.x)
            outside = not 0 < old.x < 128 and not 0 < thing.x < 128
            assert outside or (far < 1 and abs(thing.y - old.y) < 1)
            moved += 0 < far < 1
    assert moved > 100


def test_same_sky_same_houses_over_time():
    first, later = (Harbour().scene(2, time).class_map for time in (0.0, 3.0))
    for kind in (1, 5):
        both, either = (
            (first == kind) & (later == kind),
            (first == kind) | (later == kind),
        )
        assert both.sum() / either.sum() > 0.95


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"split": "holiday"}, "no split 'holiday'"),
        ({"task": "fishing"}, "no task 'fishing'"),
        ({"size": 96}, "size is 96"),
        ({"size": (96, 4)}, "at least 8 px"),
        ({"seed": -1}, "seed is -1"),
        ({"count": 0}, "count is 0"),
        ({"thinn": 2}, "no dial 'thinn'; choose from thin, contrast"),
        ({"thin": 9}, "dial thin is 9; give a whole number from 1 to 8"),
        ({"thin": 1.5}, "dial thin is 1.5"),
        ({"context": "all"}, "dial context is 'all'; give a number from 0 to 1"),
        ({"rarity": float("nan")}, "dial rarity is nan"),
        ({"materials": "oil"}, "dial materials is 'oil'"),
    ],
)
def test_a_wrong_input_ends_in_one_sentence(wrong, words):
    with pytest.raises(InputError) as caught:
        Harbour(**wrong)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_dials_are_frozen():
    with pytest.raises(AttributeError):
        Dials().thin = 3
