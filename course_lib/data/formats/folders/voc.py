"""VOC: Annotations/*.xml, JPEGImages/, and ImageSets/Main/SPLIT.txt where there are."""

from dataclasses import replace
from pathlib import Path

from course_lib.data.formats.files import read_lines, write_text
from course_lib.data.formats.folders import (
    Collection,
    Options,
    files_of,
    found_names,
    write_names,
)
from course_lib.data.formats.voc_xml import read_voc_xml, write_voc_xml
from course_lib.errors import InputError


def read(source: Path, options: Options) -> Collection:
    """Read every list but those of single classes; without lists, all as train."""
    folder = source / "Annotations"
    if not folder.is_dir():
        raise InputError(f"{source} has no folder Annotations; give a VOC folder")
    lists = sorted((source / "ImageSets" / "Main").glob("*.txt"))
    stems = {path.stem: read_lines(path) for path in lists if "_" not in path.stem}
    if "train" in stems:
        stems.pop("trainval", None)
    if not stems:
        files = files_of(folder, "*.xml", "a VOC folder")
        stems = {"train": [path.stem for path in files]}
    images = options.images or source / place("")
    by_stem = {path.stem: path for path in images.iterdir()} if images.is_dir() else {}
    splits = {}
    for split, names in stems.items():
        files = [folder / f"{name}.xml" for name in names]
        read_as = options.first_pixel, options.faults
        pictures = [read_voc_xml(file, *read_as) for file in files]
        splits[split] = [
            replace(picture, file=str(by_stem.get(name, images / picture.file)))
            for name, picture in zip(names, pictures, strict=True)
        ]
    return Collection(splits, options.names or found_names(source, splits))


def place(split: str) -> str:
    """Where the pictures lie."""
    return "JPEGImages"


def write(root: Path, collection: Collection) -> None:
    """Write the XML files and the lists."""
    for split, pictures in collection.splits.items():
        stems = [Path(picture.file).stem for picture in pictures]
        for stem, picture in zip(stems, pictures, strict=True):
            write_voc_xml(root / "Annotations" / f"{stem}.xml", picture)
        lines = "".join(f"{stem}\n" for stem in stems)
        write_text(root / "ImageSets" / "Main" / f"{split}.txt", lines)
    write_names(root, collection.names)
