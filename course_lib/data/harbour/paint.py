"""From a list of things to picture, class map and instance map."""

import numpy as np
from PIL import Image, ImageDraw

from course_lib.data.harbour import pen as p
from course_lib.data.harbour.dials import Dials
from course_lib.data.harbour.pen import Pen
from course_lib.data.harbour.scene import WEATHER, Land
from course_lib.data.harbour.textures import cloud, grain, look_up, tiles
from course_lib.data.harbour.things import DRAW, Thing, mix

VOID = 255
GROUND = {"quay": (186, 174, 156), "road": (112, 112, 116), "lawn": (110, 154, 72)}
CLASS = {"quay": p.ROAD, "road": p.ROAD, "lawn": p.LAWN}
MATERIAL = {"quay": p.QUAY, "road": p.ASPHALT, "lawn": p.GRASS}
MIRRORED = ("boat", "common_boat", "mast", "building", "buoy")


def draw(land: Land, things: list[Thing], dials: Dials, time: float) -> Pen:
    """Backdrop, water with reflections, near land, then the things, far to near."""
    pen = Pen(land.size, WEATHER[land.weather][3])
    draw_backdrop(pen, land)
    for thing in things:
        if thing.kind in MIRRORED and thing.y <= land.edge(0, thing.x):
            foot = thing.y + 0.16 * thing.size if thing.kind == "mast" else thing.y
            pen.mirror = (foot, WEATHER[land.weather][2])
            DRAW[thing.kind](pen, thing)
    pen.mirror = None
    pen.ripple(waves(land, dials, time))
    draw_land(pen, land)
    for thing in things:
        DRAW[thing.kind](pen, thing)
    return pen


def draw_backdrop(pen: Pen, land: Land) -> None:
    """Sky, two ranges of hazy hills, and the water."""
    height, width = land.size
    zenith, low, deep, _, _ = WEATHER[land.weather]
    pen.paint(mix(zenith, low, 0.6), p.SKY, material=p.AIR)  # paint 0 fills the canvas
    for k, tone in enumerate((0.5, 0.3)):
        x = np.linspace(0, width, 17)
        wave = np.sin(x / width * (7 + 3 * k) + 2.1 * land.sun + k) + 0.5 * np.sin(x / width * 17 + land.sun)
        y = land.horizon - height * (0.055 - 0.03 * k) * (1.1 + 0.6 * wave)
        paint = pen.paint(mix((70, 104, 120), low, tone), p.BACKGROUND)
        pen.polygon([(0, land.shore), *zip(x, y, strict=True), (width, land.shore)], paint)
    far = pen.paint(mix((124, 152, 96), low, 0.35), p.LAWN)
    pen.box(0, land.horizon + 0.2 * (land.shore - land.horizon), width, land.shore, far)
    wall = pen.paint(mix((150, 140, 126), low, 0.3), p.ROAD)
    pen.box(0, land.shore - 1.6 * land.unit, width, land.shore, wall)
    pen.box(0, land.shore, width, height, pen.paint(mix(low, deep, 0.6), p.WATER, material=p.SEA))


def waves(land: Land, dials: Dials, time: float) -> np.ndarray:
    """Sideways shift of every canvas row, (2 H,) whole canvas pixels."""
    y = np.arange(land.size[0] * p.FINE) / p.FINE - land.shore
    swell = np.sin(6 * np.sqrt(np.abs(y) / land.unit) * 2 - 2 * time) + 0.6 * np.sin(y / land.unit * 1.9 + 1.3 * time)
    size = land.unit * min(1, 3 * dials.texture) * (0.5 + 0.03 * y / land.unit)
    return np.where(y > 0, np.rint(swell * size * p.FINE), 0).astype(np.int64)


def draw_land(pen: Pen, land: Land) -> None:
    """Quay wall, quay, road with kerbs and dashes, lawn."""
    width, u = land.size[1], land.unit
    face = pen.paint((112, 100, 90), p.ROAD)
    strip(pen, land, 0, -1.8, 2, face)
    for k, band in enumerate(land.bands):
        paint = pen.paint(GROUND[band], CLASS[band], material=MATERIAL[band])
        strip(pen, land, k, 0, None, paint)
    strip(pen, land, 0, 0, 1.2, pen.paint((214, 206, 190), p.ROAD))
    k = land.bands.index("road")
    kerb = pen.paint((206, 204, 198), p.ROAD)
    strip(pen, land, k, -0.2, 1, kerb)
    if k < 2:
        strip(pen, land, k + 1, -1, 0.2, kerb)
    line = pen.paint((240, 236, 220), p.ROAD)
    for x in np.arange(0, width, 9 * u):
        y1, y2 = land.within("road", x, 0.5), land.within("road", x + 4.5 * u, 0.5)
        pen.polygon([(x, y1), (x + 4.5 * u, y2), (x + 4.5 * u, y2 + 0.8 * u), (x, y1 + 0.8 * u)], line)


def strip(pen: Pen, land: Land, k: int, start: float, end: float | None, paint: int) -> None:
    """The land from ``start`` to ``end`` units below edge k; None reaches the bottom."""
    (height, width), u, (left, right) = land.size, land.unit, land.edges[k]
    low = (height, height) if end is None else (left + end * u, right + end * u)
    pen.polygon([(0, left + start * u), (width, right + start * u), (width, low[1]), (0, low[0])], paint)


