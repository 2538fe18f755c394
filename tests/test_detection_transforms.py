"""Joint flips and windows: boxes, masks and keypoints stay on their things."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision import tv_tensors

from course_lib.data.targets import target_of
from course_lib.detection.rcnn.keypoints import FLIP_PAIRS, extreme_points
from course_lib.detection.transforms import (
    flip,
    keep_objects,
    random_window,
    training_transform,
    window,
)


def sample(seed: int = 0):
    """A picture whose red channel is 100 where the first thing is, and its target."""
    generator = torch.Generator().manual_seed(seed)
    masks = torch.zeros(3, 30, 40, dtype=torch.bool)
    for mask in masks:
        y, x = (int(torch.randint(20, (), generator=generator)) for _ in "yx")
        mask[y : y + 8, x : x + 11] = True
        mask[y, x] = mask[y + 7, x + 4] = False
    target = target_of(masks, torch.tensor([1, 2, 1]), 7)
    target["keypoints"] = extreme_points(masks)
    image = torch.stack([masks[0], masks[1], masks[2]]).byte() * 100
    return tv_tensors.Image(image), target


def assert_consistent(image, target):
    made = target_of(target["masks"].bool(), target["labels"], target["image_id"])
    for key in ("boxes", "area"):
        torch.testing.assert_close(target[key].float(), made[key].float())
    assert target["masks"].shape[-2:] == image.shape[-2:]
    assert target["boxes"].canvas_size == tuple(image.shape[-2:])


def test_a_flip_moves_everything_and_twice_is_none():
    image, target = sample()
    flipped, after = flip(image, target, FLIP_PAIRS)
    assert_consistent(flipped, after)
    assert torch.equal(flipped[0] > 0, after["masks"][0].bool())
    again = extreme_points(after["masks"])
    torch.testing.assert_close(after["keypoints"][..., 1:], again[..., 1:])
    assert (after["keypoints"] - again)[..., 0].abs().max() <= 1  # of even medians
    back, target2 = flip(flipped, after, FLIP_PAIRS)
    assert torch.equal(back, image)
    for key in ("boxes", "masks", "keypoints"):
        assert torch.equal(target2[key], target[key])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 999), st.integers(0, 38), st.integers(0, 28), st.data())
def test_a_window_keeps_what_is_in_it(seed, x1, y1, data):
    image, target = sample(seed)
    x2 = data.draw(st.integers(x1 + 1, 40))
    y2 = data.draw(st.integers(y1 + 1, 30))
    cut, after = window(image, target, (x1, y1, x2, y2))
    assert cut.shape == (3, y2 - y1, x2 - x1)
    visible = (image[:, y1:y2, x1:x2] > 0).flatten(1).any(dim=1)
    assert len(after["boxes"]) == len(after["masks"]) == int(visible.sum())
    assert torch.equal(after["labels"], target["labels"][visible])
    moved = target["keypoints"][visible] - torch.tensor([x1, y1, 0])
    assert torch.equal(after["keypoints"], moved)
    if visible.any():
        assert_consistent(cut, after)


def test_random_windows_lie_inside_and_are_large_enough():
    torch.manual_seed(0)
    for _ in range(200):
        x1, y1, x2, y2 = random_window((30, 40), 0.5)
        assert 0 <= x1 < x2 <= 40 and 0 <= y1 < y2 <= 30
        assert x2 - x1 >= 20 and y2 - y1 >= 15


def test_the_training_transform_does_as_told():
    image, target = sample()
    torch.manual_seed(1)
    same, after = training_transform(flips=0)(image, target)
    assert same is image and after is target
    flipped, _ = training_transform(flips=1)(image, target)
    assert torch.equal(flipped, flip(image, target)[0])
    cut, after = training_transform(crop=0.5, colour=0.3)(image, target)
    assert cut.dtype == torch.uint8 and cut.shape[-1] < 40
    assert_consistent(cut, after)


def test_what_is_kept_keeps_its_kind():
    _, target = sample()
    target = {k: v for k, v in target.items() if k != "keypoints"}
    for kept in (torch.tensor([True, False, True]), torch.tensor([0, 2])):
        left = keep_objects(target, kept)
        assert left["labels"].tolist() == [1, 1] and left["image_id"] == 7
        assert type(left["boxes"]) is tv_tensors.BoundingBoxes
        assert type(left["masks"]) is tv_tensors.Mask
        assert torch.equal(left["masks"][1], target["masks"][2])
    assert len(keep_objects(target, torch.zeros(3, dtype=torch.bool))["boxes"]) == 0
