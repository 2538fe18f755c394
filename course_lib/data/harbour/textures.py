"""Square tiles of grain, in shades of grey around 0, that repeat without a seam.

A tile is (512, 512) float32 with mean 0 and a spread of about 1. Painted ones are
drawn here; photographs come with scikit-image (brick, gravel, grass: CC0).
"""

from functools import cache

import numpy as np

SIZE = 512


def normalised(tile: np.ndarray) -> np.ndarray:
    """The tile with mean 0 and standard deviation 1, read-only."""
    tile = ((tile - tile.mean()) / tile.std()).astype(np.float32)
    tile.flags.writeable = False
    return tile


@cache
def cloud(slope: float = 1.6) -> np.ndarray:
    """Fractal noise: random waves, the longer the stronger (power f ** -slope)."""
    rng = np.random.default_rng(7)
    f = np.fft.fftfreq(SIZE)
    distance = np.hypot(f[:, None], f[None, :])
    distance[0, 0] = 1.0
    waves = np.fft.fft2(rng.standard_normal((SIZE, SIZE))) / distance**slope
    waves[0, 0] = 0
    return normalised(np.fft.ifft2(waves).real)


@cache
def grain() -> np.ndarray:
    """White noise, one value a pixel."""
    return normalised(np.random.default_rng(8).standard_normal((SIZE, SIZE)))


@cache
def paving(height: int = 16, width: int = 32) -> np.ndarray:
    """Bricks in courses shifted by half a brick, each with a shade of its own."""
    rng = np.random.default_rng(9)
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    course = y // height
    along = (x + (course % 2) * (width // 2)) % SIZE
    shades = rng.standard_normal((SIZE // height, SIZE // width))
    tile = shades[course, along // width] * 0.6
    joint = (y % height < 2) | (along % width < 2)
    return normalised(np.where(joint, -2.5, tile))


@cache
def photograph(name: str, blur: float) -> np.ndarray:
    """The photograph "brick", "gravel" or "grass", blurred by a Gaussian.

    ``blur`` is its standard deviation in pixels: pictures that skip pixels of the
    tile would otherwise flicker.
    """
    from skimage import data

    f = np.fft.fftfreq(SIZE)
    keep = np.exp(-2 * (np.pi * blur) ** 2 * (f[:, None] ** 2 + f[None, :] ** 2))
    tile = getattr(data, name)().astype(np.float64)
    return normalised(np.fft.ifft2(np.fft.fft2(tile) * keep).real)


def tiles(materials: str, unit: float) -> dict[str, np.ndarray]:
    """The tile of quay, road and lawn for ``materials`` "paint" or "photo".

    ``unit`` is the height of the picture divided by 96.
    """
    if materials == "photo":
        names = {"quay": "brick", "road": "gravel", "lawn": "grass"}
        return {g: photograph(name, 3.0 / unit) for g, name in names.items()}
    return {"quay": paving(), "road": grain(), "lawn": cloud(0.6)}


def look_up(tile: np.ndarray, v: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Values of the tile at rows ``v`` and columns ``u``, nearest, repeating."""
    row, column = v.astype(np.int32) & (SIZE - 1), u.astype(np.int32) & (SIZE - 1)
    return tile.ravel()[row * SIZE + column]
