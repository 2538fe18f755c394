"""Open a data set by its name, as the command line spells it."""

from dataclasses import fields
from pathlib import Path

from course_lib.data.classes import ClassTable, class_table
from course_lib.errors import InputError
from course_lib.paths import data_dir

# name: folder inside COURSE_DATA
FOLDERS = {"camvid": "camvid", "voc": "voc_sample/VOC2012"}


def open_dataset(name: str, split: str, data: Path | None = None, **options):
    """The data set of that name.

    Args:
        name: "harbour", "camvid" or "voc".
        split: "train", "val" or "test".
        data: its folder; None looks inside ``COURSE_DATA``. The harbour needs none.
        options: what the data set itself takes: a transform; of the harbour also
            its dials, ``count`` and ``size``.

    Returns:
        A data set of (image, mask) with ``name``, ``classes`` and ``file(i)``.

    Raises:
        InputError: for an unknown name, a missing folder, or a dial of the harbour
            on another data set.
    """
    dials = set(options) - {"transform", "count", "size"}
    if name == "harbour":
        from course_lib.data.harbour import Dials, Harbour

        known = [field.name for field in fields(Dials)]
        for dial in sorted(dials.difference(known)):
            raise InputError(
                f'the harbour has no dial "{dial}"; it has {", ".join(known)}'
            )
        return Harbour(split, **options)
    if name not in FOLDERS:
        known = ", ".join(["harbour", *FOLDERS])
        raise InputError(f'there is no data set "{name}"; choose one of {known}')
    if dials:
        raise InputError(
            f"{name} has no dial {sorted(dials)[0]}; dials are the harbour's"
        )
    folder = _folder(name, data)
    if name == "camvid":
        from course_lib.data.readers.camvid import CamVid

        return CamVid(folder, split, **options)
    from course_lib.data.readers.voc import VOCSegmentation

    return VOCSegmentation(folder, split, **options)


def trained_classes(info: dict) -> ClassTable:
    """The class table in the info of a checkpoint: its name, or all of it."""
    classes = info["classes"]
    if isinstance(classes, str):
        return class_table(classes)
    palette = tuple(tuple(colour) for colour in classes["palette"])
    return ClassTable(classes["name"], tuple(classes["names"]), palette)


def read_dials(words: list[str]) -> dict[str, float | int | str]:
    """Turn ``["thin=1", "materials=photo"]`` into dials of the harbour."""
    dials = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals and value):
            raise InputError(f'dial "{word}" is not NAME=VALUE, such as thin=1')
        dials[name] = _number(value)
    return dials


def _number(text: str) -> float | int | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _folder(name: str, data: Path | None) -> Path:
    if data is not None:
        return Path(data)
    if data_dir() is None:
        raise InputError(
            f"where is {name}? Give --data FOLDER, or set COURSE_DATA to the folder "
            "that holds it"
        )
    return data_dir() / FOLDERS[name]
