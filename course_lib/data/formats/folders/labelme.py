"""labelme: a JSON beside each picture, in SPLIT/ or all in one folder."""

from dataclasses import replace
from pathlib import Path

from course_lib.data.formats.folders import (
    Collection,
    Options,
    files_of,
    found_names,
    write_names,
)
from course_lib.data.formats.labelme_json import read_labelme, write_labelme


def read(source: Path, options: Options) -> Collection:
    """Read the files of a folder as train; where there are none, its folders."""
    inner = source.iterdir() if source.is_dir() else ()
    folders = {path.name: path for path in sorted(inner) if any(path.glob("*.json"))}
    splits = {}
    if not folders or any(source.glob("*.json")):
        folders = {"train": source}
    for split, folder in folders.items():
        splits[split] = []
        for file in files_of(folder, "*.json", "a folder of labelme's files"):
            picture = read_labelme(file, options.faults)
            name = Path(picture.file).name
            images = options.images
            path = images / name if images else file.parent / picture.file
            splits[split].append(replace(picture, file=str(path)))
    return Collection(splits, options.names or found_names(source, splits))


def place(split: str) -> str:
    """Where the pictures lie."""
    return split


def write(root: Path, collection: Collection) -> None:
    """Write one JSON a picture."""
    for split, pictures in collection.splits.items():
        for picture in pictures:
            file = root / split / f"{Path(picture.file).stem}.json"
            write_labelme(file, picture)
    write_names(root, collection.names)
