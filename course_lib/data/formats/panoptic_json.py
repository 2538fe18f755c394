"""COCO panoptic: a JSON that lists segments, and pictures whose colours are their ids.

The id of a segment is R + 256 G + 65536 B; 0 is no segment.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from course_lib.data.formats.annotated import faults_at
from course_lib.data.formats.files import read_json
from course_lib.data.images import read_image
from course_lib.errors import InputError

MOST_SEGMENTS = 2**24 - 1


@dataclass(frozen=True)
class Segmented:
    """One picture and its segments.

    Attributes:
        file: the picture.
        id_file: the picture of ids.
        image_id: its number.
        segments: segment id -> category id, in the order of the file.
        crowds: ids of the segments that are many things told as one.
    """

    file: str
    id_file: str
    image_id: int
    segments: dict[int, int]
    crowds: frozenset[int]


@dataclass(frozen=True)
class Category:
    """A class: its name, and whether it is a countable thing (else it is stuff)."""

    name: str
    is_thing: bool


def read_panoptic(path: str | Path) -> tuple[list[Segmented], dict[int, Category]]:
    """Read the JSON of a split.

    Returns:
        The pictures in the order of the annotations; the categories by their ids, in
        rising order.

    Raises:
        InputError: naming the file and the row, for what is missing, not listed or
            listed twice.

    Kirillov et al., Panoptic Segmentation, CVPR 2019.
    """
    table = read_json(path)
    with faults_at(f"{path}, 'categories'", None):
        categories = {
            int(row["id"]): Category(str(row["name"]), bool(row["isthing"]))
            for row in sorted(table["categories"], key=lambda row: row["id"])
        }
    with faults_at(f"{path}, 'images'", None):
        files = {row["id"]: str(row["file_name"]) for row in table["images"]}
    pictures = []
    with faults_at(f"{path}, 'annotations'", None):
        rows = list(table["annotations"])
    for place, row in enumerate(rows):
        with faults_at(f"{path}, annotations[{place}]", None):
            pictures.append(_picture(row, files, categories))
    return pictures, categories


def _picture(row: dict, files: dict, categories: dict) -> Segmented:
    segments = {}
    for segment in row["segments_info"]:
        number, category = segment["id"], segment["category_id"]
        if type(number) is not int or not 0 < number <= MOST_SEGMENTS:
            raise ValueError(f"segment {number!r:.40}; ids are 1 to {MOST_SEGMENTS}")
        if number in segments:
            raise ValueError(f"segment {number} stands twice")
        if category not in categories:
            raise ValueError(f"segment {number} is of category {category!r:.40}")
        segments[number] = category
    if row["image_id"] not in files:
        raise ValueError(f"picture {row['image_id']!r:.40} is not among the images")
    return Segmented(
        file=files[row["image_id"]],
        id_file=str(row["file_name"]),
        image_id=row["image_id"],
        segments=segments,
        crowds=frozenset(s["id"] for s in row["segments_info"] if s.get("iscrowd")),
    )


def read_ids(path: str | Path) -> Tensor:
    """The ids of a picture: (H, W) int64, 0 where no segment is."""
    red, green, blue = read_image(path).long()
    return torch.as_tensor(red + 256 * green + 65536 * blue)


def write_ids(path: str | Path, ids: np.ndarray) -> None:
    """Write ids (H, W), 0 to 2**24 - 1, as colours, making the folder; a PNG."""
    wrong = ids[(ids < 0) | (ids > MOST_SEGMENTS)]
    if wrong.size:
        raise InputError(f"{path}: id {wrong[0]}; three bytes hold 0 to {2**24 - 1}")
    colours = np.stack([ids >> shift & 255 for shift in (0, 8, 16)], axis=-1)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(colours.astype(np.uint8)).save(path, "PNG")
