"""Open a data set by its name, as the command line spells it."""

import inspect
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path

from course_lib.data.classes import ClassTable, class_table, table_of
from course_lib.data.harbour.dials import Dials
from course_lib.errors import InputError
from course_lib.paths import data_dir

DIALS = tuple(field.name for field in fields(Dials))


@dataclass(frozen=True)
class Reader:
    """Where the reader of a data set is, and where its real sample lies.

    Attributes:
        file: in ``course_lib.data.readers``.
        name: of its class.
        folder: inside ``COURSE_DATA``; "" where there is no sample.
        fetched: entry of the catalogue that brings it; "" where it bears the same name.
    """

    file: str
    name: str
    folder: str = ""
    fetched: str = ""


READERS = {
    "ade20k": Reader("ade20k", "ADE20K", "ade20k"),
    "camvid": Reader("camvid", "CamVid", "camvid"),
    "cityscapes": Reader("cityscapes", "Cityscapes", "cityscapes"),
    "coco": Reader("coco", "CocoInstances", "coco128", "coco2017"),
    "coco_panoptic": Reader(
        "coco_panoptic", "CocoPanoptic", "coco128", "coco2017_panoptic"
    ),
    "coco_semantic": Reader("coco_panoptic", "CocoSemantic", "coco128", "coco128"),
    "coco_voc": Reader("coco_voc", "CocoVoc", "coco128", "coco2017"),
    "endovis2015": Reader("endovis2015", "EndoVis2015"),
    "endovis2017": Reader("endovis2017", "EndoVis2017", "endovis2017"),
    "lfw_parts": Reader("lfw_parts", "LFWParts"),
    "lip": Reader("lip", "LIP"),
    "nyuv2": Reader("nyuv2", "NYUv2"),
    "penn_fudan": Reader("penn_fudan", "PennFudan", "PennFudanPed"),
    "person_part": Reader("person_part", "PersonPart", "voc_sample/person_part"),
    "pneumothorax": Reader("pneumothorax", "Pneumothorax"),
    "records": Reader("records", "Records"),
    "sbd": Reader("sbd", "SBD"),
    "sbu_shadow": Reader("sbu_shadow", "SBUShadow"),
    "voc": Reader("voc", "VOCSegmentation", "voc_sample/VOC2012", "voc2012"),
    "voc_detection": Reader(
        "voc_detection", "VOCDetection", "voc_sample/labelme", "voc2012"
    ),
}


def open_dataset(name: str, split: str, data: Path | None = None, **options):
    """The data set of that name.

    Args:
        name: "harbour", or a name in ``READERS``.
        split: "train", "val", "test", or what the set calls them.
        data: its folder; None looks inside ``COURSE_DATA`` and where
            ``data fetch`` puts things. The harbour needs none.
        options: what the data set itself takes: a transform, a task; of the harbour
            also its dials, ``count`` and ``size``.

    Returns:
        A data set of (image, mask) or (image, target) with ``name``, ``classes`` and
        ``file(i)``.

    Raises:
        InputError: for an unknown name, a missing folder, or an option that this data
            set does not have, such as a dial of the harbour.
    """
    if name == "harbour":
        return _harbour(split, options)
    if name not in READERS:
        known = ", ".join(["harbour", *READERS])
        raise InputError(f'there is no data set "{name}"; choose one of {known}')
    reader = READERS[name]
    module = import_module(f"course_lib.data.readers.{reader.file}")
    kind = getattr(module, reader.name)
    known = inspect.signature(kind).parameters
    for option in options:
        if option not in known:
            word = "dial" if option in DIALS else "option"
            raise InputError(f"{name} has no {word} {option}{_whose(word)}")
    return kind(_folder(name, data), split, **options)


def _harbour(split: str, options: dict):
    from course_lib.data.harbour import Harbour

    known = [*DIALS, "transform", "count", "size", "task"]
    for dial in sorted(set(options).difference(known)):
        raise InputError(f'the harbour has no dial "{dial}"; it has {", ".join(DIALS)}')
    return Harbour(split, **options)


def _whose(word: str) -> str:
    return "; dials are the harbour's" if word == "dial" else "; leave it out"


def trained_classes(info: dict) -> ClassTable:
    """The class table in the info of a checkpoint: its name, or all of it."""
    classes = info["classes"]
    return class_table(classes) if isinstance(classes, str) else table_of(classes)


def read_dials(words: list[str]) -> dict[str, float | int | str]:
    """Turn ``["thin=1", "materials=photo"]`` into dials of the harbour, or options."""
    dials = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals and value):
            raise InputError(f'"{word}" is not NAME=VALUE, such as thin=1')
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
    from course_lib.data.catalogue import cache_dir

    if data is not None:
        return Path(data)
    reader = READERS[name]
    if data_dir() is not None and reader.folder:
        return data_dir() / reader.folder
    fetched = cache_dir() / (reader.fetched or name)
    if fetched.is_dir():
        return fetched
    raise InputError(
        f"where is {name}? Give --data FOLDER, or set COURSE_DATA to the folder "
        "that holds it"
    )
