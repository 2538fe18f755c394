"""Data sets by their names: from a folder, COURSE_DATA, or where they fetch to."""

import pytest

from course_lib.data.catalogue import CATALOGUE
from course_lib.data.harbour import Harbour, export
from course_lib.data.opening import READERS, open_dataset
from course_lib.errors import InputError


@pytest.mark.parametrize("name", sorted(set(READERS) - {"records"}))
def test_what_a_reader_reads_can_be_fetched_or_is_described(name):
    entry = CATALOGUE[READERS[name].fetched or name]
    assert entry.reader == READERS[name].file or name in (
        "coco_voc",
        "voc_detection",
        "coco_semantic",
    )


def test_a_fetched_set_is_found_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    with pytest.raises(InputError, match="where is voc. Give --data FOLDER"):
        open_dataset("voc", "train")
    export(Harbour("train", count=2), tmp_path / "voc2012", "voc")
    assert len(open_dataset("voc", "train")) == 2
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "elsewhere"))
    with pytest.raises(InputError, match="elsewhere"):
        open_dataset("voc", "train")  # what COURSE_DATA says goes first


def test_options_are_those_of_the_reader(tmp_path):
    root = export(Harbour("train", count=2), tmp_path, "cityscapes")
    _, target = open_dataset("cityscapes", "train", root, task="detection")[0]
    assert set(target) >= {"boxes", "labels"}
    with pytest.raises(InputError, match="cityscapes has no dial thin; dials are the"):
        open_dataset("cityscapes", "train", root, thin=2)
    with pytest.raises(InputError, match="camvid has no option task; leave it out"):
        open_dataset("camvid", "train", root, task="detection")


def test_the_harbour_gives_both_tasks():
    assert isinstance(open_dataset("harbour", "val", task="detection")[0][1], dict)


@pytest.mark.real
@pytest.mark.parametrize("name", [n for n, r in READERS.items() if r.folder])
def test_every_real_sample_opens_by_its_name(name, real_data):
    for split in ("train", "val", "trainval", "test", "all"):
        try:
            dataset = open_dataset(name, split)
        except InputError:
            continue
        assert len(dataset) and dataset.file(0).startswith(str(real_data))
        return
    raise AssertionError(f"no split of {name} could be opened")
