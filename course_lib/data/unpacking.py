"""Unpack tar and zip archives that may be damaged or hostile.

An archive is looked through before its first byte is written: every name must stay in
its folder and be there once, everything kept must be a plain file or a folder, and the
whole must not be larger than such an archive can honestly be. Owners, rights and times
are not kept.
"""

import errno
import lzma
import shutil
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from course_lib.errors import InputError

RATIO = 100  # unpacked to packed, far above that of pictures, labels and lists
SMALL = 10**8  # bytes that may come out of an archive however small it is
MEMBERS = 10**6
BLOCK = 2**20
DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,  # encrypted, or packed in a way Python cannot read
    UnicodeError,
)


@dataclass(frozen=True)
class Member:
    """A file, folder or something else in an archive."""

    name: str
    kind: str  # "file", "folder" or "other"
    size: int
    open: Callable[[], BinaryIO]


def unpack(archive: Path, folder: Path, inside: str = "") -> None:
    """Unpack an archive, or one folder of it, into a folder.

    Args:
        archive: tar, plain or compressed, or zip.
        folder: where to; made when missing.
        inside: the folder of the archive whose contents are wanted, "" for all.

    Raises:
        InputError: for an archive that is damaged, hostile or lacks ``inside``.
        OSError: where the disk is full or cannot be written. What was unpacked by then
            is for the caller to remove.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _members(archive) as members:
            for path, member in _plan(archive, members, inside, folder):
                _write(member, folder / path)
    except DAMAGE as error:
        if getattr(error, "errno", None) not in (None, errno.EINVAL):
            raise  # the disk's fault; EINVAL is a seek to nowhere
        first_line = str(error).partition("\n")[0].rstrip(":")
        raise InputError(
            f"{archive} cannot be unpacked ({first_line}); fetch it again"
        ) from None


@contextmanager
def _members(archive: Path) -> Iterator[Iterable[Member]]:
    with archive.open("rb") as file:
        zipped = file.read(4) in (b"PK\3\4", b"PK\5\6")
    if zipped:
        with zipfile.ZipFile(archive) as opened:
            yield (_of_zip(opened, info) for info in opened.infolist())
    else:
        with tarfile.open(archive) as opened:
            yield _to_its_end(opened)


def _to_its_end(opened: tarfile.TarFile) -> Iterator[Member]:
    """All members; ``tarfile`` alone would take a damaged header for the end."""
    for info in opened:
        yield _of_tar(opened, info)
    opened.fileobj.seek(opened.offset)
    if opened.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("it breaks off")
    tail = 0
    while block := opened.fileobj.read(BLOCK):  # where gzip checks its sum
        tail += len(block)
        if tail > SMALL:
            raise tarfile.ReadError("it goes on after its end")


def _of_zip(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    plain = stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG, stat.S_IFDIR)
    kind = "other" if not plain else "folder" if info.is_dir() else "file"
    return Member(info.filename, kind, info.file_size, partial(file.open, info))


def _of_tar(file: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    kind = "file" if info.isreg() else "folder" if info.isdir() else "other"
    return Member(info.name, kind, info.size, partial(file.extractfile, info))


def _plan(
    archive: Path, members: Iterable[Member], inside: str, folder: Path
) -> list[tuple[PurePosixPath, Member]]:
    """What is to be written where, or the reason to write nothing."""
    limit = SMALL + RATIO * archive.stat().st_size
    kept, seen, total = [], {}, 0
    for count, member in enumerate(members, start=1):
        path = PurePosixPath(member.name.replace("\\", "/"))
        total += member.size
        fault = _fault(path, member, count, total > limit)
        if not fault and path.is_relative_to(inside):
            fault = "is neither file nor folder" if member.kind == "other" else ""
            path = path.relative_to(inside)
            fault = fault or _clash(seen, path, member.kind)
            kept.append((path, member))
        elif not fault and member.kind == "file":
            member.open().close()  # where a zip compares the two names it keeps
        if fault:
            raise InputError(
                f"{archive} holds {member.name!r}, which {fault}; nothing was "
                "unpacked, get the archive from its original place"
            )
    if not any(path.parts for path, _ in kept):
        raise InputError(f"{archive} holds no folder {inside!r}; is it the right file?")
    check_room(folder, sum(member.size for _, member in kept))
    return kept


def check_room(folder: Path, needed: int) -> None:
    """Refuse what cannot fit on a disk: ``OSError`` ENOSPC, as if it were full."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        sizes = f"{free // 10**6:,} MB free, about {needed // 10**6:,} MB needed"
        raise OSError(errno.ENOSPC, sizes)


def _fault(path: PurePosixPath, member: Member, count: int, large: bool) -> str:
    parts = path.parts or (".",)
    if path.is_absolute() or ".." in parts or ":" in parts[0]:
        return "would lead outside its folder"
    if any(letter < " " for letter in member.name):
        return "has a control character in its name"
    if member.size < 0 or large:
        return f"makes it larger than {RATIO} times its packed size"
    return f"is one of more than {MEMBERS:,}" if count > MEMBERS else ""


def _clash(seen: dict, path: PurePosixPath, kind: str) -> str:
    """Why a path cannot stand beside those seen, on any kind of disk; "" if it can."""
    for place, what in [*((p, "folder") for p in path.parents), (path, kind)]:
        key = unicodedata.normalize("NFC", str(place)).casefold()
        first = seen.setdefault(key, (place, what, path))
        if first[:2] != (place, what) or what == "file" and first[2] is not path:
            return f"clashes with its {str(first[0])!r}"
    return ""


def _write(member: Member, path: Path) -> None:
    if member.kind == "folder":
        return path.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    left = member.size
    with member.open() as source, path.open("wb") as target:
        while left >= 0 and (block := source.read(BLOCK)):
            left -= len(block)
            target.write(block)
    if left:
        raise EOFError(f"{member.name} has another size than it says")
