"""What stands where: the list of things in a picture.

Every topic has a generator of its own, and every thing draws the same numbers
whatever the dials say: turning one dial moves nothing else.
"""

import numpy as np

from course_lib.data.harbour.dials import Dials
from course_lib.data.harbour.land import Land, make_land
from course_lib.data.harbour.things import WHITE, Thing, mix

# fmt: off
HULLS = [(246, 244, 238), (36, 66, 116), (182, 52, 44), (40, 104, 92), (238, 206, 116),
         (120, 176, 204), (62, 62, 72)]
CARS = [(196, 44, 40), (240, 240, 238), (48, 84, 150), (66, 70, 78), (226, 172, 50),
        (140, 176, 160), (164, 168, 174)]
COMMON = [(206, 70, 54), (236, 234, 228), (58, 96, 148), (86, 132, 116)]
COATS = [(214, 66, 54), (238, 186, 62), (46, 96, 160), (70, 140, 104), (236, 232, 224),
         (150, 84, 140), (232, 128, 70)]
WALLS = [(222, 178, 112), (198, 110, 86), (240, 230, 210), (168, 186, 184),
         (226, 160, 138), (164, 178, 138), (236, 206, 160)]
BUOYS = [(232, 64, 36), (44, 156, 84), (246, 176, 30)]
MASTS = [WHITE, (112, 78, 50), (208, 206, 200)]
# fmt: on


def pick(colours: list, r: float):
    """The colour that a random number in [0, 1) points at."""
    return colours[int(r * len(colours))]


def offsets(rng, count: int, width: float, dials: Dials) -> list[float]:
    """Places of neighbours ``width`` px wide, as contact and occlusion say."""
    gap, slide = rng.uniform(0.3, 1.3, count), rng.uniform(0.75, 0.95, count)
    steps = width * (1 + gap * (1 - dials.contact)) * (1 - slide * dials.occlusion)
    return (np.cumsum(steps) - steps[0]).tolist()


class Crowd:
    """Collects the things of one picture and numbers them from 1."""

    def __init__(self, land: Land, dials: Dials, time: float):
        self.land, self.dials, self.time = land, dials, time
        self.things = []

    def add(self, kind: str, x: float, y: float, size: float, **look) -> None:
        """Put a thing there."""
        look = {"thin": self.dials.thin, "unit": self.land.unit, **look}
        self.things.append(Thing(kind, len(self.things) + 1, x, y, size, **look))

    def passing(self, x: float) -> float:
        """Column of what leaves on one side and comes back on the other."""
        width = self.land.size[1]
        return (x + 0.3 * width) % (1.6 * width) - 0.3 * width

    def bob(self, phase: float) -> float:
        """Rise and fall on the waves, in pixels."""
        return float(0.5 * self.land.unit * np.sin(1.1 * self.time + 9 * phase))


def add_town(crowd: Crowd, rng: np.random.Generator) -> None:
    """Houses and a lighthouse on the far shore; in half the pictures a near house."""
    land, u, width = crowd.land, crowd.land.unit, crowd.land.size[1]
    houses, (lights, at, tall), more = rng.random((8, 5)), rng.random(3), rng.random(7)
    x, shore = width * (float(more[0]) * 0.9 - 0.15), land.shore - 1.2 * u
    for a, b, c, style, space in houses.tolist()[: 3 + int(more[1] * 5)]:
        w, colour = (9 + 9 * a) * u, mix(pick(WALLS, c), land.weather[1], 0.22)
        look = {"style": style, "way": 1 if x < land.sun else -1}
        crowd.add("building", x + w / 2, shore, w, tall=(8 + 13 * b) * u,
                  colour=colour, **look)  # fmt: skip
        x += w + (2 * u if space < 0.3 else 0)
    if lights < 0.4:
        x = (x + 10 * u + at * 0.4 * width) % width
        crowd.add("lighthouse", float(x), shore, (20 + 8 * float(tall)) * u)
    _, _, near, a, side, b, c = more.tolist()
    if near < 0.5:
        w = (26 + 12 * a) * u
        x = w * 0.4 if side < 0.5 else width - w * 0.4
        look = {"style": (b * 7) % 1, "way": 1 if x < land.sun else -1}
        crowd.add("building", x, land.within("quay", x, 0.3), w, unit=1.5 * u,
                  tall=(34 + 16 * b) * u, colour=pick(WALLS, c), **look)  # fmt: skip


def add_common(crowd: Crowd, kind: str, x, y, way: int, r: list) -> None:
    """The common hull, with one spread of sizes and colours on water and on land."""
    size = (16 + 2 * int(r[7] * 6)) * crowd.land.unit
    crowd.add(kind, round(x), round(y), size, colour=pick(COMMON, r[5]), way=way)


def add_boat(crowd: Crowd, x: float, y: float, r: list) -> None:
    """A boat with its mast; the common hull has none, its mast stands on the quay."""
    land, s = crowd.land, 27 * crowd.land.grow(y)
    y = min(y, land.edge(0, x) - 1.5 * land.unit) + crowd.bob(r[0])
    way, tall = (1 if r[1] < 0.5 else -1), s * (0.85 + 0.4 * r[2])
    common = r[4] < crowd.dials.context
    if common:
        add_common(crowd, "common_boat", x, y, way, r)
    else:
        crowd.add("boat", x, y, s, colour=pick(HULLS, r[5]), way=way, style=r[6])
    if r[6] < 0.65:  # a sailing boat
        at, foot = x + 0.08 * s * way, y - 0.16 * s
        if common:
            at = land.size[1] * r[0]
            foot = land.within("quay", at, 0.4)
        colour = mix(pick(MASTS, r[3]), land.weather[1], 0.1)
        crowd.add("mast", at, foot, s, colour=colour, tall=tall)


