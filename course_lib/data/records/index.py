"""Where in which shard a sample begins, so that it is read with one seek.

A shard is a tar file: 512 bytes about a member (name at byte 0, length in octal digits
at 124), its content filled up to a multiple of 512, the next member, ..., and 1024
zeros at the end. The members ``000017.image.jpg`` and ``000017.mask.png`` are sample
17; a sample's members stand side by side.
"""

import contextlib
import json
import tarfile
import zlib
from itertools import groupby
from pathlib import Path

import numpy as np

from course_lib.errors import InputError
from course_lib.whole import whole_file

ABOUT, INDEX = "about.json", "index.npy"
BLOCK = 512
FORMAT = 1  # of about.json
AGAIN = "write the shards again, or copy them again from where they are whole"


def sample_rows(shard: str | Path) -> np.ndarray:
    """Where the members of every sample of a shard stand.

    Returns:
        (N, 3) int64: offset and size in bytes, headers included, and ``checksum``.

    Raises:
        InputError: for a file that is no tar file, breaks off, or was not written by
            ``write_shards``.

    Taught in chapters/01_pixels_and_labels.
    """
    shard, rows = Path(shard), []
    try:
        with tarfile.open(shard, "r:") as tar:
            members = tar.getmembers()
    except (tarfile.TarError, OSError) as error:
        raise InputError(f"{shard} cannot be read as tar ({error}); {AGAIN}") from None
    content, stop = shard.read_bytes(), 0
    for _, group in groupby(members, key=lambda member: member.name.split(".")[0]):
        start = stop
        for member in group:
            if (member.offset, member.offset_data) != (stop, stop + BLOCK):
                raise InputError(f"{shard} was written by another tool; {AGAIN}")
            stop = member.offset_data + whole_blocks(member.size)
        parts = unpack(content[start:stop])
        rows.append((start, stop - start, checksum(parts)))
    if len(content) < stop + 2 * BLOCK or any(content[stop:]):
        raise InputError(f"{shard} breaks off before its end; {AGAIN}")
    return np.array(rows, np.int64).reshape(-1, 3)


def unpack(run: bytes) -> dict[str, bytes]:
    """The files of a sample from the bytes of its members, by name without the key.

    Taught in chapters/01_pixels_and_labels.
    """
    parts, at = {}, 0
    while at < len(run):
        name = run[at : at + 100].rstrip(b"\0").decode()
        size = int(run[at + 124 : at + 135], 8)
        at += BLOCK
        parts[name.partition(".")[2]] = run[at : at + size]
        at += whole_blocks(size)
    return parts


def checksum(parts: dict[str, bytes]) -> int:
    """CRC-32 of the names and contents of a sample's files, in their order."""
    found = 0
    for name, content in parts.items():
        found = zlib.crc32(content, zlib.crc32(name.encode(), found))
    return found


def whole_blocks(size: int) -> int:
    """The next multiple of 512."""
    return -(-size // BLOCK) * BLOCK


def read_about(folder: str | Path) -> dict:
    """What ``about.json`` says of a folder of shards, whose sizes are checked.

    Raises:
        InputError: for a folder without it, and for a shard that is missing or cut.
    """
    path = Path(folder) / ABOUT
    if not path.is_file():
        raise InputError(
            f"{folder} holds no records: there is no {ABOUT}; give the folder that "
            "`python -m course_lib shards write` made"
        )
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        shards = [(path.parent / s["file"], s["bytes"]) for s in about["shards"]]
        known = about["format"] == FORMAT
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path} is damaged; {AGAIN}") from None
    if not known:
        raise InputError(
            f"{path} is of format {about['format']}, this course reads {FORMAT}; "
            "write the shards again"
        )
    wrong = [text for text in (_size_fault(*shard) for shard in shards) if text]
    if wrong:
        raise InputError(f"{'; '.join(wrong)}; {AGAIN}")
    return about


def _size_fault(shard: Path, size: int) -> str:
    if not shard.is_file():
        return f"{shard} is missing"
    found = shard.stat().st_size
    return "" if found == size else f"{shard} has {found} of {size} bytes"


def read_index(folder: str | Path, about: dict) -> np.ndarray:
    """The index of a folder; where there is none it is made anew.

    Returns:
        (N, 4) int64, memory-mapped: shard, offset, size, checksum.

    Raises:
        InputError: for an index of other shards.
    """
    path = Path(folder) / INDEX
    if not path.is_file():
        rows = make_index(folder, about)
        with contextlib.suppress(OSError):  # a folder that cannot be written to
            write_index(path, rows)
        return rows
    try:
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError):
        rows = np.zeros(0)
    counts = [shard["samples"] for shard in about["shards"]]
    numbers = np.repeat(np.arange(len(counts)), counts)  # the shard of every sample
    if (rows.dtype, rows.shape) != (np.int64, (len(numbers), 4)) or not np.array_equal(
        rows[:, 0], numbers
    ):
        raise InputError(
            f"{path} does not belong to these shards; delete it, it is made anew"
        )
    return rows


def make_index(folder: str | Path, about: dict) -> np.ndarray:
    """The index from the shards alone, (N, 4) int64, after a check of their bytes."""
    tables = []
    for number, shard in enumerate(about["shards"]):
        path = Path(folder) / shard["file"]
        if zlib.crc32(path.read_bytes()) != shard["crc32"]:
            raise InputError(f"{path} is damaged; {AGAIN}")
        rows = sample_rows(path)
        tables.append(np.insert(rows, 0, number, axis=1))
    return np.concatenate(tables)


def write_index(path: Path, rows: np.ndarray) -> None:
    """Write an index whole or not at all."""
    with whole_file(path) as partial, open(partial, "wb") as file:
        np.save(file, rows)
