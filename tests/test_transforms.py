"""Joint transforms: ids stay ids, picture and mask move together."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision import tv_tensors
from torchvision.transforms import v2

from course_lib.data import transforms as t
from course_lib.data.tiles import tiles, untile
from course_lib.errors import InputError

sides = st.integers(1, 40)
seeds = st.integers(0, 2**31)
quick = settings(max_examples=40, deadline=None)


def coloured_by_id(height, width, seed=0, ids=(0, 3, 7, 11)):
    """Blocks of 4x4 px whose grey is 20 x id + 10: the picture tells the mask."""
    torch.manual_seed(seed)
    blocks = torch.tensor(ids)[torch.randint(len(ids), (11, 11))]
    mask = blocks.repeat_interleave(4, 0).repeat_interleave(4, 1)[:height, :width]
    image = (mask * 20 + 10).to(torch.uint8).expand(3, -1, -1).contiguous()
    return tv_tensors.Image(image), tv_tensors.Mask(mask)


def joint_transforms(size):
    return {
        "scale": t.RandomScaledCrop((60, 80), 0.5, 2.0),
        "resize": t.Resize(size),
        "short side": t.Resize(17),
        "crop or pad": t.CropOrPad(size),
        "crop": t.random_crop(size),
        "rotate": t.random_rotation(40),
        "flip": v2.RandomHorizontalFlip(0.5),
        "train": t.training_transform(size, rotation=9, colour=0.4, blur=0.5),
        "evaluate": t.evaluation_transform(size),
    }


@pytest.mark.parametrize("name", joint_transforms(1))
@quick
@given(sides, sides, sides, sides, seeds)
def test_ids_stay_ids_and_sizes_agree(name, h, w, new_h, new_w, seed):
    image, mask = coloured_by_id(h, w, seed)
    size = max(3, new_h), max(3, new_w)  # the blur mirrors 2 px at the border
    change = joint_transforms(size if name == "train" else (new_h, new_w))[name]
    new_image, new_mask = change(image, mask)
    assert new_image.shape[-2:] == new_mask.shape and new_mask.dtype == torch.int64
    assert set(new_mask.unique().tolist()) <= {*mask.unique().tolist(), 255}


@pytest.mark.parametrize("name", ["crop or pad", "crop", "flip"])
@quick
@given(sides, sides, sides, sides, seeds)
def test_picture_and_mask_move_together(name, h, w, new_h, new_w, seed):
    image, mask = coloured_by_id(h, w, seed)
    new_image, new_mask = joint_transforms((new_h, new_w))[name](image, mask)
    expected = torch.where(new_mask == 255, 0, new_mask * 20 + 10)
    assert torch.equal(new_image[1].long(), expected)


@pytest.mark.parametrize("name", ["scale", "resize", "rotate"])
def test_most_pixels_agree_where_the_picture_is_interpolated(name):
    scaled = t.RandomScaledCrop((60, 80), 1.0, 2.0)
    changes = joint_transforms((95, 133)) | {"scale": scaled}
    for seed in range(10):
        image, mask = coloured_by_id(40, 44, seed)
        new_image, new_mask = changes[name](image, mask)
        inside = new_mask != 255
        error = (new_image[1].long() - new_mask * 20 - 10).abs()[inside]
        assert error.median() <= 1 and error.float().mean() < 50  # of 20 to 220


def test_no_pixel_is_void_unless_it_came_from_outside():
    image, mask = coloured_by_id(20, 30)
    assert (t.CropOrPad((26, 30))(image, mask)[1] == 255).sum() == 6 * 30
    assert (t.CropOrPad((9, 11))(image, mask)[1] == 255).sum() == 0
    assert (t.random_crop((20, 30))(image, mask)[1] == 255).sum() == 0
    assert (t.random_rotation((30, 31))(image, mask)[1] == 255).sum() > 50


def test_halving_picks_the_same_pixel_in_picture_and_mask():
    mask = tv_tensors.Mask(torch.arange(9).view(1, 9).expand(9, 9) * 10)
    image = tv_tensors.Image(mask.to(torch.uint8).expand(3, 9, 9).contiguous())
    image, mask = t.resize(image, mask, (3, 3))  # centres of threes
    assert mask[0].tolist() == [10, 40, 70]
    assert image[0, 1].tolist() == pytest.approx([10, 40, 70], abs=3)


def test_shorter_side_is_resized_and_the_shape_kept():
    image, mask = coloured_by_id(20, 40)
    assert t.Resize(10)(image, mask)[1].shape == (10, 20)
    assert t.evaluation_transform((10, 30))(image, mask)[1].shape == (10, 30)


def test_chance_is_seeded():
    image, mask = coloured_by_id(40, 40)
    change = t.training_transform(24, rotation=9, colour=0.4, blur=0.5)
    torch.manual_seed(3)
    first, first_mask = change(image, mask)
    torch.manual_seed(3)
    second, second_mask = change(image, mask)
    assert torch.equal(first, second) and torch.equal(first_mask, second_mask)
    assert first.dtype == torch.float32 and first.shape == (3, 24, 24)


def test_normalise_agrees_with_torchvision_and_comes_back():
    image = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(2, 3, 16, 16)
    reference = v2.functional.normalize(image / 255, list(t.MEAN), list(t.STD))
    assert torch.allclose(t.normalise(image), reference, rtol=0, atol=1e-6)
    assert torch.allclose(t.normalise(image / 255), reference, rtol=0, atol=1e-6)
    assert torch.equal(t.denormalise(t.normalise(image)), image)


@settings(max_examples=100, deadline=None)
@given(sides, sides, sides, sides, st.data())
def test_tiling_has_an_exact_inverse(height, width, h, w, data):
    overlap = data.draw(st.integers(0, min(h, w) - 1))
    whole = torch.rand(2, height, width)
    parts = tiles(whole, (h, w), overlap)
    assert parts.shape[1:] == (2, min(h, height), min(w, width))
    assert torch.equal(untile(parts, height, width, overlap), whole)


def test_tiles_by_hand_and_their_seams():
    row = torch.arange(8).view(1, 8)
    parts = tiles(row, (1, 4), overlap=2)
    assert parts.tolist() == [[[0, 1, 2, 3]], [[2, 3, 4, 5]], [[4, 5, 6, 7]]]
    numbered = torch.arange(3).view(3, 1, 1).expand(3, 1, 4)
    assert untile(numbered, 1, 8, overlap=2).tolist() == [[0, 0, 0, 1, 1, 2, 2, 2]]


def test_wrong_values_are_told():
    with pytest.raises(InputError) as error:
        tiles(torch.zeros(9, 9), 4, overlap=4)
    assert str(error.value) == "overlap is 4 for tiles of 4 px; give 0 to 3"
    with pytest.raises(InputError) as error:
        untile(torch.zeros(3, 4, 4), 8, 8)
    assert str(error.value) == (
        "3 tiles of (4, 4) do not make a picture of (8, 8), which has 4 of (4, 4); "
        "give the height, width and overlap that tiles() had"
    )
    with pytest.raises(InputError, match="scale goes from 2 to 1; give two factors"):
        t.RandomScaledCrop(8, 2, 1)
    with pytest.raises(InputError, match="size is 0; give"):
        t.random_crop(0)
