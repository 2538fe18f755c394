"""The pen: draws every shape once, as the number of its paint.

One picture of paint numbers, twice as fine as the result, and three tables: they
turn it into colours (each pixel the mean of four), class map and instance map. So
what is seen and what is labelled cannot part ways.
"""

import numpy as np
from PIL import Image, ImageDraw

FINE = 2  # paint pixels per picture pixel, in each direction
BACKGROUND, SKY, WATER, ROAD, LAWN, BUILDING = range(6)
BOAT, CAR, PERSON, MAST, LAMP, BUOY = range(6, 12)
PLAIN, AIR, SEA, QUAY, ASPHALT, GRASS, WALL = range(7)  # materials


class Pen:
    """Paint numbers on a canvas of (2 H, 2 W); coordinates are picture pixels."""

    def __init__(self, size: tuple[int, int], light=(1, 1, 1), water=(40, 90, 110)):
        self.size, self.light, self.water = size, light, water
        self.table = []  # (r, g, b, class, instance, material, reflected) per paint
        self.canvas = Image.new("I", (size[1] * FINE, size[0] * FINE))
        self.draw = ImageDraw.Draw(self.canvas)
        self.mirror = None  # row at which what follows is mirrored

    def paint(self, colour, kind: int, instance: int = 0, material: int = PLAIN) -> int:
        """Number of a new paint; in a reflection, that of water with its colour.

        Only things (class 6 and up) keep their instance number.
        """
        instance = instance if kind >= BOAT else 0
        if self.mirror is None:
            self.table.append((*colour, kind, instance, material, 0))
        else:
            self.table.append((*colour, WATER, 0, SEA, 1))
        return len(self.table) - 1

    def row(self, y: float) -> float:
        """The row on the canvas of ``y``, upside down for a reflection."""
        return (y if self.mirror is None else 1.8 * self.mirror - 0.8 * y) * FINE

    def polygon(self, points, paint: int) -> None:
        """A filled polygon through ``points``, (x, y) in picture pixels."""
        self.draw.polygon([(x * FINE, self.row(y)) for x, y in points], fill=paint)

    def shape(self, points, x, y, sx, sy, paint: int) -> None:
        """A polygon given in units of ``sx`` and ``sy`` around (x, y)."""
        x, sx, y, sy = x * FINE, sx * FINE, self.row(y), sy * FINE
        sy = sy if self.mirror is None else -0.8 * sy
        self.draw.polygon([(x + a * sx, y + b * sy) for a, b in points], fill=paint)

    def box(self, x1, y1, x2, y2, paint: int) -> None:
        """The rectangle from (x1, y1) up to, not including, (x2, y2)."""
        top, bottom = sorted((self.row(y1), self.row(y2)))
        left, right = int(x1 * FINE + 0.5), int(x2 * FINE - 0.5)
        top, bottom = int(top + 0.5), int(bottom - 0.5)
        if right >= left and bottom >= top:
            self.draw.rectangle((left, top, right, bottom), fill=paint)

    def disc(self, x, y, radius: float, paint: int) -> None:
        """A filled circle."""
        y, x, r = self.row(y), x * FINE, radius * FINE
        self.draw.ellipse((x - r, y - r, x + r, y + r), fill=paint)

    def ripple(self, shift: np.ndarray) -> None:
        """Move every row sideways by ``shift``, (2 H,) whole canvas pixels."""
        numbers = np.asarray(self.canvas)
        columns = np.arange(numbers.shape[1]) + shift[:, None]
        columns = columns.clip(0, numbers.shape[1] - 1)
        numbers = np.take_along_axis(numbers, columns, axis=1)
        self.canvas = Image.fromarray(numbers)
        self.draw = ImageDraw.Draw(self.canvas)

    def colours(self) -> np.ndarray:
        """Colours lit by the sun, (paints, 4) uint8; the fourth is 255 for sky."""
        table = np.array(self.table, np.float32)
        rgb, reflected = table[:, :3], table[:, 6:]
        rgb += 0.5 * reflected * (np.float32(self.water) - rgb)
        out = np.empty((len(table), 4), np.uint8)
        out[:, :3] = np.clip(rgb * np.float32(self.light), 0, 255)
        out[:, 3] = 255 * (table[:, 3] == SKY)
        return out

    def maps(self):
        """Colour (3, H, W), share of sky (H, W); class, instance, material (H, W)."""
        numbers = np.asarray(self.canvas)
        fine = self.colours().view(np.uint32)[:, 0][numbers]
        size = (numbers.shape[1], numbers.shape[0])
        fine = Image.frombuffer("RGBX", size, fine, "raw", "RGBX", 0, 1)
        mean = (
            np.asarray(fine.reduce(FINE))
            .transpose(2, 0, 1)
            .astype(np.float32, order="C")
        )
        rest = np.array([t[3:6] for t in self.table], np.uint16).T  # (3, paints)
        kind, instance, material = (r[numbers[::FINE, ::FINE]] for r in rest)
        return mean[:3], mean[3] / 255, kind.astype(np.uint8), instance, material
