"""odgt as CSAIL lists ADE20K: SPLIT.odgt, images/SPLIT/, annotations/SPLIT/.

Label pictures hold the id plus 1; 0 is void. Paths count from the folder of the list.
"""

from pathlib import Path

import numpy as np

from course_lib.data.formats.annotated import Annotated
from course_lib.data.formats.folders import Collection, Options, files_of, write_names
from course_lib.data.formats.folders.pairs import names_beside, read_regions, write_map
from course_lib.data.formats.label_map import paint
from course_lib.data.formats.odgt import Pair, read_odgt, write_odgt
from course_lib.errors import InputError


def read(source: Path, options: Options) -> Collection:
    """Read one list, or every list of a folder; one thing for each class."""
    splits = {}
    for file in files_of(source, "*.odgt", "a folder with lists, or one list"):
        root = options.images or file.parent
        names = options.names or names_beside(file.parent)
        pairs = read_odgt(file)
        splits[file.stem] = [_picture(pair, root, names, file) for pair in pairs]
    return Collection(splits, names)


def place(split: str) -> str:
    """Where the pictures lie."""
    return f"images/{split}"


def write(root: Path, collection: Collection) -> None:
    """Paint the label pictures and write the lists; names.txt tells the names."""
    for split, pictures in collection.splits.items():
        pairs = []
        for picture in pictures:
            labels = f"annotations/{split}/{Path(picture.file).stem}.png"
            ids = paint(picture, collection.names)
            write_map(root / labels, ids + np.uint8(1))  # 255 + 1 wraps to 0
            image = f"{place(split)}/{picture.file}"
            pairs.append(Pair(image, labels, picture.width, picture.height))
        write_odgt(root / f"{split}.odgt", pairs)
    write_names(root, collection.names)


def _picture(pair: Pair, root: Path, names, file: Path) -> Annotated:
    labels = root / pair.fpath_segm
    picture = read_regions(root / pair.fpath_img, labels, names, offset=1)
    if (picture.width, picture.height) != (pair.width, pair.height):
        raise InputError(
            f"{file} says that {pair.fpath_segm} is {pair.width} x {pair.height}, but "
            f"it is {picture.width} x {picture.height}; write the list anew"
        )
    return picture
