"""The one switch of a chapter: harbour or real."""

import pytest

import course_lib
from course_lib.data.world import world
from course_lib.errors import InputError


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_WORLD", raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))


def test_the_harbour():
    harbour = course_lib.world()
    assert harbour.name == "harbour" and harbour.classes.num_classes == 12
    image, mask = harbour.dataset("val", count=2, size=(48, 64), thin=2)[1]
    assert image.shape == (3, 48, 64) and mask.shape == (48, 64)
    assert "drawn as needed" in harbour.about() and "CC BY" in harbour.about()


def test_without_data_the_real_world_says_how_to_get_it(monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    with pytest.raises(InputError) as error:
        world("real")
    assert str(error.value) == (
        "the real world needs CamVid; run `python -m course_lib data fetch camvid`, or "
        "set COURSE_DATA to a folder that holds camvid/"
    )


def test_the_environment_overrides_the_name(monkeypatch):
    monkeypatch.setenv("COURSE_WORLD", "harbour")
    assert world("real").name == "harbour"
    monkeypatch.setenv("COURSE_WORLD", "moon")
    with pytest.raises(InputError, match="no world 'moon'; choose harbour or real"):
        world("harbour")


@pytest.mark.real
def test_the_real_world(real_data):
    real = world("real")
    assert real.name == "real" and real.classes.name == "camvid"
    assert "SegNet" in real.about() and "research use" in real.about()
    assert str(real_data) not in real.about()
    assert len(real.dataset("test")) == 233
    dataset = real.dataset("val", count=5, size=(96, 128))
    assert len({dataset.file(i) for i in range(len(dataset))}) == 5
    assert dataset[4][0].shape == (3, 96, 128) and dataset[4][1].shape == (96, 128)
    with pytest.raises(InputError, match="photographs have no dial 'thin'; turn dials"):
        real.dataset("val", thin=1)
    with pytest.raises(InputError, match="count is 102; val of CamVid has 1 to 101"):
        real.dataset("val", count=102)
