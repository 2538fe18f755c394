"""Annotated pictures for the tests of formats, and what each format loses of them."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from course_lib.data.formats import LOST, NO_CROWDS
from course_lib.data.formats.annotated import Annotated, Thing, box_of
from course_lib.data.formats.label_map import encode_mask

NAMES = ("boat", "lamp post", "Bü <&> \"b'", "mask", "off")
HARDLY = {"coco": 1e-8, "crowdhuman": 1e-8, "labelme": 0.0}  # pixels


@st.composite
def things(draw, width: int, height: int, kinds=("box", "polygons", "mask")) -> Thing:
    """A thing whose box is the smallest one around its outline."""
    flags = {f: draw(st.booleans()) for f in ("crowd", "difficult", "truncated")}
    name, kind = draw(st.sampled_from(NAMES)), draw(st.sampled_from(kinds))
    if kind == "mask":
        mask = np.zeros((height, width), bool)
        for _ in range(draw(st.integers(1, 3))):
            y, x = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
            mask[y : y + draw(st.integers(1, 9)), x : x + draw(st.integers(1, 9))] = 1
        runs, box = encode_mask(mask)
        return Thing(name, box, run_lengths=runs, **flags)
    if kind == "polygons":
        polygons = tuple(
            draw(polygon(width, height)) for _ in range(draw(st.integers(1, 2)))
        )
        return Thing(name, box_of(polygons), polygons, **flags)
    x1, x2 = draw(ends(width))
    y1, y2 = draw(ends(height))
    return Thing(name, (x1, y1, x2, y2), **flags)


@st.composite
def ends(draw, side: int) -> tuple[float, float]:
    """Two places along a side, a hundredth of a pixel apart or more."""
    low = draw(st.floats(0, side - 0.01) | st.integers(0, side - 1).map(float))
    high = draw(st.floats(0, side) | st.integers(0, side).map(float))
    return (low, high) if high - low >= 0.01 else (low, min(low + 0.5, float(side)))


@st.composite
def polygon(draw, width: int, height: int) -> tuple[float, ...]:
    """A quadrangle with area, its corners in the picture."""
    (x1, x2), (y1, y2) = draw(ends(width)), draw(ends(height))
    share = draw(st.floats(0, 1))
    middle = min(x1 + share * (x2 - x1), x2)
    return (x1, y1, middle, y1, x2, y2, x1, y2)


@st.composite
def pictures(draw, kinds=("box", "polygons", "mask"), file: str = "a.png") -> Annotated:
    """A picture of up to 40 x 40 pixels with up to four things."""
    width, height = draw(st.integers(2, 40)), draw(st.integers(2, 40))
    some = draw(st.lists(things(width, height, kinds), max_size=4))
    return Annotated(file, width, height, tuple(some))


def lossy(picture: Annotated, form: str) -> Annotated:
    """What should be left of a picture after a format, but for its boxes."""
    kept = [t for t in picture.things if not (t.crowd and form in NO_CROWDS)]
    return replace(picture, things=tuple(_lossy(thing, form) for thing in kept))


def _lossy(thing: Thing, form: str) -> Thing:
    empty = {"polygons": (), "run_lengths": None}
    changes = {what: empty.get(what, False) for what in LOST[form]}
    if form == "voc":
        changes["difficult"] = thing.difficult or thing.crowd
    if form == "crowdhuman":
        is_mask = thing.crowd or thing.name == "mask"
        changes |= (
            {"name": "mask", "crowd": True, "difficult": False} if is_mask else {}
        )
    return replace(thing, **changes)


def same(found: Annotated, wanted: Annotated, slack: float) -> None:
    """Two pictures are equal, their boxes but for some pixels."""
    assert (found.width, found.height) == (wanted.width, wanted.height)
    assert len(found.things) == len(wanted.things)
    for one, other in zip(found.things, wanted.things, strict=True):
        assert replace(one, box=other.box) == other
        assert np.abs(np.subtract(one.box, other.box)).max() <= slack


def slack_of(form: str, picture: Annotated) -> float:
    """Pixels by which a corner may move."""
    if form == "voc":  # half a pixel; less than one for boxes thinner than a pixel
        sides = [np.subtract(t.box[2:], t.box[:2]).min() for t in picture.things]
        return 0.5 if min(sides, default=1) >= 1 else 1.0
    if form == "yolo":
        return 2e-6 * max(picture.width, picture.height)
    return HARDLY[form]
