"""Archives made entry by entry, good and bad, and what becomes of them."""

import io
import tarfile
import warnings
import zipfile

import pytest
from file_server import left

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
