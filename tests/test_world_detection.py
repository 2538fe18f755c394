"""The worlds as detectors want them, and the split of Penn-Fudan for everyone."""

import pytest
import torch

import course_lib
from course_lib.data.harbour import Harbour
from course_lib.data.readers.penn_fudan import PennFudan
from course_lib.errors import InputError


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    monkeypatch.delenv("COURSE_WORLD", raising=False)


def test_the_things_of_the_harbour():
    world = course_lib.world("harbour", task="detection")
    things = world.dataset("val", count=3)
    assert world.classes.names[1:] == (
        "boat", "car", "person", "mast", "lamp post", "buoy",
    )  # fmt: skip
    image, target = things[1]
    plain, other = Harbour("val", 3, (192, 256), task="detection", thin=4)[1]
    assert torch.equal(image, plain) and torch.equal(target["boxes"], other["boxes"])
    assert torch.equal(target["labels"] + 5, other["labels"])
    assert target["masks"].dtype == torch.uint8
    assert torch.equal(target["masks"].sum((1, 2)).float(), target["area"])


def test_a_transform_sees_labels_from_one():
    def first(image, target):
        return target["labels"].min()

    world = course_lib.world(task="detection")
    assert world.dataset("train", count=1, transform=first, thin=2)[0] == 1


def test_wrong_words():
    with pytest.raises(InputError, match="no task 'depth'; choose segmentation or"):
        course_lib.world("harbour", task="depth")
    with pytest.raises(InputError, match="no split 'all'; it has train, val, test"):
        PennFudan("nowhere", split="all")


@pytest.mark.real
def test_people(real_data):
    world = course_lib.world("real", task="detection")
    sets = [world.dataset(split) for split in ("train", "val", "test")]
    assert list(map(len, sets)) == [100, 20, 50]
    files = sorted(s.file(i) for s in sets for i in range(len(s)))
    whole = PennFudan(real_data / "PennFudanPed")
    assert files == [whole.file(i) for i in range(170)]
    assert sets[2].file(1) == whole.file(4) and sets[1].file(3) == whole.file(26)
    image, target = world.dataset("test", count=5, size=(96, 128))[4]
    assert image.shape == (3, 96, 128) and target["masks"].shape[-2:] == (96, 128)
    assert (target["boxes"][:, 2] <= 128).all() and (target["labels"] == 1).all()
    with pytest.raises(InputError, match="count is 51; test of Penn-Fudan has 1 to 50"):
        world.dataset("test", count=51)
    with pytest.raises(InputError, match="photographs have no dial 'thin'"):
        world.dataset("test", thin=1)
