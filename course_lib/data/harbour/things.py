"""How each thing is drawn: a few polygons, in units of its own size.

A shape is a list of (x, y): x to the bow, y downwards from the deck or the ground,
both in units of the thing's length. Every function takes the pen and the thing.
"""

from dataclasses import dataclass

from course_lib.data.harbour import pen as p

WHITE, GLASS = (246, 244, 236), (70, 96, 116)
# fmt: off
HULL = [(-0.48, -0.17), (-0.2, -0.15), (0.2, -0.16), (0.52, -0.24), (0.4, 0.02),
        (-0.44, 0.02)]
STRIPE = [(-0.48, -0.17), (-0.2, -0.15), (0.2, -0.16), (0.52, -0.24), (0.49, -0.19),
          (0.2, -0.11), (-0.2, -0.1), (-0.47, -0.12)]
KEEL = [(0.44, -0.04), (0.4, 0.02), (-0.44, 0.02), (-0.453, -0.04)]
CABIN = [(-0.28, -0.15), (-0.24, -0.27), (0.02, -0.27), (0.14, -0.155)]
CABIN_GLASS = [(-0.2, -0.245), (0.0, -0.245), (0.05, -0.195), (-0.215, -0.195)]
SAIL = [(-0.4, -0.33), (0.08, -0.38), (0.08, -0.33), (-0.38, -0.29)]
HOUSE = [(-0.1, -0.15), (-0.08, -0.42), (0.18, -0.42), (0.24, -0.16)]
HOUSE_GLASS = [(-0.05, -0.38), (0.17, -0.38), (0.19, -0.29), (-0.055, -0.29)]
BODY = [(-0.5, -0.06), (-0.5, -0.2), (-0.33, -0.24), (-0.2, -0.4), (0.12, -0.4),
        (0.27, -0.24), (0.46, -0.2), (0.5, -0.12), (0.5, -0.06)]
SILL = [(-0.5, -0.06), (-0.5, -0.13), (0.5, -0.13), (0.5, -0.06)]
PANES = [[(-0.27, -0.24), (-0.17, -0.37), (-0.04, -0.37), (-0.04, -0.24)],
         [(0.0, -0.24), (0.0, -0.37), (0.1, -0.37), (0.21, -0.24)]]
COMMON = [(-0.5, -0.2), (-0.24, -0.21), (-0.17, -0.4), (0.14, -0.4), (0.22, -0.21),
          (0.5, -0.2), (0.42, 0.0), (-0.42, 0.0)]
COMMON_GLASS = [(-0.15, -0.24), (-0.11, -0.36), (0.1, -0.36), (0.15, -0.24)]
COMMON_BAND = [(-0.48, -0.14), (0.48, -0.14), (0.455, -0.07), (-0.455, -0.07)]
COAT = [(-0.1, -0.83), (0.1, -0.83), (0.17, -0.74), (0.18, -0.46), (0.11, -0.42),
        (-0.11, -0.42), (-0.18, -0.46), (-0.17, -0.74)]
LIT = [(0.02, -0.82), (0.1, -0.83), (0.17, -0.74), (0.18, -0.46), (0.04, -0.42)]
# fmt: on


@dataclass(frozen=True)
class Thing:
    """What stands at (x, y): its foot in pixels, its size in pixels, its look.

    ``tall`` is the length of masts and posts; ``way`` is 1 or -1, where it faces;
    ``style`` in [0, 1) chooses between variants; ``thin`` is the dial and ``unit`` the
    height of the picture divided by 96.
    """

    kind: str
    instance: int
    x: float
    y: float
    size: float
    colour: tuple = WHITE
    tall: float = 0.0
    way: int = 1
    style: float = 0.0
    thin: int = 2
    unit: float = 1.0


def mix(a, b, share: float) -> tuple:
    """The colour ``share`` of the way from ``a`` to ``b``."""
    return tuple(x + share * (y - x) for x, y in zip(a, b, strict=True))


def shade(colour, factor: float) -> tuple:
    """A darker (< 1) or lighter (> 1) tone."""
    return tuple(min(255.0, c * factor) for c in colour)


