"""Pairs: images/SPLIT/ and labels/SPLIT/, ids with 255 for void, and names.txt."""

from pathlib import Path

from course_lib.data.formats.annotated import Annotated, faults_at
from course_lib.data.formats.folders import (
    NAMES,
    Collection,
    Options,
    read_names,
    write_names,
)
from course_lib.data.formats.label_map import paint, regions
from course_lib.errors import InputError


def read(source: Path, options: Options) -> Collection:
    """Read label pictures, one thing for each class in a picture."""
    from course_lib.data.readers.pairs import by_stem, paired

    labels_dir = source / "labels"
    names = options.names or names_beside(source)
    inner = sorted(labels_dir.iterdir()) if labels_dir.is_dir() else ()
    known = {p.name: f"/{p.name}" for p in inner if p.is_dir()} or {"train": ""}
    splits = {}
    for split, inner in known.items():
        images = by_stem(options.images or Path(f"{source}/images{inner}"))
        labels = by_stem(Path(f"{labels_dir}{inner}"))
        found = paired(labels, images, "picture", "put it beside")
        splits[split] = [read_regions(image, path, names) for path, image in found]
    return Collection(splits, names)


def place(split: str) -> str:
    """Where the pictures lie."""
    return f"images/{split}"


def write(root: Path, collection: Collection) -> None:
    """Paint one label picture a picture; names.txt tells their ids."""
    for split, pictures in collection.splits.items():
        for picture in pictures:
            stem = Path(picture.file).stem
            file = root / "labels" / split / f"{stem}.png"
            write_map(file, paint(picture, collection.names))
    write_names(root, collection.names)


def names_beside(source: Path) -> tuple[str, ...]:
    """The names of the classes in ``names.txt``, without which ids mean nothing."""
    if not (source / NAMES).is_file():
        raise InputError(
            f"{source} has no {NAMES}, and label pictures have no names of classes; "
            "give them: a class table such as voc, or a file with a name a line"
        )
    return read_names(source / NAMES)


def read_regions(image: Path, path: Path, names, offset: int = 0) -> Annotated:
    """A label picture as things; ``offset`` is taken from its ids, 0 becomes void."""
    import numpy as np

    from course_lib.data.images import read_labels

    ids = read_labels(path).numpy()
    if offset:
        ids = np.where(ids == 0, 255, ids - offset)
    with faults_at(str(path), None):
        things = regions(ids, names)
    height, width = ids.shape
    return Annotated(str(image), width, height, things)


def write_map(path: Path, ids) -> None:
    """Write ids (H, W) uint8 as a picture in VOC's colours."""
    from PIL import Image

    from course_lib.data.classes import voc_palette

    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(ids)
    picture.putpalette([value for colour in voc_palette() for value in colour])
    picture.save(path, "PNG")
