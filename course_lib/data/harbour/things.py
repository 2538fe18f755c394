"""How each thing is drawn: a few polygons, in units of its own size.

A shape is a list of (x, y): x to the bow, y downwards from the deck or the ground,
both in units of the thing's length. Every function takes the pen and the thing.
"""

from dataclasses import dataclass

from course_lib.data.harbour import pen as p

WHITE, DARK, GLASS = (246, 244, 236), (44, 46, 56), (70, 96, 116)
HULL = [
    (-0.48, -0.17),
    (-0.2, -0.15),
    (0.2, -0.16),
    (0.52, -0.24),
    (0.4, 0.02),
    (-0.44, 0.02),
]
STRIPE = [
    (-0.48, -0.17),
    (-0.2, -0.15),
    (0.2, -0.16),
    (0.52, -0.24),
    (0.49, -0.19),
    (0.2, -0.11),
    (-0.2, -0.1),
    (-0.47, -0.12),
]
KEEL = [(0.44, -0.04), (0.4, 0.02), (-0.44, 0.02), (-0.453, -0.04)]
CABIN = [(-0.28, -0.15), (-0.24, -0.27), (0.02, -0.27), (0.14, -0.155)]
CABIN_GLASS = [(-0.2, -0.245), (0.0, -0.245), (0.05, -0.195), (-0.215, -0.195)]
SAIL = [(-0.4, -0.33), (0.08, -0.38), (0.08, -0.33), (-0.38, -0.29)]
HOUSE = [(-0.1, -0.15), (-0.08, -0.42), (0.18, -0.42), (0.24, -0.16)]
HOUSE_GLASS = [(-0.05, -0.38), (0.17, -0.38), (0.19, -0.29), (-0.055, -0.29)]
BODY = [
    (-0.5, -0.06),
    (-0.5, -0.2),
    (-0.33, -0.24),
    (-0.2, -0.4),
    (0.12, -0.4),
    (0.27, -0.24),
    (0.46, -0.2),
    (0.5, -0.12),
    (0.5, -0.06),
]
PANES = [
    [(-0.27, -0.24), (-0.17, -0.37), (-0.04, -0.37), (-0.04, -0.24)],
    [(0.0, -0.24), (0.0, -0.37), (0.1, -0.37), (0.21, -0.24)],
]
COMMON = [
    (-0.5, -0.2),
    (-0.24, -0.21),
    (-0.17, -0.4),
    (0.14, -0.4),
    (0.22, -0.21),
    (0.5, -0.2),
    (0.42, 0.0),
    (-0.42, 0.0),
]
COMMON_GLASS = [(-0.15, -0.24), (-0.11, -0.36), (0.1, -0.36), (0.15, -0.24)]
COMMON_BAND = [(-0.48, -0.14), (0.48, -0.14), (0.455, -0.07), (-0.455, -0.07)]


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
    parts(pen, thing, p.CAR, [(BODY, thing.colour)])
    low = [(-0.5, -0.06), (-0.5, -0.13), (0.5, -0.13), (0.5, -0.06)]
    parts(pen, thing, p.CAR, [(low, shade(thing.colour, 0.72))])
    parts(pen, thing, p.CAR, [(pane, (52, 66, 82)) for pane in PANES])
    s, front = thing.size, thing.x + 0.46 * thing.size * thing.way
    pen.disc(
        front,
        thing.y - 0.165 * s,
        0.03 * s,
        pen.paint((255, 244, 190), p.CAR, thing.instance),
    )
    tyre = pen.paint((30, 30, 34), p.CAR, thing.instance)
    rim = pen.paint((168, 170, 174), p.CAR, thing.instance)
    for at in (-0.28, 0.28):
        pen.disc(thing.x + at * s, thing.y - 0.085 * s, 0.095 * s, tyre)
        pen.disc(thing.x + at * s, thing.y - 0.085 * s, 0.035 * s, rim)


