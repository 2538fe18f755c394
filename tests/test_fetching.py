"""Whole sets of harbour pictures, fetched from a server of our own and opened."""

import threading
from dataclasses import replace
from hashlib import sha1

import pytest
from file_server import left
from harbour_archives import archive, is_the_harbour
from harbour_archives import entry as entry_of
from hostile_archives import tarred, zipped
from told import told

from course_lib.__main__ import main
from course_lib.data.catalogue import CATALOGUE, File, Source, source
from course_lib.data.fetching import fetch

# the real entries, from a mirror


@pytest.mark.parametrize("name", ["camvid", "penn_fudan"])
def test_a_set_from_another_address(server, tmp_path, name, capsys):
    server.offer(source(name).files[0].name, archive(name), cuts=[1000, 1000])
    words = ["data", "fetch", name, "--to", str(tmp_path), "--mirror", server.url + "/"]
    assert main(words) == 0
    assert f"  is in     {tmp_path / name}\n" in capsys.readouterr().out
    assert left(tmp_path) == [name] and is_the_harbour(name, tmp_path / name)
    assert main(words) == 0 and len(server.asked) == 3  # it is there already


def test_a_set_with_a_checksum(server, tmp_path):
    url = server.offer("voc.tar", archive("voc2012"))
    entry = entry_of("voc2012", url, contents=(archive("voc2012"),))
    assert fetch(entry, tmp_path) == tmp_path / "voc2012"
    assert is_the_harbour("voc2012", tmp_path / "voc2012")


def test_a_mirror_that_is_a_folder(tmp_path):
    (tmp_path / "mirror").mkdir()
    there = tmp_path / "mirror" / "PennFudanPed.zip"
    words = ["data", "fetch", "penn_fudan", "--to", str(tmp_path / "to")]
    assert main([*words, "--mirror", str(there.parent)]) == 2
    there.write_bytes(archive("penn_fudan"))
    assert main([*words, "--mirror", str(there.parent)]) == 0
    assert is_the_harbour("penn_fudan", tmp_path / "to" / "penn_fudan")
    assert there.exists() and left(tmp_path / "to") == ["penn_fudan"]


def test_mirrors_that_do_not_help(server, tmp_path):
    entry = source("penn_fudan")
    assert told(lambda: fetch(entry, tmp_path, mirror=str(tmp_path))) == (
        f"there is no file {tmp_path / 'PennFudanPed.zip'}; check the name"
    )
    found = told(lambda: fetch(entry, tmp_path, mirror=server.url))
    assert f"{server.url}/PennFudanPed.zip did not give it (status 404)" in found
    for mirror in ("gone", "ftp://x/y"):
        assert told(lambda: fetch(entry, tmp_path, mirror=mirror)).startswith(  # noqa: B023
            f"there is no folder {mirror}; --mirror takes a folder or an http address "
            "that holds PennFudanPed.zip"
        )
    assert left(tmp_path) == []


# several files


def checksum_of(content: bytes) -> str:
    return f"sha1:{sha1(content).hexdigest()}"


def three(server, tmp_path) -> Source:
    """A zip, a tar within a zip, and a plain file."""
    contents = {
        "a.zip": zipped({"top/a.txt": b"a", "README": b"1"}),
        "b.zip": zipped({"README": b"2", "in/b.tar.gz": tarred({"b/b.txt": b"b"})}),
        "c.csv": b"c",
    }
    files = [
        File(
            server.offer(name, content), 1, checksum=f"sha1:{sha1(content).hexdigest()}"
        )
        for name, content in contents.items()
    ]
    return Source(
        name="three",
        title="Three, a set",
        terms="",
        citation="",
        files=(
            replace(files[0], inside="", to="first"),
            replace(files[1], inside="", nested=["in/b.tar.gz"]),
            replace(files[2], to="lists"),
        ),
        tree={"first/top/a.txt": "", "in/b/b.txt": "", "lists/c.csv": "", "README": ""},
    )


def test_several_files_make_one_set(server, tmp_path):
    folder = fetch(three(server, tmp_path), tmp_path)
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert found == {
        "first/top/a.txt": b"a",
        "first/README": b"1",
        "README": b"2",
        "in/b/b.txt": b"b",
        "lists/c.csv": b"c",
    }
    assert left(tmp_path) == ["three"]


