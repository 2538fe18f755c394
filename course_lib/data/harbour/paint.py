"""From a list of things to picture, class map and instance map."""

import numpy as np
from PIL import Image, ImageDraw

from course_lib.data.harbour import pen as p
from course_lib.data.harbour.dials import Dials
from course_lib.data.harbour.pen import Pen
from course_lib.data.harbour.scene import WEATHER, Land
from course_lib.data.harbour.textures import SIZE, cloud, grain, look_up, paving, tiles
from course_lib.data.harbour.things import DRAW, Thing, mix

VOID = 255
GROUND = {"quay": (186, 174, 156), "road": (112, 112, 116), "lawn": (110, 154, 72)}
CLASS = {"quay": p.ROAD, "road": p.ROAD, "lawn": p.LAWN}
MATERIAL = {"quay": p.QUAY, "road": p.ASPHALT, "lawn": p.GRASS}
MIRRORED = ("boat", "common_boat", "mast", "building", "lighthouse", "buoy")


def draw(land: Land, things: list[Thing], dials: Dials, time: float) -> Pen:
    """Backdrop, water with reflections, near land, then the things, far to near."""
    _, _, water, light, _ = WEATHER[land.weather]
    pen = Pen(land.size, light, water)
    draw_backdrop(pen, land)
    for thing in things:
        if thing.kind in MIRRORED and thing.y <= land.edge(0, thing.x):
            foot = thing.y + 0.16 * thing.size if thing.kind == "mast" else thing.y
            pen.mirror = foot
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
    pen.paint((0, 0, 0), p.SKY, material=p.AIR)  # paint 0 fills the canvas
    for k, tone in enumerate((0.5, 0.3)):
        x = np.linspace(0, width, 17)
        wave = np.sin(x / width * (7 + 3 * k) + 2.1 * land.sun + k) + 0.5 * np.sin(
            x / width * 17 + land.sun
        )
        y = land.horizon - height * (0.055 - 0.03 * k) * (1.1 + 0.6 * wave)
        paint = pen.paint(mix((70, 104, 120), low, tone), p.BACKGROUND)
        pen.polygon(
            [(0, land.shore), *zip(x, y, strict=True), (width, land.shore)], paint
        )
    far = pen.paint(mix((124, 152, 96), low, 0.35), p.LAWN)
    pen.box(0, land.horizon + 0.2 * (land.shore - land.horizon), width, land.shore, far)
    wall = pen.paint(mix((150, 140, 126), low, 0.3), p.ROAD)
    pen.box(0, land.shore - 1.6 * land.unit, width, land.shore, wall)
    pen.box(
        0,
        land.shore,
        width,
        height,
        pen.paint(mix(low, deep, 0.6), p.WATER, material=p.SEA),
    )


def waves(land: Land, dials: Dials, time: float) -> np.ndarray:
    """Sideways shift of every canvas row, (2 H,) whole canvas pixels."""
    y = np.arange(land.size[0] * p.FINE) / p.FINE - land.shore
    swell = np.sin(6 * np.sqrt(np.abs(y) / land.unit) * 2 - 2 * time) + 0.6 * np.sin(
        y / land.unit * 1.9 + 1.3 * time
    )
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
        pen.polygon(
            [
                (x, y1),
                (x + 4.5 * u, y2),
                (x + 4.5 * u, y2 + 0.8 * u),
                (x, y1 + 0.8 * u),
            ],
            line,
        )


def strip(
    pen: Pen, land: Land, k: int, start: float, end: float | None, paint: int
) -> None:
    """The land from ``start`` to ``end`` units below edge k; None reaches the bottom."""
    (height, width), u, (left, right) = land.size, land.unit, land.edges[k]
    low = (height, height) if end is None else (left + end * u, right + end * u)
    pen.polygon(
        [
            (0, left + start * u),
            (width, right + start * u),
            (width, low[1]),
            (0, low[0]),
        ],
        paint,
    )


def shadows(land: Land, things: list[Thing]) -> np.ndarray:
    """Soft share of shadow on the ground, (H, W) float32."""
    height, width = land.size
    canvas = Image.new("L", (width, height))
    pencil = ImageDraw.Draw(canvas)
    for thing in things:
        wide = {
            "person": 0.3,
            "car": 0.55,
            "common_car": 0.55,
            "boat": 0.5,
            "common_boat": 0.5,
            "bush": 0.5,
        }.get(thing.kind)
        if wide:
            w, h = wide * thing.size, 0.07 * thing.size + 0.5
            pencil.ellipse(
                (thing.x - w, thing.y - h, thing.x + w, thing.y + h), fill=90
            )
    return np.asarray(canvas, np.float32) / 255


