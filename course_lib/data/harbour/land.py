"""The lie of the land: horizon, shore, and the bands of quay, road and lawn."""

from dataclasses import dataclass

import numpy as np

from course_lib.data.harbour.dials import Dials

WEATHER = [  # zenith, horizon, water, light on things, height of the sun
    ((66, 128, 196), (206, 228, 240), (30, 92, 118), (1.0, 1.0, 0.98), 0.75),
    ((104, 152, 206), (252, 226, 198), (44, 94, 116), (1.02, 0.96, 0.9), 0.35),
    ((84, 92, 152), (252, 190, 136), (48, 74, 108), (1.02, 0.88, 0.78), 0.2),
    ((138, 150, 166), (214, 219, 222), (62, 92, 102), (0.9, 0.93, 0.96), 0.6),
    ((50, 136, 180), (224, 240, 236), (22, 108, 122), (1.03, 1.02, 0.97), 0.9),
]


@dataclass(frozen=True)
class Land:
    """Rows of horizon and far shore, and the slanted edges of the near land.

    ``bands`` names quay, road and lawn from the water down; ``edges[k]`` is the row
    where band k begins, at the left and at the right side of the picture. ``weather``
    is a row of WEATHER, ``sun`` the column of the sun, ``grain`` shifts the textures,
    ``unit`` is the height of the picture divided by 96.
    """

    size: tuple[int, int]
    unit: float
    horizon: float
    shore: float
    bands: tuple
    edges: tuple
    weather: tuple
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
    height, width = size
    r = rng.random(8).tolist()
    horizon = height * (0.26 + 0.1 * r[0])
    shore = horizon + height * (0.025 + 0.03 * r[1])
    top, tilt = height * (0.55 + 0.12 * r[2]), height * 0.16 * (r[3] - 0.5)
    if r[4] < 0.6:
        bands, parts = ("quay", "road", "lawn"), (0.0, 0.24, 0.66, 1.0)
    else:
        bands, parts = ("quay", "lawn", "road"), (0.0, 0.22, 0.5, 1.0)
    left, right = top - tilt, top + tilt
    edges = tuple(
        (left + (height - left) * part, right + (height - right) * part)
        for part in parts
    )
    weather = WEATHER[int(r[5] * len(WEATHER))]
    return Land(size, height / 96, horizon, shore, bands, edges, weather,
                r[6] * width, dials.scale, r[7])  # fmt: skip
