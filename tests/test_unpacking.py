"""Archives of every bad kind: refused in one sentence, before anything is written."""

import errno
import io
import stat
import struct
import tarfile
import warnings
import zipfile

import pytest
from file_server import left
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.data import unpacking
from course_lib.errors import InputError

FILES = {"top/a.txt": b"first", "top/sub/b.txt": bytes(5000), "other.txt": b"third"}


def zipped(files, kinds=(), **how) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items() if isinstance(files, dict) else files:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = dict(kinds).get(name, 0o644) << 16
            with warnings.catch_warnings():  # of names that are there twice
                warnings.simplefilter("ignore")
                file.writestr(info, content)
    return packed.getvalue()


def tarred(files, kinds=(), mode="w") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as file:
        for name, content in files.items() if isinstance(files, dict) else files:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = dict(kinds).get(name, tarfile.REGTYPE), "a.txt"
            info.size = len(content) if info.isreg() else 0
            file.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def gzipped(files, kinds=()) -> bytes:
    return tarred(files, kinds, "w:gz")


PACKS = pytest.mark.parametrize("pack", [zipped, tarred, gzipped])


def unpacked(content: bytes, folder, inside="") -> dict[str, bytes]:
    """The files that come out of an archive."""
    archive = folder / "archive"
    archive.write_bytes(content)
    unpacking.unpack(archive, folder / "out", inside)
    return {
        path.relative_to(folder / "out").as_posix(): path.read_bytes()
        for path in (folder / "out").rglob("*")
        if path.is_file()
    }


def refused(content: bytes, folder, inside="") -> str:
    """The sentence of an archive that is refused; nothing has been written."""
    with pytest.raises(InputError) as error:
        unpacked(content, folder, inside)
    assert left(folder / "out") == []
    assert left(folder) == ["archive", "out"]
    return str(error.value).removeprefix(f"{folder / 'archive'} ")


@PACKS
def test_what_was_packed_comes_out(pack, tmp_path):
    assert unpacked(pack(FILES), tmp_path) == FILES


@PACKS
def test_one_folder_of_an_archive(pack, tmp_path):
    found = unpacked(pack(FILES), tmp_path, "top")
    assert found == {"a.txt": b"first", "sub/b.txt": bytes(5000)}
    assert unpacked(pack(FILES), tmp_path, "top/sub")["b.txt"] == bytes(5000)
    (tmp_path / "out").rename(tmp_path / "before")
    with pytest.raises(InputError, match="holds no folder 'to'; is it the right file?"):
        unpacked(pack(FILES), tmp_path, "to")


@PACKS
@pytest.mark.parametrize(
    "name", ["../x", "top/../../x", "/x", "C:/x", "..\\x", "\\x", "top/..", "//x/y"]
)
def test_names_that_lead_outside(pack, tmp_path, name):
    assert refused(pack(FILES | {name: b"x"}), tmp_path, "top") == (
        f"holds {name!r}, which would lead outside its folder; nothing was unpacked, "
        "get the archive from its original place"
    )


def test_names_with_control_characters(tmp_path):
    for pack in (zipped, tarred):
        found = refused(pack(FILES | {"top/a\nb": b"x"}), tmp_path)
        assert "which has a control character in its name" in found


@PACKS
@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("top/A.txt", "top/a.txt"),
        ("TOP/c.txt", "top"),
        ("top/a.txt/c", "top/a.txt"),
        ("top/sub", "top/sub"),
        ("./top//a.txt", "top/a.txt"),
        ("top\\a.txt", "top/a.txt"),
        ("top/a.txt", "top/a.txt"),
    ],
)
def test_names_that_clash_on_some_disk(pack, tmp_path, name, first):
    content = pack([*FILES.items(), (name, b"x")])
    assert f"which clashes with its {first!r}" in refused(content, tmp_path)


def test_letters_that_look_alike_clash(tmp_path):
    names = [("caf\u00e9", b"1"), ("cafe\u0301", b"2")]
    assert "clashes with its 'caf\u00e9'" in refused(zipped(names), tmp_path)


TAR_KINDS = {
    "symlink": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
    "pipe": tarfile.FIFOTYPE,
    "disk": tarfile.BLKTYPE,
    "terminal": tarfile.CHRTYPE,
}
ZIP_KINDS = {
    "symlink": stat.S_IFLNK,
    "pipe": stat.S_IFIFO,
    "disk": stat.S_IFBLK,
    "terminal": stat.S_IFCHR,
    "socket": stat.S_IFSOCK,
}


@pytest.mark.parametrize("kind", TAR_KINDS)
def test_links_and_devices_of_a_tar(tmp_path, kind):
    content = tarred(FILES | {"top/x": b""}, {"top/x": TAR_KINDS[kind]})
    words = "holds 'top/x', which is neither file nor folder; nothing was unpacked"
    assert words in refused(content, tmp_path)
    (tmp_path / "out").rmdir()
    outside = tarred(FILES | {"x": b""}, {"x": TAR_KINDS[kind]})
    assert len(unpacked(outside, tmp_path, "top")) == 2  # it is not unpacked, so good


@pytest.mark.parametrize("kind", ZIP_KINDS)
def test_links_and_devices_of_a_zip(tmp_path, kind):
    content = zipped(FILES | {"top/x": b"/etc"}, {"top/x": ZIP_KINDS[kind] | 0o777})
    assert "'top/x', which is neither file nor folder" in refused(content, tmp_path)


def test_a_folder_behind_a_link_is_not_written(tmp_path):
    """The old trick: a link to outside, then a file through it."""
    (tmp_path / "outside").mkdir()
    files = [("top/x", b""), ("top/x/evil", b"evil")]
    content = tarred(files, {"top/x": tarfile.SYMTYPE})
    archive = tmp_path / "archive"
    archive.write_bytes(content)
    with pytest.raises(InputError, match="neither file nor folder"):
        unpacking.unpack(archive, tmp_path / "out")
    assert left(tmp_path / "outside") == left(tmp_path / "out") == []


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
    import gzip

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


@pytest.mark.parametrize("pack", [zipped, gzipped])
def test_one_wrong_byte_is_refused_or_harmless(pack, tmp_path):
    """What comes out is what was packed, or nothing; both kinds have check sums."""
    content = pack(FILES)

    @given(st.integers(0, len(content) - 1), st.integers(1, 255))
    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    def change(place, by):
        broken = bytearray(content)
        broken[place] ^= by
        for path in (tmp_path / "out").rglob("*"):
            if path.is_file():
                path.unlink()
        try:
            assert (
                unpacked(bytes(broken), tmp_path, "top").items()
                <= {
                    "a.txt": b"first",
                    "sub/b.txt": bytes(5000),
                }.items()
            )
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
