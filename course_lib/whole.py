"""Files and folders that appear whole or not at all.

All is written beside its place, under a hidden name, and moved there in one step: a
kill at any moment leaves the old one or the new.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from course_lib.errors import InputError


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A path to write a file to; it becomes ``path`` when the block ends well."""
    partial = _beside(Path(path))
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """A folder to write in; it becomes ``path`` when the block ends well.

    Raises:
        InputError: for a disk that is full or cannot be written.
    """
    with told_disk(path):
        partial = _beside(Path(path))
        partial.mkdir()
        try:
            yield partial
            os.replace(partial, path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def told_disk(path: str | Path) -> Iterator[None]:
    """Faults of the disk while ``path`` is written, told in one sentence."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path} could not be written whole ({error.strerror or error}); make room "
            "or give another place, then run it again"
        ) from None


def write_whole(path: str | Path, content: bytes) -> None:
    """Write a file, and wait until the disk has it."""
    with whole_file(path) as partial, open(partial, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _beside(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.{os.getpid()}.partial")
