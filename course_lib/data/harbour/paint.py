"""In which order everything is drawn: far to near, the water before the land."""

import numpy as np

from course_lib.data.harbour import buildings, fixtures, things
from course_lib.data.harbour import pen as p
from course_lib.data.harbour.dials import Dials
from course_lib.data.harbour.land import Land
from course_lib.data.harbour.light import MATERIAL
from course_lib.data.harbour.pen import Pen
from course_lib.data.harbour.things import Thing, mix

GROUND = {"quay": (186, 174, 156), "road": (112, 112, 116), "lawn": (110, 154, 72)}
DRAW = {**vars(buildings), **vars(fixtures), **vars(things)}  # function of every kind
MIRRORED = ("boat", "common_boat", "mast", "building", "lighthouse", "buoy")


def draw(land: Land, crowd: list[Thing], dials: Dials, time: float) -> Pen:
    """Backdrop, water with reflections, near land, then the things, far to near."""
    _, _, water, light, _ = land.weather
    pen = Pen(land.size, light, water)
    draw_backdrop(pen, land)
    for thing in crowd:
        if thing.kind in MIRRORED and thing.y <= land.edge(0, thing.x):
            pen.mirror = thing.y + (0.16 * thing.size if thing.kind == "mast" else 0)
            DRAW[thing.kind](pen, thing)
    pen.mirror = None
    pen.ripple(waves(land, dials, time))
    draw_land(pen, land)
    for thing in crowd:
        DRAW[thing.kind](pen, thing)
    return pen


def draw_backdrop(pen: Pen, land: Land) -> None:
    """Sky, two ranges of hazy hills, the far shore and the water."""
    (height, width), (_, low, deep, _, _) = land.size, land.weather
    pen.paint((0, 0, 0), p.SKY, material=p.AIR)  # paint 0 fills the canvas
    x = np.linspace(0, width, 33)
    for k, tone in enumerate((0.5, 0.3)):
        wave = np.sin(x / width * (7 + 3 * k) + 2.1 * land.sun / land.unit + k)
        wave += 0.5 * np.sin(x / width * 17 + land.sun / land.unit)
        y = land.horizon - height * (0.055 - 0.03 * k) * (1.1 + 0.6 * wave)
        ridge = zip(x.tolist(), y.tolist(), strict=True)
        paint = pen.paint(mix((70, 104, 120), low, tone), p.BACKGROUND)
        pen.polygon([(0, land.shore), *ridge, (width, land.shore)], paint)
    meadow = pen.paint(mix((124, 152, 96), low, 0.35), p.LAWN)
    wall = pen.paint(mix((150, 140, 126), low, 0.3), p.ROAD)
    sea = pen.paint(mix(low, deep, 0.6), p.WATER, material=p.SEA)
    pen.box(0, 0.8 * land.horizon + 0.2 * land.shore, width, land.shore, meadow)
    pen.box(0, land.shore - 1.6 * land.unit, width, land.shore, wall)
    pen.box(0, land.shore, width, height, sea)


def waves(land: Land, dials: Dials, time: float) -> np.ndarray:
    """Sideways shift of every canvas row, (2 H,) whole canvas pixels."""
    y = (np.arange(land.size[0] * p.FINE) / p.FINE - land.shore) / land.unit
    swell = np.sin(12 * np.sqrt(np.abs(y)) - 2 * time)
    swell += 0.6 * np.sin(1.9 * y + 1.3 * time)
    size = land.unit * min(1, 3 * dials.texture) * (0.5 + 0.03 * y)
    return np.where(y > 0, np.rint(swell * size * p.FINE), 0).astype(np.int64)


def draw_land(pen: Pen, land: Land) -> None:
    """Quay wall, quay, road with kerbs and dashes, lawn."""
    strip(pen, land, 0, -1.8, 2, pen.paint((112, 100, 90), p.ROAD))
    for k, band in enumerate(land.bands):
        kind = p.LAWN if band == "lawn" else p.ROAD
        strip(pen, land, k, 0, None, pen.paint(GROUND[band], kind, 0, MATERIAL[band]))
    strip(pen, land, 0, 0, 1.2, pen.paint((214, 206, 190), p.ROAD))
    k = land.bands.index("road")
    kerb = pen.paint((206, 204, 198), p.ROAD)
    strip(pen, land, k, -0.2, 1, kerb)
    if k < 2:
        strip(pen, land, k + 1, -1, 0.2, kerb)
    line, u = pen.paint((240, 236, 220), p.ROAD), land.unit
    for x in np.arange(0, land.size[1], 9 * u).tolist():
        y1, y2 = land.within("road", x, 0.5), land.within("road", x + 4.5 * u, 0.5)
        low = [(x + 4.5 * u, y2 + 0.8 * u), (x, y1 + 0.8 * u)]
        pen.polygon([(x, y1), (x + 4.5 * u, y2), *low], line)


def strip(pen: Pen, land: Land, k: int, start: float, end, paint: int) -> None:
    """The land from ``start`` to ``end`` units below edge k; None is the bottom."""
    (height, width), u, (left, right) = land.size, land.unit, land.edges[k]
    low = (height, height) if end is None else (left + end * u, right + end * u)
    top = [(0, left + start * u), (width, right + start * u)]
    pen.polygon([*top, (width, low[1]), (0, low[0])], paint)
