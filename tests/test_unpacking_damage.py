"""Bombs and damaged archives: what comes out is what was packed, or nothing."""

import errno
import gzip
import io
import struct
import tarfile

import pytest
from file_server import left
from hostile_archives import FILES, PACKS, gzipped, refused, tarred, unpacked, zipped
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from course_lib.data import unpacking
from course_lib.errors import InputError

# bombs


@pytest.mark.parametrize("pack", [zipped, gzipped])
def test_a_bomb_is_seen_before_it_goes_off(pack, tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "SMALL", 10**6)
    content = pack({f"{i}.txt": bytes(10**7) for i in range(3)})
    assert len(content) < 40_000
    assert "which makes it larger than 100 times its packed size" in refused(
        content, tmp_path
    )


def test_a_tar_that_states_a_huge_or_negative_file(tmp_path):
    for size in (2**62, -512, -1):
        info = tarfile.TarInfo("top/a.txt")
        info.size = size
        content = info.tobuf(tarfile.GNU_FORMAT) + bytes(10240)
        assert "makes it larger than 100 times" in refused(content, tmp_path)


def test_a_zip_that_states_less_than_it_holds(tmp_path):
    content = bytearray(zipped({"a.txt": bytes(10**6)}))
    at = content.index(b"PK\1\2")
    struct.pack_into("<L", content, at + 24, 10)  # the size in the list of contents
    archive = tmp_path / "archive"
    archive.write_bytes(content)
    with pytest.raises(InputError, match="cannot be unpacked .*; fetch it again"):
        unpacking.unpack(archive, tmp_path / "out")
    assert sum(path.stat().st_size for path in (tmp_path / "out").iterdir()) <= 10


def test_a_file_that_does_not_have_its_size(tmp_path):
    for held in (b"", b"12345", b"1" * 10**6):
        member = unpacking.Member("a.txt", "file", 6, lambda: io.BytesIO(held))  # noqa: B023
        with pytest.raises(EOFError, match="a.txt has another size than it says"):
            unpacking._write(member, tmp_path / "a.txt")


def test_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "MEMBERS", 10)
    for pack in (zipped, tarred):
        found = refused(pack({f"{i}.txt": b"" for i in range(11)}), tmp_path)
        assert "holds '10.txt', which is one of more than 10;" in found


def test_gzip_that_goes_on_behind_the_tar(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "SMALL", 10**6)
    content = gzip.compress(tarred(FILES) + bytes(10**8))
    found = refused(content, tmp_path)
    assert found == "cannot be unpacked (it goes on after its end); fetch it again"


def test_more_than_the_disk_has_free(tmp_path, monkeypatch):
    full = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda folder: full)
    for pack in (zipped, tarred):
        with pytest.raises(OSError) as error:
            unpacked(pack(FILES), tmp_path)
        assert error.value.errno == errno.ENOSPC and left(tmp_path / "out") == []


# damage


@PACKS
def test_a_cut_archive_is_refused_wherever_it_is_cut(pack, tmp_path):
    content = pack(FILES)
    end = len(content) if pack is not tarred else content.index(b"third") + 512
    for cut in (*range(0, end, 97), end - 1):
        archive = tmp_path / "archive"
        archive.write_bytes(content[:cut])
        with pytest.raises(InputError, match="cannot be unpacked|holds no folder"):
            unpacking.unpack(archive, tmp_path / "out", "top")


def test_a_file_that_is_no_archive(tmp_path):
    for content in (b"", b"no archive", b"<html>not found</html>" * 100, b"PK\3\4"):
        assert refused(content, tmp_path).startswith("cannot be unpacked (")


def test_an_encrypted_zip(tmp_path):
    content = bytearray(zipped({"a.txt": b"secret"}))
    for at, flag in ((content.index(b"PK\3\4"), 6), (content.index(b"PK\1\2"), 8)):
        content[at + flag] |= 1
    assert "is encrypted, password required" in refused(bytes(content), tmp_path)


def test_a_file_renamed_by_damage_is_missed(tmp_path):
    content = bytearray(zipped(FILES))
    at = content.rindex(b"top/a.txt")  # in the list of contents
    content[at] ^= 1
    assert "differ" in refused(bytes(content), tmp_path, "top")


@pytest.mark.parametrize("pack", [zipped, gzipped])
def test_one_wrong_byte_is_refused_or_harmless(pack, tmp_path):
    """Nothing wrong comes out; both kinds have check sums.

    A wrong length in a zip's list of contents can hide the file after it: the tree and
    the lists of a set tell that.
    """
    content = pack(FILES)

    @given(st.integers(0, len(content) - 1), st.integers(1, 255))
    @example(min(342, len(content) - 1), 2)  # a zip's seek to a negative place
    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    def change(place, by):
        broken = bytearray(content)
        broken[place] ^= by
        for path in (tmp_path / "out").rglob("*"):
            if path.is_file():
                path.unlink()
        try:
            found = unpacked(bytes(broken), tmp_path, "top")
            right = {"a.txt": b"first", "sub/b.txt": bytes(5000)}
            assert found.items() <= right.items()
        except InputError:
            pass

    change()


@given(st.binary(max_size=600))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_one_sentence(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("any")
    for start in (b"", b"PK\3\4", b"\x1f\x8b\x08\0", b"BZh9"):
        with pytest.raises(InputError):
            unpacked(start + content, folder)


def test_a_page_instead_of_an_archive_is_told_in_one_line(tmp_path):
    page = b"<html>please sign in</html>" * 40
    assert refused(page, tmp_path) == (
        "cannot be unpacked (file could not be opened successfully); fetch it again"
    )
