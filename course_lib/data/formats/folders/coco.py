"""COCO: annotations/instances_SPLIT.json, and the pictures in SPLIT/."""

from dataclasses import replace
from pathlib import Path

from course_lib.data.formats.coco_json import read_coco, write_coco
from course_lib.data.formats.folders import Collection, Options, files_of


def read(source: Path, options: Options) -> Collection:
    """Read one file, or every instances_*.json of a folder."""
    pattern = "annotations/instances_*.json"
    files = files_of(source, pattern, "a COCO folder, or one JSON of instances")
    splits, names = {}, {}
    for file in files:
        pictures, categories = read_coco(file, options.faults)
        names |= dict.fromkeys(categories.values())
        split = file.stem.removeprefix("instances_")
        root = file.parent.parent if file.parent.name == "annotations" else file.parent
        inner = (root / split, root / "images" / split, root / "images", file.parent)
        folders = [options.images, *inner] if options.images else inner
        first = pictures[0].file if pictures else ""
        holding = (folder for folder in folders if (folder / first).is_file())
        folder = next(holding, folders[0])
        splits[split] = [replace(p, file=str(folder / p.file)) for p in pictures]
    return Collection(splits, options.names or tuple(names))


def place(split: str) -> str:
    """Where the pictures lie."""
    return split


def write(root: Path, collection: Collection) -> None:
    """Write one JSON a split; category ids count from 1."""
    for split, pictures in collection.splits.items():
        file = root / "annotations" / f"instances_{split}.json"
        write_coco(file, pictures, collection.names)
