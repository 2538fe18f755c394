"""From paint numbers to the picture: sun, clouds, shadows, contrast and texture."""

import numpy as np
from PIL import Image, ImageDraw

from course_lib.data.harbour import pen as p
from course_lib.data.harbour.dials import Dials
from course_lib.data.harbour.land import Land
from course_lib.data.harbour.pen import Pen
from course_lib.data.harbour.textures import SIZE, cloud, grain, look_up, paving, tiles
from course_lib.data.harbour.things import Thing, mix

VOID = 255
MATERIAL = {"quay": p.QUAY, "road": p.ASPHALT, "lawn": p.GRASS}
SHADOW = {"person": 0.3, "car": 0.55, "boat": 0.5, "bush": 0.5}  # half width / size
SHADOW |= {"common_car": 0.5, "common_boat": 0.5}


def shadows(land: Land, things: list[Thing]) -> np.ndarray:
    """Soft share of shadow on the ground, (H, W) float32."""
    height, width = land.size
    canvas = Image.new("L", (width, height))
    pencil = ImageDraw.Draw(canvas)
    for x, y, size, wide in ((t.x, t.y, t.size, SHADOW.get(t.kind)) for t in things):
        if wide:
            w, h = wide * size, 0.07 * size + 0.5
            pencil.ellipse((x - w, y - h, x + w, y + h), fill=90)
    return np.asarray(canvas, np.float32) / 255


def finish(pen: Pen, land: Land, things: list[Thing], dials: Dials, time: float):
    """Picture uint8 (H, W, 3), class map uint8, instance map uint16 (H, W)."""
    image, sky, kind, instance, material = pen.maps()  # (3, H, W), (H, W) ...
    image *= 1 - shadows(land, things) * ((kind >= p.WATER) & (kind <= p.LAWN))
    add_sky(image, sky, land, time)
    add_sea(image, material == p.SEA, land)
    haze = np.float32(mix(*land.weather[:2], 0.5))[:, None, None]
    if dials.contrast < 1:
        image += (1 - np.float32(dials.contrast)) * (haze - image)
    image += texture(land, dials, material, time)
    np.rint(image, out=image)
    picture = np.clip(image, 0, 255, out=image).astype(np.uint8)
    kind[void_band(kind, dials.void)] = VOID
    return np.ascontiguousarray(picture.transpose(1, 2, 0)), kind, instance


def tones(land: Land) -> list[np.ndarray]:
    """Colours of zenith, horizon and deep water in this light, each (3, 1, 1)."""
    zenith, low, deep, light, _ = land.weather
    lit = np.float32((zenith, low, deep)) * np.float32(light)  # (3 tones, 3)
    return list(lit[..., None, None])


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
    sun = land.horizon * (1 - 0.8 * land.weather[4])
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
    plain = (zoom * 70 * depth, zoom * 1.4 * depth)
    swell = (70 * depth + 9 * time, 1.2 * depth)
    layers = [(p.SEA, cloud(1.0), 26 * dials.texture, swell)]
    for ground, tile in tiles(dials.materials, round(land.unit, 2)).items():
        layers.append((MATERIAL[ground], tile, strength, plain))
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
