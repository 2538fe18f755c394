"""How houses and the lighthouse are drawn; in the water, only their large parts."""

from course_lib.data.harbour import pen as p
from course_lib.data.harbour.things import GLASS, Thing, mix, parts, shade

GABLE = [(-0.53, 0.0), (0.0, -0.34), (0.53, 0.0)]
HIP = [(-0.54, 0.0), (-0.42, -0.24), (0.42, -0.24), (0.54, 0.0)]
FLAT = [(-0.53, 0.03), (-0.53, -0.06), (0.53, -0.06), (0.53, 0.03)]


def building(pen: p.Pen, thing: Thing) -> None:
    """A house, ``size`` wide and ``tall`` high; its roof is chosen by ``style``."""
    w, left, top = thing.size, thing.x - thing.size / 2, thing.y - thing.tall
    wall = pen.paint(thing.colour, p.BUILDING, material=p.WALL)
    dim = pen.paint(shade(thing.colour, 0.8), p.BUILDING, material=p.WALL)
    roof = pen.paint(mix((150, 74, 56), (86, 88, 104), thing.style), p.BUILDING)
    pen.box(left, top, left + w, thing.y, wall)
    side = left + (0.9 * w if thing.way > 0 else 0)
    pen.box(side, top, side + 0.1 * w, thing.y, dim)
    shape = GABLE if thing.style < 0.4 else HIP if thing.style < 0.8 else FLAT
    pen.shape(shape, thing.x, top, w, w, roof)
    windows(pen, thing, left, top)


def windows(pen: p.Pen, thing: Thing, left: float, top: float) -> None:
    """Rows of windows, some lit; a tall house has a shop below."""
    w, h = thing.size, thing.tall
    lit = pen.paint((255, 214, 130), p.BUILDING)
    glass = pen.paint(mix(GLASS, thing.colour, 0.15), p.BUILDING)
    columns = max(1, min(5, round(w / thing.unit / 5)))
    rows = max(1, min(6, round(h / thing.unit / 6)))
    wide, high = w / columns * 0.46, h / rows * 0.5
    for c in range(columns):
        x = left + (c + 0.5) * w / columns - wide / 2
        if pen.mirror is not None:  # in the water, a streak per column
            pen.box(x, top, x + wide, thing.y, glass)
            continue
        for r in range(rows):
            y = top + (r + 0.28) * h / rows
            on = (thing.instance * 7 + r * 5 + c * 3) % 11 < 2
            pen.box(x, y, x + wide, y + high, lit if on else glass)
    if h > 20 * thing.unit and pen.mirror is None:
        shop(pen, thing, left, h / rows)


def shop(pen: p.Pen, thing: Thing, left: float, storey: float) -> None:
    """A ground floor with a door, a wide window and a striped awning."""
    base, wood, lit, red, white = (
        pen.paint(colour, p.BUILDING)
        for colour in (shade(thing.colour, 0.72), (84, 58, 46), (250, 222, 160),
                       (196, 72, 60), (244, 236, 222))
    )  # fmt: skip

    def panel(x1, y1, x2, y2, paint):  # shares of the width, and of the storey
        pen.box(left + x1 * thing.size, thing.y - y1 * storey,
                left + x2 * thing.size, thing.y - y2 * storey, paint)  # fmt: skip

    panel(0.04, 0.92, 0.96, 0.0, base)
    panel(0.1, 0.67, 0.26, 0.0, wood)
    panel(0.36, 0.57, 0.9, 0.15, lit)
    for k in range(9):
        x = 0.32 + 0.0689 * k
        panel(x, 0.84, x + 0.07, 0.58, red if k % 2 else white)


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