def add_boats(crowd: Crowd, rng: np.random.Generator) -> None:
    """Two rows of moored boats and one that sails by."""
    land, width = crowd.land, crowd.land.size[1]
    water = (land.edges[0][0] + land.edges[0][1]) / 2 - land.shore
    for share in (0.22, 0.8):
        start, deep, many = rng.random(3).tolist()
        y = land.shore + water * (share + 0.16 * (deep - 0.5))
        steps = offsets(rng, 4, 27 * land.grow(y), crowd.dials)
        boats = rng.random((4, 8)).tolist()
        for step, r in list(zip(steps, boats, strict=True))[: 1 + int(many * 4)]:
            x = width * (start * 1.1 - 0.15) + step
            add_boat(crowd, x, y + (r[7] - 0.5) * 2 * land.unit, r)
    r = rng.random(10).tolist()
    sailed = (1 if r[1] < 0.5 else -1) * 2.5 * land.unit * crowd.time
    x = crowd.passing(width * 1.6 * r[8] + sailed)
    add_boat(crowd, x, land.shore + water * (0.4 + 0.2 * r[9]), r)


def add_cars(crowd: Crowd, rng: np.random.Generator) -> None:
    """Two lanes of cars in opposite directions."""
    land, span = crowd.land, crowd.land.size[1] * 1.6
    for lane, way in ((0.36, -1), (0.9, 1)):
        for k, r in enumerate(rng.random((3, 9)).tolist()):
            driven = way * (5 + lane) * land.unit * crowd.time
            x = crowd.passing(span * (k + 0.7 * r[0]) / 3 + driven)
            y = land.within("road", x, lane)
            if r[8] < 0.3:
                continue
            if r[4] < crowd.dials.context:
                add_common(crowd, "common_car", x, y, way, r)
            else:
                colour = pick(CARS, r[5])
                crowd.add("car", x, y, 18 * land.grow(y), colour=colour, way=way)


def add_people(crowd: Crowd, rng: np.random.Generator) -> None:
    """Groups on quay and lawn, who stroll together."""
    land, width = crowd.land, crowd.land.size[1]
    for band in ("quay", "lawn", "quay"):
        start, many, deep, pace = rng.random(4).tolist()
        walked = (pace - 0.5) * 4 * land.unit * crowd.time
        x = width * (start * 1.1 - 0.1)
        size = 12 * land.grow(land.within(band, x, 0.25 + 0.6 * deep))
        steps = offsets(rng, 5, 0.37 * size, crowd.dials)
        people = rng.random((5, 5)).tolist()
        for step, r in list(zip(steps, people, strict=True))[: 1 + int(many * 5)]:
            at = crowd.passing(x + walked + step)
            y = land.within(band, at, 0.25 + 0.6 * deep) + (r[2] - 0.5) * 0.1 * size
            stride = float(np.sin(5 * crowd.time + 6.3 * r[0]))
            crowd.add("person", at, y, size * (0.92 + 0.16 * r[1]), tall=stride,
                      colour=pick(COATS, r[3]), style=r[4],
                      way=1 if pace > 0.5 else -1)  # fmt: skip


def add_fixtures(crowd: Crowd, rng: np.random.Generator) -> None:
    """Lamp posts, a railing and bushes."""
    land, width, u = crowd.land, crowd.land.size[1], crowd.land.unit
    start, gap, way, tone, rails, along = rng.random(6).tolist()
    iron = mix((40, 52, 56), (92, 60, 48), tone)
    for k in range(4):
        x = width * (0.25 * start + (k + 0.3) * (0.26 + 0.12 * gap))
        y = land.within("quay", x, 0.92)
        s = land.grow(y)
        crowd.add("lamp", x, y, 11 * s, tall=26 * s, colour=iron,
                  way=1 if way < 0.5 else -1)  # fmt: skip
    if rails < 0.7:
        x, slope = width * (along - 0.3), (land.edges[0][1] - land.edges[0][0]) / width
        crowd.add("railing", x, land.edge(0, x) + 1.5 * u, (40 + 40 * rails) * u,
                  tall=6.5 * u, colour=mix(iron, (226, 228, 224), 0.75),
                  style=slope)  # fmt: skip
    for a, b, c in rng.random((3, 3)).tolist():
        x, y = width * a, land.within("lawn", width * a, 0.15 + 0.5 * b)
        crowd.add("bush", x, y, (6 + 5 * c) * land.grow(y), colour=(84, 128, 62))


def add_buoys(crowd: Crowd, rng: np.random.Generator) -> None:
    """Buoys, each of 8 places taken with the chance ``rarity``."""
    land = crowd.land
    for a, b, c, taken in rng.random((8, 4)).tolist():
        x = land.size[1] * a
        y = land.shore + (land.edge(0, x) - land.shore) * (0.2 + 0.65 * b)
        if taken < crowd.dials.rarity:
            colour = pick(BUOYS, c)
            crowd.add("buoy", x, y + crowd.bob(c), 4.5 * land.grow(y), colour=colour)


ADDERS = (add_town, add_boats, add_cars, add_people, add_fixtures, add_buoys)


def compose(seed: int, index: int, dials: Dials, size: tuple[int, int], time: float):
    """The land and its things, far ones first, of picture ``index``."""
    streams = [np.random.default_rng([seed, index, topic]) for topic in range(7)]
    land = make_land(streams[0], size, dials)
    crowd = Crowd(land, dials, time)
    for add, rng in zip(ADDERS, streams[1:], strict=True):
        add(crowd, rng)
    return land, sorted(crowd.things, key=lambda thing: thing.y)