def person(pen: p.Pen, thing: Thing) -> None:
    """A person, ``size`` tall; ``tall`` is the stride, from -1 to 1."""
    step = 0.1 * thing.tall
    trousers = (52, 58, 84) if thing.style < 0.5 else (92, 76, 62)
    skin = [(238, 200, 170), (196, 150, 116), (128, 88, 64)][int(thing.style * 6) % 3]
    legs = [
        [(-0.1, -0.46), (0.02, -0.46), (-0.01 + step, 0.0), (-0.1 + step, 0.0)],
        [(-0.02, -0.46), (0.1, -0.46), (0.1 - step, 0.0), (0.01 - step, 0.0)],
    ]
    coat = [
        (-0.1, -0.83),
        (0.1, -0.83),
        (0.17, -0.74),
        (0.18, -0.46),
        (0.11, -0.42),
        (-0.11, -0.42),
        (-0.18, -0.46),
        (-0.17, -0.74),
    ]
    shapes = [(leg, trousers) for leg in legs] + [(coat, thing.colour)]
    parts(pen, thing, p.PERSON, shapes)
    light = [(0.02, -0.82), (0.1, -0.83), (0.17, -0.74), (0.18, -0.46), (0.04, -0.42)]
    parts(pen, thing, p.PERSON, [(light, shade(thing.colour, 1.18))])
    s = thing.size
    hair = (70, 50, 36) if thing.style < 0.7 else (206, 168, 96)
    pen.disc(
        thing.x,
        thing.y - 0.92 * s,
        0.095 * s,
        pen.paint(hair, p.PERSON, thing.instance),
    )
    pen.disc(
        thing.x + 0.02 * s * thing.way,
        thing.y - 0.9 * s,
        0.075 * s,
        pen.paint(skin, p.PERSON, thing.instance),
    )


def upright(pen: p.Pen, thing: Thing, paint: int) -> float:
    """An upright of exactly ``thin`` pixels; returns the column where it begins."""
    left = round(thing.x - thing.thin / 2)
    pen.box(left, thing.y - thing.tall, left + thing.thin, thing.y, paint)
    return left


def mast(pen: p.Pen, thing: Thing) -> None:
    """A mast: nothing but an upright ``thin`` pixels wide."""
    upright(pen, thing, pen.paint(thing.colour, p.MAST, thing.instance))


def lamp(pen: p.Pen, thing: Thing) -> None:
    """A lamp post with its arm and lantern."""
    upright(pen, thing, pen.paint(thing.colour, p.LAMP, thing.instance))
    top, s = thing.y - thing.tall, thing.size
    arm = [(-0.02, 0.0), (0.2, -0.05), (0.2, 0.01), (-0.02, 0.07)]
    paint = pen.paint(thing.colour, p.LAMP, thing.instance)
    pen.shape(arm, thing.x, top, s * thing.way, s, paint)
    glow = pen.paint((255, 236, 170), p.LAMP, thing.instance)
    lantern = [(0.12, -0.02), (0.32, -0.02), (0.28, 0.09), (0.16, 0.09)]
    pen.shape(lantern, thing.x, top, s * thing.way, s, glow)


def railing(pen: p.Pen, thing: Thing) -> None:
    """A stretch of railing: posts and one rail, all ``thin`` pixels; falls by ``style``."""
    paint = pen.paint(thing.colour, p.LAMP, thing.instance)
    step, count = thing.tall * 1.3 + thing.thin, max(2, round(thing.size / thing.tall))
    for k in range(count):
        left, foot = round(thing.x + k * step), thing.y + thing.style * k * step
        pen.box(left, foot - thing.tall, left + thing.thin, foot, paint)
        if k < count - 1:
            right, top = round(thing.x + (k + 1) * step), round(foot - thing.tall)
            pen.box(left, top, right + thing.thin, top + thing.thin, paint)


def buoy(pen: p.Pen, thing: Thing) -> None:
    """A buoy: a float, a cone and a white band."""
    body = [(-0.5, -0.16), (-0.2, -0.34), (-0.15, -0.95), (0.15, -0.95), (0.2, -0.34)]
    body += [(0.5, -0.16), (0.4, 0.12), (-0.4, 0.12)]
    band = [(-0.19, -0.48), (-0.17, -0.72), (0.17, -0.72), (0.19, -0.48)]
    parts(pen, thing, p.BUOY, [(body, thing.colour), (band, WHITE)])
    top = pen.paint(shade(thing.colour, 0.8), p.BUOY, thing.instance)
    pen.disc(thing.x, thing.y - 1.12 * thing.size, 0.26 * thing.size, top)