def finish(pen: Pen, land: Land, things: list[Thing], dials: Dials, time: float):
    """Picture uint8 (H, W, 3), class map uint8 (H, W) and instance map uint16 (H, W)."""
    image, sky, kind, instance, material = pen.maps()  # (3, H, W), (H, W) ...
    image *= 1 - shadows(land, things) * ((kind >= p.WATER) & (kind <= p.LAWN))
    add_sky(image, sky, land, time)
    add_sea(image, material == p.SEA, land)
    haze = np.float32(mix(*WEATHER[land.weather][:2], 0.5))[:, None, None]
    if dials.contrast < 1:
        image += (1 - np.float32(dials.contrast)) * (haze - image)
    image += texture(land, dials, material, time)
    np.rint(image, out=image)
    picture = np.clip(image, 0, 255, out=image).astype(np.uint8)
    kind[void_band(kind, dials.void)] = VOID
    return np.ascontiguousarray(picture.transpose(1, 2, 0)), kind, instance


def tones(land: Land) -> list[np.ndarray]:
    """Colours of zenith, horizon and deep water in this light, each (3, 1, 1)."""
    zenith, low, deep, light, _ = WEATHER[land.weather]
    return [
        np.float32(c)[:, None, None] * np.float32(light)[:, None, None]
        for c in (zenith, low, deep)
    ]


def grid(land: Land, top: int, end: int):
    """Rows (h, 1) and columns (1, W) of part of the picture, float32."""
    y = np.arange(top, end, dtype=np.float32)[:, None]
    return y, np.arange(land.size[1], dtype=np.float32)[None]


def add_sky(image: np.ndarray, share: np.ndarray, land: Land, time: float) -> None:
    """Gradient, clouds, glow and sun, where there is sky."""
    zenith, low, _ = tones(land)
    end = int(np.ceil(land.shore))
    y, x = grid(land, 0, end)
    climb = (1 - y / land.horizon).clip(0, 1)  # (h, 1): 1 at the top
    tone = low + climb * (zenith - low)  # (3, h, 1)
    row = 260 * climb[:, 0] ** 0.8 + 991 * land.grain
    column = (x[0] + 2 * time * land.unit) * 3.2 / land.unit + 977 * land.grain
    puffs = cloud(1.75)[np.int32(row)[:, None] % SIZE, np.int32(column)[None] % SIZE]
    puffs = (puffs * 0.8 - 0.1).clip(0, 1) * (0.3 + 0.6 * climb)
    tone = tone + puffs * (np.float32(255) - tone)
    sun = land.horizon * (1 - 0.8 * WEATHER[land.weather][4])
    far = np.hypot(x - land.sun, y - sun) / land.unit  # (h, W)
    glow = np.maximum(0.6 * np.exp(-((far / 17) ** 2)), (4.5 - far).clip(0, 1))
    tone += glow * (np.float32((255, 248, 226))[:, None, None] - tone)
    image[:, :end] += share[:end] * tone


def add_sea(image: np.ndarray, sea: np.ndarray, land: Land) -> None:
    """Pale far water, deep near water, and a path of light below the sun."""
    _, low, deep = tones(land)
    top = int(land.shore)
    end = min(land.size[0], int(max(land.edges[0])) + 2)
    y, x = grid(land, top, end)
    fall = ((y - land.shore) / (land.size[0] * 0.35)).clip(0, 1) ** np.float32(0.7)
    tone = (fall - 0.6) * (deep - low)  # (3, h, 1)
    path = np.exp(-(((x - land.sun) / (land.size[0] * 0.12)) ** 2)) * (1 - 0.8 * fall)
    tone = tone + path * (22 + 0.3 * (255 - low))
    image[:, top:end] += sea[top:end] * tone


def texture(land: Land, dials: Dials, material: np.ndarray, time: float) -> np.ndarray:
    """Grain, waves, paving and brick, (H, W) float32 shades of grey."""
    height, width = land.size
    y, x = grid(land, 0, height)
    shift = int(land.grain * SIZE)
    rows, columns = (np.arange(n) + shift & SIZE - 1 for n in land.size)
    out = 5 * np.float32(dials.texture) * grain()[rows][:, columns]
    y, x = y[:, 0] / land.unit, (x[0] - width / 2) / land.unit
    depth = 96 / (y - land.horizon / land.unit).clip(3)  # as on a flat plain
    photo = dials.materials == "photo"
    strength, zoom = (22, 2) if photo else (14 * dials.texture, 1)
    layers = [
        (p.SEA, cloud(1.0), 26 * dials.texture, (70 * depth + 9 * time, depth * 1.2))
    ]
    for ground, tile in tiles(dials.materials, round(land.unit, 2)).items():
        layers.append(
            (MATERIAL[ground], tile, strength, (zoom * 70 * depth, zoom * 1.4 * depth))
        )
    layers.append((p.WALL, paving(), 9 * dials.texture, (y * 8, 8 + 0 * y)))
    for number, tile, amount, (v, u) in layers:
        r, c = np.nonzero(material == number)
        out[r, c] += np.float32(amount) * look_up(tile, v[r], u[r] * x[c] + 8 * SIZE)
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
