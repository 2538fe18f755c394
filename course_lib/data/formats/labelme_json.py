"""One JSON file a picture, as the drawing tool labelme writes shapes.

A shape is a polygon, a rectangle (two corners), a circle (its middle and a point of its
rim, read as a polygon that keeps within a tenth of a pixel) or a mask (a PNG and two
corners). Shapes of one label and one ``group_id`` are parts of one object. Points and
lines have no area: they are faults. Flags hold difficult, truncated and crowd.

Lost: a box that is not the smallest one around its shape.
"""

import json
from pathlib import Path

from course_lib.data.formats.annotated import Annotated, Thing, faults_at, sound_size
from course_lib.data.formats.files import read_json, write_text
from course_lib.data.formats.labelme_shapes import (
    FLAGS,
    decode_picture,
    join,
    part_of,
    shapes_of,
)

MOST_BYTES = 200_000_000  # a file may hold its picture


def read_labelme(path: str | Path, faults: list[str] | None = None) -> Annotated:
    """Read the shapes of one picture.

    Args:
        path: the ``.json``; its ``imageData`` may hold the picture or be null.
        faults: a list takes the sentences about faulty shapes, which are left out.

    Returns:
        The picture, ``file`` being its path as seen from the file.

    Raises:
        InputError: naming the file, and the shape by its number from 1.
    """
    table = read_json(path, MOST_BYTES)
    with faults_at(str(path), None):
        file = str(table["imagePath"]).replace("\\", "/")
        width, height = sound_size(*_size(table, Path(path).parent / file))
        shapes = list(table["shapes"])
    objects: dict[tuple, list[Thing]] = {}
    for number, shape in enumerate(shapes, start=1):
        with faults_at(f"{path}, shape {number}", faults):
            part, group = part_of(shape, width, height), shape.get("group_id")
            key = part.name, number if group is None else f"group {group}"
            objects.setdefault(key, []).append(part)
    things = (join(parts, width, height) for parts in objects.values())
    return Annotated(file, width, height, tuple(things))


def write_labelme(path: str | Path, annotated: Annotated) -> None:
    """Write the shapes of one picture, without the picture itself."""
    shapes = []
    for number, thing in enumerate(annotated.things):
        group = number if len(thing.polygons) > 1 and not thing.run_lengths else None
        flags = {flag: True for flag in FLAGS if getattr(thing, flag)}
        for kind, points, mask in shapes_of(thing, annotated):
            shape = {"label": thing.name, "points": points, "group_id": group}
            shapes.append(shape | {"shape_type": kind, "flags": flags, "mask": mask})
    table = {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": annotated.file,
        "imageData": None,
        "imageHeight": annotated.height,
        "imageWidth": annotated.width,
    }
    write_text(path, json.dumps(table, indent=2) + "\n")


def _size(table: dict, picture: Path) -> tuple[int, int]:
    """Width and height: as written, of the picture within, of the picture beside."""
    if table.get("imageWidth") and table.get("imageHeight"):
        return table["imageWidth"], table["imageHeight"]
    if table.get("imageData"):
        return decode_picture(table["imageData"]).size
    from course_lib.data.images import picture_size

    height, width = picture_size(picture)
    return width, height
