"""What goes wrong while a set is fetched leaves nothing; the next call completes."""

from dataclasses import replace
from hashlib import sha1

import pytest
from file_server import left
from harbour_archives import archive, is_the_harbour
from harbour_archives import entry as entry_of
from hostile_archives import tarred, zipped
from told import told

from course_lib.data import fetching, unpacking
from course_lib.data.catalogue import source
from course_lib.data.fetching import fetch

# what goes wrong leaves nothing, and the next call completes

HOSTILE = {
    "outside": zipped({"PennFudanPed/a": b"", "../evil": b"evil"}),
    "absolute": tarred({"/tmp/evil": b"evil"}),
    "link": tarred({"PennFudanPed/a": b""}, {"PennFudanPed/a": b"2"}),
    "pipe": tarred({"PennFudanPed/a": b""}, {"PennFudanPed/a": b"6"}),
    "twice": zipped([("PennFudanPed/a", b"1"), ("PennFudanPed/A", b"2")]),
    "bomb": zipped({"PennFudanPed/a": bytes(200_000_000)}),
    "other": zipped({"elsewhere/a": b""}),
    "part": zipped({"PennFudanPed/PNGImages/a.png": b""}),
    "nothing": b"",
    "page": b"<html>please log in</html>",
}


@pytest.mark.parametrize("kind", [*HOSTILE, "cut", "broken"])
def test_a_bad_archive_leaves_nothing(server, tmp_path, kind):
    good = archive("penn_fudan")
    middle = len(good) // 2
    bad = HOSTILE | {
        "cut": good[:middle],
        "broken": good[:middle] + b"??" + good[middle + 2 :],
    }
    entry = entry_of("penn_fudan", server.offer("a.zip", bad[kind]))
    told(lambda: fetch(entry, tmp_path / "cache"))
    assert left(tmp_path / "cache") == [] and left(tmp_path) == ["cache"]
    server.offer("a.zip", good, tag='"mended"')
    assert is_the_harbour("penn_fudan", fetch(entry, tmp_path / "cache"))
    assert left(tmp_path / "cache") == ["penn_fudan"]


def test_a_wrong_checksum_is_seen_before_unpacking(server, tmp_path, monkeypatch):
    url = server.offer("a.zip", archive("penn_fudan"))
    entry = entry_of("penn_fudan", url, contents=(b"other",))
    monkeypatch.setattr(fetching, "unpack", None)  # is not called
    found = told(lambda: fetch(entry, tmp_path))
    digits = sha1(archive("penn_fudan")).hexdigest()
    assert (
        f"(its sha1 begins with {digits[:8]}, not {sha1(b'other').hexdigest()})"[:40]
        in found
    )
    assert left(tmp_path) == []


def test_what_a_killed_run_left_is_used_or_removed(server, tmp_path):
    entry = entry_of("penn_fudan", server.offer("a.zip", b"not asked for"))
    work = tmp_path / ".penn_fudan.fetching"
    (work / "whole" / "PNGImages").mkdir(parents=True)
    (work / "whole" / "PNGImages" / "half.png").write_bytes(b"half")
    (work / "tmp123").write_bytes(b"of pooch")
    (work / "a.zip").write_bytes(archive("penn_fudan"))
    assert is_the_harbour("penn_fudan", fetch(entry, tmp_path))
    assert left(tmp_path) == ["penn_fudan"] and server.asked == []
    work.mkdir()  # killed before it could clean up
    (work / "a.zip").write_bytes(b"")
    fetch(entry, tmp_path)
    assert left(tmp_path) == ["penn_fudan"]


def test_a_set_that_has_lost_something(server, tmp_path):
    entry = entry_of("camvid", server.offer("a.zip", archive("camvid")))
    (fetch(entry, tmp_path) / "val.txt").unlink()
    found = told(lambda: fetch(entry, tmp_path))
    assert "remove camvid there and fetch it again" in found
    assert "MISSING  val.txt" in found


# the disk


def test_a_full_disk_before_and_while_unpacking(server, tmp_path, monkeypatch):
    entry = entry_of("penn_fudan", server.offer("a.zip", archive("penn_fudan")))
    large = replace(entry, files=(replace(entry.files[0], megabytes=10**9),))
    found = told(lambda: fetch(large, tmp_path))
    assert found.startswith(f"{tmp_path} is too full for penn_fudan (")
    assert "MB free, about 2,000,000,000 MB needed); mend that" in found
    assert left(tmp_path) == [] and server.asked == []

    write, written = unpacking._write, []

    def full(member, path):
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        written.append(path)
        write(member, path)

    monkeypatch.setattr(unpacking, "_write", full)
    found = told(lambda: fetch(entry, tmp_path))
    assert "is too full for penn_fudan (No space left on device)" in found
    assert left(tmp_path) == [".penn_fudan.fetching"]
    assert left(tmp_path / ".penn_fudan.fetching") == ["a.zip"]
    monkeypatch.setattr(unpacking, "_write", write)
    assert is_the_harbour("penn_fudan", fetch(entry, tmp_path))
    assert len(server.asked) == 1 and left(tmp_path) == ["penn_fudan"]


def test_what_has_come_needs_no_room_again(server, tmp_path, monkeypatch):
    entry = entry_of("penn_fudan", server.offer("a.zip", archive("penn_fudan")))
    work = tmp_path / ".penn_fudan.fetching"
    work.mkdir()
    (work / "a.zip-12345678.part").write_bytes(bytes(1_500_000))
    usage = type("Usage", (), {"free": 600_000})  # of 2 MB, archive and contents
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda folder: usage)
    assert is_the_harbour("penn_fudan", fetch(entry, tmp_path))


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    assert f"{tmp_path / 'file'} cannot take penn_fudan (" in told(
        lambda: fetch(source("penn_fudan"), tmp_path / "file")
    )
