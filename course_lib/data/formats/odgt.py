"""Lists of one JSON object a line, called odgt, in the two ways they are in use.

For segmentation (CSAIL's lists of ADE20K) a line is ``fpath_img, fpath_segm, width,
height``: a picture and its label picture. For detection (CrowdHuman) a line is ``ID``,
the stem of the picture, and ``gtboxes``, each with ``tag``, ``extra.ignore`` and boxes
x, y, width, height: ``fbox`` the whole body, guessed where hidden, ``vbox`` its visible
part, ``hbox`` its head. The tag ``mask`` marks what is to be ignored.

Lost by the second: polygons, run lengths, truncated, the name of a crowd (it is a
``mask``), and boxes beyond the rim, where ``fbox`` may reach: they are cut there.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from course_lib.data.formats.annotated import (
    Annotated,
    Thing,
    faults_at,
    sound_box,
    sound_name,
    sound_size,
    xywh,
)
from course_lib.data.formats.files import parse_json, read_bytes, write_text
from course_lib.errors import InputError

BOXES = ("fbox", "vbox", "hbox")


@dataclass(frozen=True)
class Pair:
    """A line of a list for segmentation: two paths, and the size in pixels."""

    fpath_img: str
    fpath_segm: str
    width: int
    height: int


def read_odgt(path: str | Path) -> list[Pair]:
    """Read a list of pictures and label pictures.

    Raises:
        InputError: naming file and line.

    Zhou et al., Scene Parsing through ADE20K, CVPR 2017.
    """
    pairs = []
    for place, row in _rows(path):
        with faults_at(place, None):
            size = sound_size(row["width"], row["height"])
            pairs.append(Pair(str(row["fpath_img"]), str(row["fpath_segm"]), *size))
    return pairs


def write_odgt(path: str | Path, pairs: Iterable[Pair]) -> None:
    """Write a list of pictures and label pictures."""
    write_text(path, "".join(f"{json.dumps(asdict(pair))}\n" for pair in pairs))


def read_crowdhuman(
    path: str | Path,
    size_of: Callable[[str], tuple[int, int]],
    box: str = "fbox",
    faults: list[str] | None = None,
) -> list[Annotated]:
    """Read a list of pictures and boxes.

    Args:
        path: the ``.odgt``.
        size_of: height and width of the picture of an ``ID``, where a line has none.
        box: "fbox", "vbox" or "hbox".
        faults: a list takes the sentences about faulty boxes, which are left out.

    Returns:
        The pictures, ``file`` being the ``ID`` with ``.jpg``; a ``mask`` is a crowd,
        what has ``extra.ignore`` is difficult.

    Raises:
        InputError: naming file, line, and the box by its number from 1.

    Shao et al., CrowdHuman, 2018.
    """
    if box not in BOXES:
        raise InputError(f"there is no box {box!r}; choose {', '.join(BOXES)}")
    pictures = []
    for place, row in _rows(path):
        with faults_at(place, None):
            name, rows = str(row["ID"]), list(row["gtboxes"])
            known = (row["height"], row["width"]) if "width" in row else size_of(name)
            width, height = sound_size(known[1], known[0])
        things = []
        for number, entry in enumerate(rows, start=1):
            with faults_at(f"{place}, box {number}", faults):
                things.append(_thing(entry, box, width, height))
        pictures.append(Annotated(f"{name}.jpg", width, height, tuple(things)))
    return pictures


def write_crowdhuman(path: str | Path, pictures: Iterable[Annotated]) -> None:
    """Write a list of pictures and boxes; whole and visible box are the same."""
    lines = []
    for picture in pictures:
        rows = [_row(thing, i) for i, thing in enumerate(picture.things)]
        size = {"width": picture.width, "height": picture.height}
        lines.append({"ID": Path(picture.file).stem, **size, "gtboxes": rows})
    write_text(path, "".join(f"{json.dumps(line)}\n" for line in lines))


def _rows(path: str | Path) -> list[tuple[str, dict]]:
    lines = enumerate(read_bytes(path).splitlines(), start=1)
    named = ((f"{path}, line {number}", line) for number, line in lines)
    return [(place, parse_json(line, place)) for place, line in named if line.strip()]


def _thing(row: dict, key: str, width: int, height: int) -> Thing:
    x, y, w, h = map(float, row[key])
    cut = max(x, 0.0), max(y, 0.0), min(x + w, width), min(y + h, height)
    is_mask = row["tag"] == "mask"
    ignored = bool((row.get("extra") or {}).get("ignore", 0))
    box = sound_box(cut, width, height)
    difficult = ignored and not is_mask
    return Thing(sound_name(row["tag"]), box, crowd=is_mask, difficult=difficult)


def _row(thing: Thing, number: int) -> dict:
    box = xywh(thing.box)
    ignored = {"ignore": 1} if thing.crowd or thing.difficult else {}
    tag = "mask" if thing.crowd else thing.name
    return {"tag": tag, "fbox": box, "vbox": box, "extra": {"box_id": number} | ignored}