def shadows(land: Land, things: list[Thing]) -> np.ndarray:
    """Soft share of shadow on the ground, (H, W) float32."""
    height, width = land.size
    canvas = Image.new("L", (width, height))
    pencil = ImageDraw.Draw(canvas)
    for thing in things:
        wide = {"person": 0.3, "car": 0.55, "common_car": 0.55, "boat": 0.5, "common_boat": 0.5, "bush": 0.6}.get(thing.kind)
        if wide:
            w, h = wide * thing.size, 0.07 * thing.size + 0.5
            pencil.ellipse((thing.x - w, thing.y - h, thing.x + w, thing.y + h), fill=90)
    return np.asarray(canvas, np.float32) / 255


def finish(pen: Pen, land: Land, things: list[Thing], dials: Dials, time: float):
    """Picture uint8 (H, W, 3), class map uint8 (H, W) and instance map uint16 (H, W)."""
    image, sky, kind, instance, material = pen.maps()
    ground = (kind == p.ROAD) | (kind == p.LAWN) | (kind == p.WATER)
    image *= (1 - shadows(land, things) * ground)[..., None]
    image += weather(land, sky, material, time)
    haze = np.float32(mix(*WEATHER[land.weather][:2], 0.5))
    image = haze + np.float32(dials.contrast) * (image - haze)
    image += texture(land, dials, material, time)[..., None]
    picture = np.rint(np.clip(image, 0, 255)).astype(np.uint8)
    kind = kind.astype(np.uint8)
    kind[void_band(kind, dials.void)] = VOID
    return picture, kind, np.ascontiguousarray(instance)


def weather(land: Land, sky: np.ndarray, material: np.ndarray, time: float) -> np.ndarray:
    """What sun, clouds and depth add to the flat paint, (H, W, 3) float32."""
    (height, width), (zenith, low, deep, light, high) = land.size, WEATHER[land.weather]
    y, x = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None]
    zenith, low, deep = (np.float32(c) * np.float32(light) for c in (zenith, low, deep))
    climb = (1 - y / land.horizon).clip(0, 1)[..., None]  # (H, 1, 1): 1 at the top
    fall = ((y - land.shore) / (height * 0.35)).clip(0, 1)[..., None] ** 0.7
    sky_tone = (climb - 0.4) * (zenith - low)
    sea_tone = (fall - 0.6) * (deep - low)
    sun_row = land.horizon * (1 - 0.8 * high)
    near = np.exp(-(((x - land.sun) / height) ** 2 + ((y - sun_row) / height) ** 2) * 14)
    disc = (2.6 + 0.5 * land.unit * 4 - np.hypot(x - land.sun, y - sun_row)).clip(0, 1)
    depth = 30 / (land.horizon + 2 - y).clip(2)
    puffs = look_up(cloud(1.5), depth * 60, (x - land.size[1] / 2) * depth / land.unit * 3 + 900 * land.sun + 6 * time)
    puffs = (puffs * 0.8 - 0.1).clip(0, 1) * (climb[..., 0] + 0.25).clip(0, 1)
    glow = np.maximum(near * 0.55, disc)[..., None]
    white = np.float32((255, 250, 240))
    sky_tone = sky_tone + (white - low) * glow + puffs[..., None] * (white - zenith) * 0.55
    column = np.exp(-(((x - land.sun) / (height * 0.12)) ** 2))[..., None] * (1 - fall)
    sea = (material == p.SEA)[..., None]
    return sky[..., None] * sky_tone + sea * (sea_tone + column * (white - low) * 0.4 + column * 22)


def texture(land: Land, dials: Dials, material: np.ndarray, time: float) -> np.ndarray:
    """Grain, waves, paving and brick, (H, W) float32 shades of grey."""
    height, width = land.size
    y = np.arange(height, dtype=np.float32)[:, None] + 0 * np.arange(width, dtype=np.float32)
    x = np.arange(width, dtype=np.float32)[None] - width / 2 + 0 * y
    depth = 96 / ((y - land.horizon) / land.unit).clip(3)  # as of a flat plain
    out = 5 * dials.texture * look_up(grain(), y, x)
    sea = material == p.SEA
    v, u = depth * 70, x / land.unit * depth * 1.2
    swell = look_up(cloud(1.0), (v + 9 * time)[sea], (u + 5 * time)[sea])
    out[sea] += 26 * dials.texture * swell
    strength = 14 * dials.texture if dials.materials == "paint" else 22
    for ground, tile in tiles(dials.materials).items():
        here = material == MATERIAL[ground]
        out[here] += strength * look_up(tile, (depth * 120)[here], (x / land.unit * depth * 2.2)[here])
    wall = material == p.WALL
    brick = tiles("paint")["quay"]
    out[wall] += 9 * dials.texture * look_up(brick, (y / land.unit * 8)[wall], (x / land.unit * 8)[wall])
    return out


def void_band(kind: np.ndarray, width: int) -> np.ndarray:
    """Pixels within ``width`` of a boat, car or person that belong to no thing."""
    band = (kind >= p.BOAT) & (kind <= p.PERSON)
    for _ in range(width):
        rows = band.copy()
        rows[1:] |= band[:-1]
        rows[:-1] |= band[1:]
        band = rows.copy()
        band[:, 1:] |= rows[:, :-1]
        band[:, :-1] |= rows[:, 1:]
    return band & (kind < p.BOAT)


