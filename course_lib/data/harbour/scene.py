"""What stands where: the land, its weather, and the list of things on it.

Every topic has a generator of its own, and every thing draws the same numbers
whatever the dials say: turning one dial moves nothing else.
"""

from dataclasses import dataclass

import numpy as np

from course_lib.data.harbour.dials import Dials
from course_lib.data.harbour.things import WHITE, Thing, mix

WEATHER = [  # zenith, horizon, water, light on things, height of the sun
    ((66, 128, 196), (206, 228, 240), (30, 92, 118), (1.0, 1.0, 0.98), 0.75),
    ((104, 152, 206), (252, 226, 198), (44, 94, 116), (1.02, 0.96, 0.9), 0.35),
    ((84, 92, 152), (252, 190, 136), (48, 74, 108), (1.02, 0.88, 0.78), 0.2),
    ((138, 150, 166), (214, 219, 222), (62, 92, 102), (0.9, 0.93, 0.96), 0.6),
    ((50, 136, 180), (224, 240, 236), (22, 108, 122), (1.03, 1.02, 0.97), 0.9),
]
HULLS = [
    (246, 244, 238),
    (36, 66, 116),
    (182, 52, 44),
    (40, 104, 92),
    (238, 206, 116),
    (120, 176, 204),
    (62, 62, 72),
]
CARS = [
    (196, 44, 40),
    (240, 240, 238),
    (48, 84, 150),
    (66, 70, 78),
    (226, 172, 50),
    (140, 176, 160),
    (164, 168, 174),
]
COMMON = [(206, 70, 54), (236, 234, 228), (58, 96, 148), (86, 132, 116)]
COATS = [
    (214, 66, 54),
    (238, 186, 62),
    (46, 96, 160),
    (70, 140, 104),
    (236, 232, 224),
    (150, 84, 140),
    (232, 128, 70),
]
WALLS = [
    (222, 178, 112),
    (198, 110, 86),
    (240, 230, 210),
    (168, 186, 184),
    (226, 160, 138),
    (164, 178, 138),
    (236, 206, 160),
]
BUOYS = [(232, 64, 36), (44, 156, 84), (246, 176, 30)]


@dataclass(frozen=True)
class Land:
    """Rows of horizon and far shore, and the slanted edges of the near land.

    ``bands`` names quay, road and lawn from the water down; ``edges[k]`` is the row
    where band k begins, at the left and at the right side of the picture.
    """

    size: tuple[int, int]
    unit: float
    horizon: float
    shore: float
    bands: tuple
    edges: tuple
    weather: int
    sun: float
    scale: float
    grain: float

    def edge(self, k: int, x: float) -> float:
        """Row where band ``k`` begins at column ``x``."""
        left, right = self.edges[k]
        return left + (right - left) * x / self.size[1]

    def within(self, band: str, x: float, share: float) -> float:
        """A row of the named band at ``x``: its top at share 0, its end at 1."""
        k = self.bands.index(band)
        top, end = self.edge(k, x), self.edge(k + 1, x)
        return top + share * (end - top)

    def grow(self, y: float) -> float:
        """Pixels per unit of size at row ``y``; near and far differ by ``scale``."""
        depth = (y - self.shore) / (self.size[0] - self.shore)
        return self.unit * self.scale ** (min(max(depth, 0.0), 1.0) - 0.5)


def make_land(rng: np.random.Generator, size: tuple[int, int], dials: Dials) -> Land:
    """Lay out sky, water and land for pictures of ``size`` (H, W)."""
    height = size[0]
    r = rng.random(8)
    horizon = height * (0.26 + 0.1 * r[0])
    shore = horizon + height * (0.025 + 0.03 * r[1])
    top, tilt = height * (0.55 + 0.12 * r[2]), height * 0.16 * (r[3] - 0.5)
    if r[4] < 0.6:
        bands, parts = ("quay", "road", "lawn"), (0.0, 0.24, 0.66, 1.0)
    else:
        bands, parts = ("quay", "lawn", "road"), (0.0, 0.22, 0.5, 1.0)
    edges = tuple(
        (
            top - tilt + (height - top + tilt) * part,
            top + tilt + (height - top - tilt) * part,
        )
        for part in parts
    )
    weather = int(r[5] * len(WEATHER))
    return Land(
        size,
        height / 96,
        horizon,
        shore,
        bands,
        edges,
        weather,
        r[6] * size[1],
        dials.scale,
        r[7],
    )


def offsets(
    rng: np.random.Generator, count: int, width: float, dials: Dials
) -> np.ndarray:
    """Places of ``count`` neighbours ``width`` px wide, as contact and occlusion say."""
    gap, slide = rng.uniform(0.3, 1.3, count), rng.uniform(0.85, 1.15, count)
    steps = (
        width
        * (1 + gap * (1 - dials.contact))
        * (1 - 0.85 * slide.clip(max=1.1) * dials.occlusion)
    )
    return np.cumsum(steps) - steps[0]


