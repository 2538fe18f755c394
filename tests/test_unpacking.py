"""Names, links and devices: refused in one sentence, before anything is written."""

import stat
import tarfile

import pytest
from file_server import left
from hostile_archives import FILES, PACKS, refused, tarred, unpacked, zipped

from course_lib.data import unpacking
from course_lib.errors import InputError


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
