"""One JSON for many pictures, as COCO writes instances.

Boxes are x, y, width, height in pixels; a mask is polygons or packed run lengths.

Lost: truncated; an object's polygons where it has run lengths too. ``difficult`` is
written as ``ignore``. Widths and heights are rounded to a billionth of a pixel.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from course_lib.data.formats.annotated import (
    Annotated,
    Thing,
    faults_at,
    sound_box,
    sound_name,
    sound_polygon,
    sound_size,
    xywh,
)
from course_lib.data.formats.files import read_json, write_text
from course_lib.errors import InputError


def read_coco(
    path: str | Path, faults: list[str] | None = None
) -> tuple[list[Annotated], dict[int, str]]:
    """Read a file of instances.

    Args:
        path: the ``.json``.
        faults: a list takes the sentences about faulty objects, which are left out;
            COCO's own files hold a few boxes without area.

    Returns:
        The pictures in the order of the file, with ``image_id``; names of the
        classes by their category id, in rising order.

    Raises:
        InputError: naming the file, and the annotation by its id.

    Lin et al., Microsoft COCO, ECCV 2014.
    """
    table = read_json(path)
    for key in ("images", "annotations", "categories"):
        if not isinstance(table.get(key), list):
            raise InputError(f"{path} has no list {key!r}; give a COCO instances file")
    names, images = _names(table["categories"], path), _images(table["images"], path)
    things: dict[int, list[Thing]] = {image_id: [] for image_id in images}
    for row in table["annotations"]:
        number = row.get("id") if isinstance(row, dict) else row
        with faults_at(f"{path}, annotation {number!r:.40}", faults):
            things[row["image_id"]].append(_thing(row, names, images))
    pictures = [
        Annotated(file, width, height, tuple(things[image_id]), image_id)
        for image_id, (file, width, height) in images.items()
    ]
    return pictures, names


def write_coco(
    path: str | Path,
    pictures: Iterable[Annotated],
    names: Sequence[str] | Mapping[int, str],
    description: str = "",
) -> None:
    """Write a file of instances.

    Args:
        path: the ``.json``.
        pictures: without ``image_id`` they are numbered by their place, from 0.
        names: of the classes by category id, or in their order, which counts from 1.
        description: of the data set.

    Raises:
        InputError: for a thing whose name is not among the names, and for two
            pictures of one number.

    Taught in chapters/01_pixels_and_labels.
    """
    by_id = names if isinstance(names, Mapping) else dict(enumerate(names, start=1))
    ids = {name: number for number, name in by_id.items()}
    images, rows = [], []
    for place, picture in enumerate(pictures):
        number = place if picture.image_id is None else picture.image_id
        size = {"height": picture.height, "width": picture.width}
        images.append({"id": number, "file_name": picture.file, **size})
        for thing in picture.things:
            if thing.name not in ids:
                raise InputError(
                    f"{picture.file} holds a {thing.name!r}, which is not among the "
                    f"names ({', '.join(ids)}); add it"
                )
            row = _row(thing, ids[thing.name], picture)
            rows.append({"id": len(rows) + 1, "image_id": number, **row})
    _refuse_twins([image["id"] for image in images], path, "pictures share the id")
    table = {
        "info": {"description": description},
        "images": images,
        "annotations": rows,
        "categories": [{"id": k, "name": name} for k, name in by_id.items()],
    }
    write_text(path, json.dumps(table) + "\n")


def _names(rows: list, path: str | Path) -> dict[int, str]:
    with faults_at(f"{path}, 'categories'", None):
        names = {int(row["id"]): sound_name(row["name"]) for row in rows}
        numbers = [int(row["id"]) for row in rows]
    _refuse_twins(numbers, path, "categories share the id")
    _refuse_twins(list(names.values()), path, "categories share the name")
    return dict(sorted(names.items()))


def _images(rows: list, path: str | Path) -> dict[int, tuple[str, int, int]]:
    images = {}
    for place, row in enumerate(rows):
        with faults_at(f"{path}, images[{place}]", None):
            size = sound_size(row["width"], row["height"])
            images[row["id"]] = (str(row["file_name"]), *size)
    _refuse_twins([row["id"] for row in rows], path, "pictures share the id")
    return images


def _refuse_twins(values: list, path: str | Path, what: str) -> None:
    value, count = max(Counter(values).items(), key=lambda x: x[1], default=(None, 1))
    if count > 1:
        raise InputError(f"{path}: {count} {what} {value!r}; give each its own")


def _thing(row: dict, names: dict[int, str], images: dict) -> Thing:
    _, width, height = images[row["image_id"]]
    x, y, w, h = map(float, row["bbox"])
    shape = row.get("segmentation") or []
    runs = _packed(row, shape, [height, width]) if isinstance(shape, dict) else None
    return Thing(
        name=names[row["category_id"]],
        box=sound_box((x, y, x + w, y + h), width, height),
        polygons=() if runs else tuple(map(sound_polygon, shape)),
        run_lengths=runs,
        crowd=bool(row.get("iscrowd", 0)),
        difficult=bool(row.get("ignore", 0)),
        area=_told_area(row.get("area")),
    )


def _told_area(area: object) -> float | None:
    if area is not None and not 0 <= float(area) < math.inf:
        raise ValueError(f"the area {area}")
    return None if area is None else float(area)


def _packed(row: dict, shape: dict, size: list[int]) -> dict:
    """Run lengths as pycocotools packs them, checked before it sees them."""
    from course_lib.detection.coco_masks import packed_masks

    image = {"id": row["image_id"], "height": size[0], "width": size[1]}
    images = {row["image_id"]: image}
    counts = packed_masks([row], images, [0], "annotation")[0]["counts"]
    text = counts.decode("ascii") if isinstance(counts, bytes) else counts
    return {"size": size, "counts": text}


def _row(thing: Thing, category: int, picture: Annotated) -> dict:
    row = {"category_id": category, "bbox": xywh(thing.box)}
    if thing.run_lengths or thing.polygons:
        row["segmentation"] = thing.run_lengths or [list(p) for p in thing.polygons]
    row |= {"area": _area(thing, picture), "iscrowd": int(thing.crowd)}
    return row | ({"ignore": 1} if thing.difficult else {})


def _area(thing: Thing, picture: Annotated) -> float:
    """As told; else pixels of the mask, or of the box where there is no mask."""
    if thing.area is not None:
        return thing.area
    from pycocotools import mask as rle

    from course_lib.detection.coco_masks import from_polygons

    if thing.run_lengths:
        return int(rle.area(thing.run_lengths))
    if thing.polygons:
        size = [picture.height, picture.width]
        return int(rle.area(from_polygons(list(thing.polygons), size)))
    x1, y1, x2, y2 = thing.box
    return (x2 - x1) * (y2 - y1)