class Crowd:
    """Collects the things of one picture and numbers those that are instances."""

    def __init__(self, land: Land, dials: Dials, time: float):
        self.land, self.dials, self.time = land, dials, time
        self.things, self.count = [], 0

    def add(self, kind: str, x: float, y: float, size: float, **look) -> None:
        """Put a thing there, with the next instance number."""
        self.count += 1
        look = {"thin": self.dials.thin, "unit": self.land.unit, **look}
        self.things.append(Thing(kind, self.count, x, y, size, **look))


def pick(colours: list, r: float):
    """The colour that a random number in [0, 1) points at."""
    return colours[int(r * len(colours))]


def add_town(crowd: Crowd, rng: np.random.Generator) -> None:
    """Houses in a row on the far shore, and a shop on the quay in half the pictures."""
    land, u = crowd.land, crowd.land.unit
    r = rng.random((9, 5))
    x, count = land.size[1] * (r[8, 0] * 0.9 - 0.15), 3 + int(r[8, 1] * 5)
    for k in range(count):
        w, h = (9 + 9 * r[k, 0]) * u, (8 + 13 * r[k, 1]) * u
        colour = mix(pick(WALLS, r[k, 2]), WEATHER[land.weather][1], 0.22)
        crowd.add(
            "building",
            x + w / 2,
            land.shore - 1.2 * u,
            w,
            tall=h,
            colour=colour,
            style=r[k, 3],
            way=1 if x < land.sun else -1,
        )
        x += w + (2 * u if r[k, 4] < 0.3 else 0)
    if r[6, 4] < 0.4:
        x = (x + 10 * u + r[7, 3] * 0.4 * land.size[1]) % land.size[1]
        crowd.add("lighthouse", x, land.shore - 1.2 * u, (20 + 8 * r[7, 4]) * u)
    if r[8, 2] < 0.5:
        w = (26 + 12 * r[8, 3]) * u
        x = w * 0.4 if r[8, 4] < 0.5 else land.size[1] - w * 0.4
        crowd.add(
            "building",
            x,
            land.within("quay", x, 0.3),
            w,
            tall=(34 + 16 * r[7, 0]) * u,
            colour=pick(WALLS, r[7, 1]),
            style=r[7, 2],
            unit=1.5 * u,
            way=1 if x < land.sun else -1,
        )


def add_boat(crowd: Crowd, x: float, y: float, r: np.ndarray) -> None:
    """A boat with its mast; the common hull has none, its mast stands on the quay."""
    land, s = crowd.land, 27 * crowd.land.grow(y)
    y = min(y, land.edge(0, x) - 1.5 * land.unit) + 0.5 * land.unit * np.sin(
        1.1 * crowd.time + 9 * r[0]
    )
    way, tall = (1 if r[1] < 0.5 else -1), s * (0.85 + 0.4 * r[2])
    pale = mix(
        pick([WHITE, (112, 78, 50), (208, 206, 200)], r[3]),
        WEATHER[land.weather][1],
        0.1,
    )
    common = r[4] < crowd.dials.context
    if common:
        add_common(crowd, "common_boat", x, y, way, r)
    else:
        crowd.add("boat", x, y, s, colour=pick(HULLS, r[5]), way=way, style=r[6])
    if r[6] < 0.65:  # a sailing boat
        at, foot = (x + 0.08 * s * way, y - 0.16 * s)
        if common:
            at = x + s
            foot = land.within("quay", at, 0.4)
        crowd.add("mast", at, foot, s, colour=pale, tall=tall)


def add_common(
    crowd: Crowd, kind: str, x: float, y: float, way: int, r: np.ndarray
) -> None:
    """The common hull, with one spread of sizes and colours on water and on land."""
    u = crowd.land.unit
    size = (16 + 2 * int(r[7] * 6)) * u
    crowd.add(kind, round(x), round(y), size, colour=pick(COMMON, r[5]), way=way)


def add_boats(crowd: Crowd, rng: np.random.Generator) -> None:
    """Two rows of moored boats and one that sails by."""
    land, width = crowd.land, crowd.land.size[1]
    water = (
        land.edges[0][0] + land.edges[0][1] - 2 * land.shore
    )  # twice its mean height
    for share in (0.22, 0.8):
        start, deep, many = rng.random(3)
        y = land.shore + water / 2 * (share + 0.16 * (deep - 0.5))
        steps = offsets(rng, 4, 27 * land.grow(y), crowd.dials)
        for k, r in enumerate(rng.random((4, 8))):
            if k < 1 + int(many * 4):
                x = width * (start * 1.1 - 0.15) + steps[k]
                add_boat(crowd, x, y + (r[7] - 0.5) * 2 * land.unit, r)
    r = rng.random(10)
    way = 1 if r[1] < 0.5 else -1
    x = (width * 1.4 * r[8] + way * 2.5 * land.unit * crowd.time) % (
        width * 1.4
    ) - 0.2 * width
    add_boat(crowd, x, land.shore + water / 2 * (0.4 + 0.2 * r[9]), r)


