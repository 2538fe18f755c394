"""Put a picture and its labels on disk so that nobody ever finds half a pair.

New files are first written whole under hidden names; the new picture comes last and
says that both are ready. From then on the change counts: whoever opens the folders
finishes it with ``finish``. What is left from before that moment is never looked at.
"""

import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from course_lib.data.readers.pairs import PICTURES
from course_lib.errors import InputError

READY = ".ready"  # ends the hidden name of a file that only has to be renamed
Save = Callable[[Path], None]  # writes a file


def free_name(*folders: Path) -> str:
    """A time stamp that no file in the folders bears, kept free for the caller.

    Two calls in the same microsecond, also of two processes, get two names.
    """
    now = datetime.now()
    while True:
        name = now.strftime("%Y-%m-%d_%H-%M-%S-%f")
        if not any(found(folder, name) for folder in folders):
            try:
                hidden(folders[-1], name).open("x").close()
                return name
            except FileExistsError:
                pass
        now += timedelta(microseconds=1)


def replace_pair(
    images: Path, labels: Path, name: str, picture: Save | None, mask: Save | None
) -> None:
    """Put a picture, its labels, or both in the place of those of that name.

    Args:
        images: folder of the pictures.
        labels: folder of the label pictures.
        name: stem of both files; they become PNG files.
        picture: writes the new picture; None leaves the old one.
        mask: writes the new labels; None leaves the old ones.

    Raises:
        InputError: where the disk refuses; the old pair, if any, still stands.
    """
    try:
        if mask:
            write_through(hidden(labels, name), mask)
        else:  # of a change that never counted
            hidden(labels, name).unlink(missing_ok=True)
        if picture:
            part = images / f".{name}.part"
            write_through(part, picture)
            os.replace(part, hidden(images, name))
            finish(images, labels)
        else:
            put(hidden(labels, name), labels, name)
    except OSError as error:
        raise InputError(
            f"{name} could not be saved in {images} and {labels} ({error.strerror}); "
            "make room or allow writing there, then save it again"
        ) from None


def finish(images: Path, labels: Path) -> None:
    """Carry out the changes of pairs that are ready, as an earlier process left them.

    Two processes may do so at once.
    """
    for ready in sorted(images.glob(f".*{READY}")):
        name = ready.name.removeprefix(".").removesuffix(READY)
        put(hidden(labels, name), labels, name)
        put(ready, images, name)
    for ready in sorted(labels.glob(f".*{READY}")):  # cut off within ``put``
        name = ready.name.removeprefix(".").removesuffix(READY)
        if found(images, name) and not found(labels, name):
            put(ready, labels, name)


def put(ready: Path, folder: Path, name: str) -> None:
    """Move a whole file to its place; one with another ending goes first."""
    if not ready.exists():
        return
    target = folder / f"{name}.png"
    for old in found(folder, name):
        if old != target:
            old.unlink(missing_ok=True)
    try:
        os.replace(ready, target)
        sync(folder)
    except FileNotFoundError:  # another process was quicker
        pass


def set_aside(path: Path) -> Path:
    """Move a file into the folder ``deleted`` beside it, never onto another one."""
    folder = path.parent / "deleted"
    folder.mkdir(exist_ok=True)
    target = folder / path.name
    if target.exists():
        target = target.with_stem(f"{path.stem}_{time.time_ns()}")
    os.replace(path, target)
    return target


def found(folder: Path, name: str) -> list[Path]:
    """The pictures of that stem in a folder, whatever their ending."""
    return [p for p in folder.iterdir() if p.stem == name and is_picture(p)]


def is_picture(path: Path) -> bool:
    """Whether ``by_stem`` would take a file for a picture."""
    return path.suffix.lower() in PICTURES and not path.name.startswith(".")


def hidden(folder: Path, name: str) -> Path:
    """Where a file waits until it is renamed."""
    return folder / f".{name}{READY}"


def write_through(path: Path, save: Save) -> None:
    """Write a file and wait until the disk has it."""
    save(path)
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync(folder: Path) -> None:
    """Wait until the disk has the names of a folder, where the system can tell."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