def parts(pen: p.Pen, thing: Thing, kind: int, shapes) -> None:
    """Draw (shape, colour) pairs as one instance; every third does for a reflection."""
    for points, colour in shapes if pen.mirror is None else shapes[::3]:
        paint = pen.paint(colour, kind, thing.instance)
        pen.shape(points, thing.x, thing.y, thing.size * thing.way, thing.size, paint)


def common(pen: p.Pen, thing: Thing, kind: int) -> None:
    """The one hull of the dial ``context``: nothing but ``kind`` tells what it is."""
    shapes = [(COMMON, thing.colour), (COMMON_BAND, shade(thing.colour, 0.7))]
    parts(pen, thing, kind, [*shapes, (COMMON_GLASS, GLASS)])


def boat(pen: p.Pen, thing: Thing) -> None:
    """A sailing boat (its mast is a thing of its own) or a boat with a wheelhouse."""
    rim = WHITE if sum(thing.colour) < 500 else (70, 104, 140)
    shapes = [(HULL, thing.colour), (STRIPE, rim), (KEEL, shade(thing.colour, 0.55))]
    if thing.style < 0.65:
        sail = (222, 214, 196) if thing.style < 0.3 else (58, 92, 134)
        shapes += [(CABIN, (236, 232, 222)), (CABIN_GLASS, GLASS), (SAIL, sail)]
    else:
        shapes += [(HOUSE, (238, 234, 224)), (HOUSE_GLASS, GLASS)]
    parts(pen, thing, p.BOAT, shapes)


def common_boat(pen: p.Pen, thing: Thing) -> None:
    """The common hull on water."""
    common(pen, thing, p.BOAT)


def common_car(pen: p.Pen, thing: Thing) -> None:
    """The common hull on the road."""
    common(pen, thing, p.CAR)


def car(pen: p.Pen, thing: Thing) -> None:
    """A car seen from its side."""
    shapes = [(BODY, thing.colour), (SILL, shade(thing.colour, 0.72))]
    parts(pen, thing, p.CAR, shapes + [(pane, (52, 66, 82)) for pane in PANES])
    lamp = pen.paint((255, 244, 190), p.CAR, thing.instance)
    tyre = pen.paint((30, 30, 34), p.CAR, thing.instance)
    rim = pen.paint((168, 170, 174), p.CAR, thing.instance)
    x, y, s = thing.x, thing.y, thing.size
    pen.disc(x + 0.46 * s * thing.way, y - 0.165 * s, 0.03 * s, lamp)
    for at in (x - 0.28 * s, x + 0.28 * s):
        pen.disc(at, y - 0.085 * s, 0.095 * s, tyre)
        pen.disc(at, y - 0.085 * s, 0.035 * s, rim)


def person(pen: p.Pen, thing: Thing) -> None:
    """A person, ``size`` tall; ``tall`` is the stride, from -1 to 1."""
    step = 0.1 * thing.tall
    trousers = (52, 58, 84) if thing.style < 0.5 else (92, 76, 62)
    back = [(-0.1, -0.46), (0.02, -0.46), (-0.01 + step, 0.0), (-0.1 + step, 0.0)]
    front = [(-0.02, -0.46), (0.1, -0.46), (0.1 - step, 0.0), (0.01 - step, 0.0)]
    coat = [(COAT, thing.colour), (LIT, shade(thing.colour, 1.18))]
    parts(pen, thing, p.PERSON, [(back, trousers), (front, trousers), *coat])
    hair = (70, 50, 36) if thing.style < 0.7 else (206, 168, 96)
    skin = [(238, 200, 170), (196, 150, 116), (128, 88, 64)][int(thing.style * 6) % 3]
    hair, skin = (pen.paint(c, p.PERSON, thing.instance) for c in (hair, skin))
    x, y, s = thing.x, thing.y, thing.size
    pen.disc(x, y - 0.92 * s, 0.095 * s, hair)
    pen.disc(x + 0.02 * s * thing.way, y - 0.9 * s, 0.075 * s, skin)
