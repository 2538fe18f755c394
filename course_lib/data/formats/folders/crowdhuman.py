"""CrowdHuman: annotation_SPLIT.odgt, and all pictures in Images/."""

from dataclasses import replace
from pathlib import Path

from course_lib.data.formats.folders import (
    Collection,
    Options,
    files_of,
    found_names,
    write_names,
)
from course_lib.data.formats.odgt import read_crowdhuman, write_crowdhuman


def read(source: Path, options: Options) -> Collection:
    """Read one list, or every annotation_*.odgt of a folder."""
    from course_lib.data.images import picture_size

    pattern = "annotation_*.odgt"
    splits = {}
    for file in files_of(source, pattern, "CrowdHuman's folder, or one of its lists"):
        folder = options.images or file.parent / place("")
        there = {p.stem: p for p in folder.iterdir()} if folder.is_dir() else {}

        def path_of(stem: str, there=there, folder=folder) -> Path:
            return there.get(stem, folder / f"{stem}.jpg")

        def size_of(stem: str, path_of=path_of) -> tuple[int, int]:
            return picture_size(path_of(stem))

        pictures = read_crowdhuman(file, size_of, options.box, options.faults)
        splits[file.stem.removeprefix("annotation_")] = [
            replace(p, file=str(path_of(p.file.removesuffix(".jpg")))) for p in pictures
        ]
    return Collection(splits, options.names or found_names(source, splits))


def place(split: str) -> str:
    """Where the pictures lie."""
    return "Images"


def write(root: Path, collection: Collection) -> None:
    """Write one list a split."""
    for split, pictures in collection.splits.items():
        write_crowdhuman(root / f"annotation_{split}.odgt", pictures)
    write_names(root, collection.names)