def building(pen: p.Pen, thing: Thing) -> None:
    """A house: facade, roof, rows of windows; ``size`` wide and ``tall`` high."""
    w, h, left, top = (
        thing.size,
        thing.tall,
        thing.x - thing.size / 2,
        thing.y - thing.tall,
    )
    wall = pen.paint(thing.colour, p.BUILDING, material=p.WALL)
    roof = pen.paint(mix((150, 74, 56), (86, 88, 104), thing.style), p.BUILDING)
    pen.box(left, top, left + w, thing.y, wall)
    dim = pen.paint(shade(thing.colour, 0.8), p.BUILDING, material=p.WALL)
    pen.box(
        left + (0.9 * w if thing.way > 0 else 0),
        top,
        left + (w if thing.way > 0 else 0.1 * w),
        thing.y,
        dim,
    )
    if thing.style < 0.4:  # gable to the water
        eaves = [(-0.53, 0.0), (0.0, -0.34), (0.53, 0.0)]
    elif thing.style < 0.8:  # roof along the water
        eaves = [(-0.54, 0.0), (-0.42, -0.24), (0.42, -0.24), (0.54, 0.0)]
    else:  # flat, with a cornice
        eaves = [(-0.53, 0.03), (-0.53, -0.06), (0.53, -0.06), (0.53, 0.03)]
    pen.shape(eaves, thing.x, top, w, w, roof)
    lit = pen.paint((255, 214, 130), p.BUILDING)
    glass = pen.paint(mix(GLASS, thing.colour, 0.15), p.BUILDING)
    columns, rows = (
        max(1, min(5, round(w / thing.unit / 5))),
        max(1, min(6, round(h / thing.unit / 6))),
    )
    pane_w, pane_h = w / columns * 0.46, h / rows * 0.5
    for c in range(columns):
        x = left + (c + 0.5) * w / columns - pane_w / 2
        if pen.mirror is not None:  # in the water, a streak per column
            pen.box(x, top, x + pane_w, thing.y, glass)
            continue
        for r in range(rows):
            y = top + (r + 0.28) * h / rows
            on = (thing.instance * 7 + r * 5 + c * 3) % 11 < 2
            pen.box(x, y, x + pane_w, y + pane_h, lit if on else glass)
    if h > 30 * thing.unit / 1.5 and pen.mirror is None:
        shop(pen, thing, left, w, h / rows)


def shop(pen: p.Pen, thing: Thing, left: float, w: float, storey: float) -> None:
    """A ground floor with a door, a wide window and a striped awning."""
    wood = pen.paint((84, 58, 46), p.BUILDING)
    lit = pen.paint((250, 222, 160), p.BUILDING)
    top = thing.y - 0.92 * storey
    pen.box(
        left + 0.04 * w,
        top,
        left + 0.96 * w,
        thing.y,
        pen.paint(shade(thing.colour, 0.72), p.BUILDING),
    )
    pen.box(left + 0.1 * w, top + 0.25 * storey, left + 0.26 * w, thing.y, wood)
    pen.box(
        left + 0.36 * w,
        top + 0.35 * storey,
        left + 0.9 * w,
        thing.y - 0.15 * storey,
        lit,
    )
    stripes = [pen.paint(c, p.BUILDING) for c in ((196, 72, 60), (244, 236, 222))]
    for k in range(9):
        x = left + (0.32 + 0.0689 * k) * w
        pen.box(
            x, top + 0.08 * storey, x + 0.07 * w, top + 0.34 * storey, stripes[k % 2]
        )


def lighthouse(pen: p.Pen, thing: Thing) -> None:
    """A tapered white tower with red bands, on the far shore; it counts as building."""
    tower = [(-0.2, 0.0), (-0.12, -0.86), (0.12, -0.86), (0.2, 0.0)]
    lantern = [(-0.09, -0.84), (-0.09, -0.96), (0.09, -0.96), (0.09, -0.84)]
    shapes = [(tower, (244, 240, 232)), (lantern, (255, 226, 140))]
    for y in (-0.1, -0.4, -0.7):
        a, b = 0.2 + 0.093 * y, 0.2 + 0.093 * (y - 0.15)
        shapes.append(([(-a, y), (-b, y - 0.15), (b, y - 0.15), (a, y)], (206, 62, 52)))
    shapes.append(([(-0.13, -0.95), (0.0, -1.06), (0.13, -0.95)], (150, 48, 44)))
    parts(pen, thing, p.BUILDING, shapes)


def bush(pen: p.Pen, thing: Thing) -> None:
    """A low round bush; it counts as lawn."""
    for at, r, tone in ((-0.3, 0.3, 0.72), (0.28, 0.34, 0.78), (0.0, 0.42, 0.86)):
        paint = pen.paint(shade(thing.colour, tone), p.LAWN, material=p.GRASS)
        pen.disc(
            thing.x + at * thing.size,
            thing.y - (r - 0.05) * thing.size,
            r * thing.size,
            paint,
        )


DRAW = {
    f.__name__: f
    for f in (
        boat,
        common_boat,
        car,
        common_car,
        person,
        mast,
        lamp,
        railing,
        buoy,
        building,
        lighthouse,
        bush,
    )
}
