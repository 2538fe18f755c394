"""One file for each way a whole folder of annotated pictures lies on disk.

Such a file has three functions: ``read(source, options)`` gives a ``Collection``,
``place(split)`` says where in a folder the pictures of a split lie, and ``write(root,
collection)`` writes everything but the pictures. Read, the ``file`` of a picture is its
path; to be written, it is its bare name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from course_lib.data.formats.annotated import Annotated
from course_lib.data.formats.files import read_lines, write_text
from course_lib.errors import InputError

FOLDERS = ("voc", "coco", "yolo", "labelme", "crowdhuman", "odgt", "pairs")
NAMES = "names.txt"


@dataclass(frozen=True)
class Options:
    """What a reader may be told.

    Attributes:
        names: of the classes, for formats that have none.
        images: folder of the pictures, where they are not where the format has them.
        first_pixel: VOC only, see ``read_voc_xml``.
        box: crowdhuman only, see ``read_crowdhuman``.
        faults: a list takes the sentences about faulty objects; None raises them.
    """

    names: tuple[str, ...] | None = None
    images: Path | None = None
    first_pixel: int = 1
    box: str = "fbox"
    faults: list[str] | None = None


@dataclass(frozen=True)
class Collection:
    """Annotated pictures by split, and the names of their classes in order."""

    splits: dict[str, list[Annotated]]
    names: tuple[str, ...]


def write_names(root: Path, names: Iterable[str]) -> None:
    """Write ``names.txt``, for formats that have no place for names of classes."""
    write_text(root / NAMES, "".join(f"{name}\n" for name in names))


def read_names(file: Path) -> tuple[str, ...]:
    """The names of classes in a file, one a line."""
    names = tuple(read_lines(file))
    if not names or len(set(names)) < len(names):
        raise InputError(f"{file} has no names, or one twice; write one a line")
    return names


def found_names(source: Path, splits: dict[str, list[Annotated]]) -> tuple[str, ...]:
    """The names in ``names.txt``, then others that occur, in alphabetical order."""
    root = source if source.is_dir() else source.parent
    names = read_names(root / NAMES) if (root / NAMES).is_file() else ()
    pictures = (picture for split in splits.values() for picture in split)
    seen = {thing.name for picture in pictures for thing in picture.things}
    return (*names, *sorted(seen - set(names)))


def files_of(source: Path, pattern: str, what: str) -> list[Path]:
    """A file itself, or those of a folder that fit, in order; never none."""
    found = [source] if source.is_file() else sorted(source.glob(pattern))
    if not found:
        raise InputError(f"{source} holds no {pattern}; give {what}")
    return found
