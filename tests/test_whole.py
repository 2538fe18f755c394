"""Files and folders that appear whole: a disk that is full is told in one sentence."""

import pytest

from course_lib.data.formats.convert import convert
from course_lib.data.harbour import Harbour, export
from course_lib.data.harbour.layouts import voc
from course_lib.data.records import codec, write
from course_lib.errors import InputError

FULL = "could not be written whole (No space left on device); make room or give"


@pytest.fixture
def harbour() -> Harbour:
    return Harbour("train", count=2, size=(48, 64))


def full(*args, **kwargs):
    raise OSError(28, "No space left on device")


def test_an_export_appears_whole_or_not_at_all(harbour, tmp_path, monkeypatch):
    finish = voc.finish
    monkeypatch.setattr(voc, "finish", full)  # when all pictures are written
    with pytest.raises(InputError) as error:
        export(harbour, tmp_path / "new")
    assert str(error.value).startswith(f"{tmp_path / 'new'} {FULL}")
    assert list(tmp_path.iterdir()) == []

    monkeypatch.setattr(voc, "finish", finish)
    export(harbour, tmp_path / "new")
    before = sorted(path.name for path in (tmp_path / "new").rglob("*"))
    with monkeypatch.context() as patch:
        patch.setattr(voc, "finish", full)
        with pytest.raises(InputError, match="make room"):
            export(Harbour("val", count=1, size=(48, 64)), tmp_path / "new")
    export(Harbour("val", count=1, size=(48, 64)), tmp_path / "new")
    after = sorted(path.name for path in (tmp_path / "new").rglob("*"))
    assert set(before) < set(after) and "val.txt" in after


def test_an_export_to_no_folder(harbour, tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(InputError, match="could not be written whole"):
            export(harbour, place)


def test_shards_on_a_full_disk(harbour, tmp_path, monkeypatch):
    assert codec.encode is write.encode
    monkeypatch.setattr(write, "encode", full)
    with pytest.raises(InputError) as error:
        write.write_shards(harbour, tmp_path / "shards")
    assert str(error.value).startswith(f"{tmp_path / 'shards'} {FULL}")
    assert list(tmp_path.iterdir()) == []


def test_a_conversion_on_a_full_disk(harbour, tmp_path, monkeypatch):
    source = export(harbour, tmp_path / "coco", "coco")
    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(InputError) as error:
        convert(source, "coco", tmp_path / "voc", "voc", pictures="copy")
    assert str(error.value).startswith(f"{tmp_path / 'voc'} {FULL}")
    assert list(tmp_path.iterdir()) == [source]