def test_what_came_right_is_not_fetched_again(server, tmp_path):
    entry = three(server, tmp_path)
    right = server.offers["/b.zip"]
    server.offer("b.zip", b"wrong")
    told(lambda: fetch(entry, tmp_path))
    assert left(tmp_path / ".three.fetching") == ["a.zip"]
    server.offers["/b.zip"] = right
    assert (fetch(entry, tmp_path) / "in" / "b" / "b.txt").read_bytes() == b"b"
    paths = [path for path, _ in server.asked]
    assert paths == ["/a.zip", "/b.zip", "/b.zip", "/c.csv"]


def test_files_fetched_by_hand(server, tmp_path):
    entry = three(server, tmp_path)
    by_hand = tmp_path / "b.zip"
    by_hand.write_bytes(server.offers["/b.zip"].content)
    fetch(entry, tmp_path / "cache", [by_hand])
    assert [path for path, _ in server.asked] == ["/a.zip", "/c.csv"]
    assert left(tmp_path) == ["b.zip", "cache"]
    by_hand.write_bytes(b"wrong")
    assert f"{by_hand} is not the b.zip of the catalogue: its sha1 begins with" in told(
        lambda: fetch(entry, tmp_path / "again", [by_hand])
    )
    assert told(lambda: fetch(entry, tmp_path / "again", [tmp_path / "d.zip"])) == (
        f"{tmp_path / 'd.zip'} is no file of three; it has a.zip, b.zip, c.csv"
    )
    assert by_hand.exists() and left(tmp_path / "again") == [".three.fetching"]


def test_the_only_file_by_hand_may_have_another_name(tmp_path):
    by_hand = tmp_path / "PennFudanPed (1).zip"
    by_hand.write_bytes(archive("penn_fudan"))
    fetch(source("penn_fudan"), tmp_path, [by_hand])
    assert left(tmp_path) == ["PennFudanPed (1).zip", "penn_fudan"]
    found = told(lambda: fetch(source("camvid"), tmp_path, [tmp_path / "no.zip"]))
    assert found == f"there is no file {tmp_path / 'no.zip'}; check the name"


def test_a_single_file_is_no_folder(server, tmp_path):
    url = server.offer("weights-12345678.pth", b"weights")
    file = File(url, 1, checksum=f"sha256:{'0' * 8}")
    entry = Source("weights-12345678.pth", "Weights", "", "", (file,))
    told(lambda: fetch(entry, tmp_path))
    assert left(tmp_path) == []
    entry = replace(entry, files=(replace(file, checksum=None),))
    assert fetch(entry, tmp_path).read_bytes() == b"weights"
    assert left(tmp_path) == ["weights-12345678.pth"]


# with an account


def test_a_set_that_needs_an_account_says_where_and_what(tmp_path):
    entry = source("cityscapes")
    found = told(lambda: fetch(entry, tmp_path))
    assert found.startswith(
        "gtFine_trainvaltest.zip of cityscapes is not given without an account: "
    )
    assert "https://www.cityscapes-dataset.com" in found
    assert found.endswith("then give the files with --archive FILE ...")
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    "name", [name for name, entry in CATALOGUE.items() if not entry.files]
)
def test_a_set_without_addresses_shows_its_tree(tmp_path, name):
    by_hand = [tmp_path / "some.zip"]
    found = told(lambda: fetch(source(name), tmp_path, by_hand))
    assert found.startswith(f"{name} must be fetched by hand: ")
    assert f"make {tmp_path / name} of it. Expected:\n" in found
    assert all(path in found for path in source(name).tree) and left(tmp_path) == []


def test_two_runs_at_once_fetch_once(server, tmp_path):
    entry = entry_of("penn_fudan", server.offer("a.zip", archive("penn_fudan")))
    found = []
    runs = [
        threading.Thread(target=lambda: found.append(fetch(entry, tmp_path)))
        for _ in range(4)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert found == [tmp_path / "penn_fudan"] * 4 and len(server.asked) == 1
    assert is_the_harbour("penn_fudan", found[0]) and left(tmp_path) == ["penn_fudan"]