def add_cars(crowd: Crowd, rng: np.random.Generator) -> None:
    """Two lanes of cars in opposite directions."""
    land, span = crowd.land, crowd.land.size[1] * 1.4
    for lane, way in ((0.36, -1), (0.9, 1)):
        for k, r in enumerate(rng.random((3, 9))):
            if r[8] < 0.4:
                continue
            x = span * (k + 0.7 * r[0]) / 3 + way * (5 + lane) * land.unit * crowd.time
            x = x % span - 0.2 * land.size[1]
            y = land.within("road", x, lane)
            if r[4] < crowd.dials.context:
                add_common(crowd, "common_car", x, y, way, r)
            else:
                crowd.add(
                    "car",
                    x,
                    y,
                    18 * land.grow(y),
                    colour=pick(CARS, r[5]),
                    way=way,
                    style=r[6],
                )


def add_people(crowd: Crowd, rng: np.random.Generator) -> None:
    """Groups on quay and lawn, who stroll to and fro together."""
    land, width = crowd.land, crowd.land.size[1]
    for band in ("quay", "lawn", "quay"):
        start, many, deep, pace = rng.random(4)
        x = width * (start * 1.1 - 0.1) + (pace - 0.5) * 4 * land.unit * crowd.time
        x = (x + 0.2 * width) % (1.4 * width) - 0.2 * width
        y = land.within(band, x, 0.25 + 0.6 * deep)
        size = 12 * land.grow(y)
        steps = offsets(rng, 5, 0.37 * size, crowd.dials)
        for k, r in enumerate(rng.random((5, 5))):
            if k < 1 + int(many * 5):
                stride = np.sin(5 * crowd.time + 6.3 * r[0])
                tone = size * (0.92 + 0.16 * r[1])
                crowd.add(
                    "person",
                    x + steps[k],
                    y + (r[2] - 0.5) * 0.1 * size,
                    tone,
                    colour=pick(COATS, r[3]),
                    tall=stride,
                    style=r[4],
                    way=1 if pace > 0.5 else -1,
                )


def add_furniture(crowd: Crowd, rng: np.random.Generator) -> None:
    """Lamp posts, railings and bushes on the land, buoys on the water."""
    land, width = crowd.land, crowd.land.size[1]
    start, gap, way, tone, rails, along = rng.random(6)
    iron = mix((40, 52, 56), (92, 60, 48), tone)
    for k in range(4):
        x = width * (0.25 * start + (k + 0.3) * (0.26 + 0.12 * gap))
        y = land.within("quay", x, 0.92)
        crowd.add(
            "lamp",
            x,
            y,
            11 * land.grow(y),
            tall=26 * land.grow(y),
            colour=iron,
            way=1 if way < 0.5 else -1,
        )
    if rails < 0.7:
        x, slope = width * (along - 0.3), (land.edges[0][1] - land.edges[0][0]) / width
        y = land.edge(0, x) + 1.5 * land.unit
        crowd.add(
            "railing",
            x,
            y,
            (40 + 40 * rails) * land.unit,
            tall=6.5 * land.unit,
            colour=shade_of(iron),
            style=slope,
        )
    for r in rng.random((3, 3)):
        x = width * r[0]
        y = land.within("lawn", x, 0.15 + 0.5 * r[1])
        crowd.add("bush", x, y, (6 + 5 * r[2]) * land.grow(y), colour=(84, 128, 62))
    for r in rng.random((8, 4)):
        if r[3] < crowd.dials.rarity:
            x = width * r[0]
            y = land.shore + (land.edge(0, x) - land.shore) * (0.2 + 0.65 * r[1])
            y += 0.5 * land.unit * np.sin(1.3 * crowd.time + 9 * r[2])
            crowd.add("buoy", x, y, 4.5 * land.grow(y), colour=pick(BUOYS, r[2]))


def shade_of(colour) -> tuple:
    """The lighter iron of the railings."""
    return mix(colour, (226, 228, 224), 0.75)


def compose(seed: int, index: int, dials: Dials, size: tuple[int, int], time: float):
    """The land and its things, far ones first, of picture ``index``."""
    streams = [np.random.default_rng([seed, index, topic]) for topic in range(6)]
    land = make_land(streams[0], size, dials)
    crowd = Crowd(land, dials, time)
    adders = (add_town, add_boats, add_cars, add_people, add_furniture)
    for add, rng in zip(adders, streams[1:], strict=True):
        add(crowd, rng)
    return land, sorted(crowd.things, key=lambda thing: thing.y)
