"""Whole folders of annotated pictures from one format to another."""

import os
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path

from course_lib.data.formats import LOST, NO_CROWDS, PAINTED
from course_lib.data.formats.annotated import Annotated, Thing
from course_lib.data.formats.folders import FOLDERS, Collection, Options
from course_lib.errors import InputError
from course_lib.whole import whole_folder

WAYS = ("link", "copy", "none")
BACKGROUND = ("background", "_background_", "__ignore__")


@dataclass
class Report:
    """What became of a conversion.

    Attributes:
        pictures: written, by split.
        objects: written, by name.
        left_out: objects whose name is not among the names, and crowds where the
            format has none, by name.
        lost: how many objects lost what: polygons, difficult, ...
        faults: a sentence for each faulty object that was left out.
    """

    pictures: Counter = field(default_factory=Counter)
    objects: Counter = field(default_factory=Counter)
    left_out: Counter = field(default_factory=Counter)
    lost: Counter = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def convert(
    source: str | Path,
    source_format: str,
    target: str | Path,
    target_format: str,
    *,
    names: Sequence[str] | None = None,
    fill: str | None = None,
    pictures: str = "link",
    skip_faulty: bool = False,
    **options,
) -> Report:
    """Write a folder anew in another format.

    Args:
        source: the folder, or the one file that tells of it.
        source_format: one of ``FOLDERS``; the files there say what lies where.
        target: a folder that is not there yet; it appears when all is written.
        target_format: one of ``FOLDERS``.
        names: of the classes, in this order; objects of others are left out and
            counted. None: those of the source.
        fill: for label pictures, the class of pixels that no object covers; None
            makes them void.
        pictures: "link" puts symbolic links to the pictures where the target has
            them, "copy" copies, "none" writes annotations only.
        skip_faulty: leave faulty objects out and tell them, instead of stopping.
        **options: ``images``, ``first_pixel``, ``box`` of ``folders.Options``.

    Returns:
        What was written, left out and lost.

    Raises:
        InputError: for a wrong source, naming file and object; nothing is written.

    Taught in chapters/01_pixels_and_labels.
    """
    target, report = Path(target), Report()
    reader, writer = _folder(source_format), _folder(target_format)
    if pictures not in WAYS:
        raise InputError(f"no pictures {pictures!r}; choose {', '.join(WAYS)}")
    faults = report.faults if skip_faulty else None
    told = tuple(names) if names else None
    found = reader.read(Path(source), Options(told, faults=faults, **options))
    known = _names(found.names, target_format, fill)
    if target.exists() and (target.is_file() or any(target.iterdir())):
        raise InputError(f"{target} is there already; give a new folder")
    with whole_folder(target) as root:
        splits: dict[str, list[Annotated]] = {}
        taken: dict[Path, str] = {}
        for split, items in found.splits.items():
            folder = root / writer.place(split)
            splits[split] = []
            for item in items:
                name = _put_picture(item.file, folder, pictures, taken)
                kept = _kept(replace(item, file=name), known, target_format, report)
                filled = fill and target_format in PAINTED
                splits[split].append(_filled(kept, fill) if filled else kept)
            report.pictures[split] = len(items)
        writer.write(root, Collection(splits, known))
    return report


def _folder(name: str):
    if name not in FOLDERS:
        raise InputError(f"no format {name!r}; choose from {', '.join(FOLDERS)}")
    return import_module(f"course_lib.data.formats.folders.{name}")


def _names(names: tuple[str, ...], target_format: str, fill) -> tuple[str, ...]:
    """The names of the target: a background only where pixels are labelled."""
    if target_format not in PAINTED:
        return tuple(name for name in names if name not in BACKGROUND)
    names = names if fill is None or fill in names else (fill, *names)
    if len(names) > 254:
        raise InputError(f"{len(names)} classes; a label picture has room for 254")
    return names


def _put_picture(file: str, folder: Path, way: str, taken: dict[Path, str]) -> str:
    """Link or copy a picture into a folder; returns its bare name."""
    name = Path(file).name
    if not name or not name.isprintable():
        raise InputError(f"{file!r} is no name of a picture; rename it")
    stem = folder / Path(name).stem
    if taken.setdefault(stem, file) != file:
        raise InputError(
            f"{taken[stem]} and {file} would both be {stem.name}; rename one, as "
            "labels are found by the name of their picture"
        )
    if way != "none" and not os.path.lexists(folder / name):
        _check_picture(Path(file))
        folder.mkdir(parents=True, exist_ok=True)
        if way == "copy":
            shutil.copyfile(file, folder / name)
        else:
            _link(Path(file).resolve(), folder / name)
    return name


def _link(source: Path, place: Path) -> None:
    try:
        os.symlink(source, place)
    except OSError as error:
        raise InputError(
            f"{source} cannot be linked to ({error.strerror}); copy the pictures: "
            'pictures="copy"'
        ) from None


def _check_picture(path: Path) -> None:
    from course_lib.data.readers.pairs import PICTURES

    if not path.is_file() or path.suffix.lower() not in PICTURES:
        raise InputError(
            f"there is no picture {path}; tell where the pictures are with images "
            '(--images), or write annotations only with pictures="none"'
        )


def _kept(picture: Annotated, names, target_format: str, report: Report) -> Annotated:
    """The picture without what the target cannot hold, which is counted."""
    things = []
    for thing in picture.things:
        gone = thing.crowd and target_format in NO_CROWDS
        if gone or thing.name not in names:
            report.left_out[thing.name + " (crowd)" * gone] += 1
            continue
        things.append(thing)
        report.objects[thing.name] += 1
        report.lost.update(what for what in LOST[target_format] if getattr(thing, what))
    return replace(picture, things=tuple(things))


def _filled(picture: Annotated, name: str) -> Annotated:
    """A thing that covers the whole picture, below all others."""
    width, height = picture.width, picture.height
    box = (0.0, 0.0, float(width), float(height))
    corners = (0.0, 0.0, box[2], 0.0, box[2], box[3], 0.0, box[3])
    return replace(picture, things=(Thing(name, box, (corners,)), *picture.things))
