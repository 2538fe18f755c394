"""One XML file a picture, as PASCAL VOC writes boxes.

Pixels count from 1 and the last one is inside: a box over the first two columns has
xmin 1, xmax 2. Other tools (labelme, CVAT) write corners from 0 into the same tags.

Lost: polygons and run lengths; a crowd becomes difficult, which counts as little.
Corners are rounded to whole pixels: each moves by at most half a pixel, and by less
than one where a box is thinner than a pixel.
"""

import math
from pathlib import Path
from xml.etree import ElementTree

from course_lib.data.formats.annotated import (
    Annotated,
    Thing,
    faults_at,
    sound_box,
    sound_name,
    sound_size,
)
from course_lib.data.formats.files import read_bytes, write_text
from course_lib.errors import InputError

MOST_BYTES = 10_000_000
CORNERS = ("xmin", "ymin", "xmax", "ymax")
TRUE = ("1", "true", "yes")


class _NoDoctype(ElementTree.TreeBuilder):
    """Entities, inner bombs and outer files alike, need a DOCTYPE: there is none."""

    def doctype(self, name, pubid, system):
        raise ValueError("it has a DOCTYPE, which annotations never need")


def read_voc_xml(
    path: str | Path, first_pixel: int = 1, faults: list[str] | None = None
) -> Annotated:
    """Read the annotation of one picture; parts of persons are passed over.

    Args:
        path: the ``.xml``.
        first_pixel: 1 as in VOC; 0 for tools whose corners begin at 0 and whose
            xmax and ymax lie one past the last pixel.
        faults: a list takes the sentences about faulty objects, which are left out.

    Raises:
        InputError: naming the file, and the object by its number from 1.

    Everingham et al., The PASCAL Visual Object Classes Challenge, IJCV 2010.
    """
    path = Path(path)
    root = _parse(path)
    if root.tag != "annotation":
        raise InputError(f"{path} is <{root.tag}>, not <annotation>; give VOC's XML")
    with faults_at(f"{path}, <size>", None):
        size = sound_size(_text(root, "size/width"), _text(root, "size/height"))
    things = []
    for number, node in enumerate(root.findall("object"), start=1):
        with faults_at(f"{path}, object {number}", faults):
            things.append(_thing(node, size, first_pixel))
    file = (root.findtext("filename") or "").strip() or f"{path.stem}.jpg"
    return Annotated(file, *size, tuple(things))


def write_voc_xml(
    path: str | Path, annotated: Annotated, folder: str = "", segmented: bool = False
) -> None:
    """Write the annotation of one picture.

    Args:
        path: the ``.xml``.
        annotated: the picture.
        folder: what to write as ``folder``.
        segmented: whether VOC's label pictures exist for it.

    Taught in chapters/01_pixels_and_labels.
    """
    root = ElementTree.Element("annotation")
    _add(root, folder=folder, filename=annotated.file)
    size = ElementTree.SubElement(root, "size")
    _add(size, width=annotated.width, height=annotated.height, depth=3)
    _add(root, segmented=int(segmented))
    for thing in annotated.things:
        node = ElementTree.SubElement(root, "object")
        _add(node, name=thing.name)
        difficult = thing.difficult or thing.crowd
        _add(node, truncated=int(thing.truncated), difficult=int(difficult))
        x1, x2 = whole_pixels(thing.box[0], thing.box[2])
        y1, y2 = whole_pixels(thing.box[1], thing.box[3])
        box = ElementTree.SubElement(node, "bndbox")
        _add(box, xmin=x1 + 1, ymin=y1 + 1, xmax=x2, ymax=y2)
    write_text(path, ElementTree.tostring(root, encoding="unicode"))


def whole_pixels(low: float, high: float) -> tuple[int, int]:
    """Two ends rounded to whole pixels, at least one pixel apart."""
    first, last = math.floor(low + 0.5), math.floor(high + 0.5)
    return (first, last) if first < last else (math.floor(low), math.floor(low) + 1)


def _parse(path: Path) -> ElementTree.Element:
    parser = ElementTree.XMLParser(target=_NoDoctype())
    try:
        return ElementTree.fromstring(read_bytes(path, MOST_BYTES), parser)
    except InputError:
        raise
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(f"{path} is no XML ({error}); write it again") from None


def _thing(node: ElementTree.Element, size: tuple[int, int], first: int) -> Thing:
    x1, y1, x2, y2 = (float(_text(node, f"bndbox/{corner}")) for corner in CORNERS)
    box = sound_box((x1 - first, y1 - first, x2, y2), *size)
    flags = {tag: _flag(node, tag) for tag in ("difficult", "truncated")}
    return Thing(sound_name(_text(node, "name")), box, **flags)


def _text(node: ElementTree.Element, tag: str) -> str:
    text = (node.findtext(tag) or "").strip()
    if not text:
        raise KeyError(tag)
    return text


def _flag(node: ElementTree.Element, tag: str) -> bool:
    return (node.findtext(tag) or "").strip().lower() in TRUE


def _add(parent: ElementTree.Element, **values: object) -> None:
    for tag, value in values.items():
        ElementTree.SubElement(parent, tag).text = str(value)
