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

    def __init__(self, size: tuple[int, int], light=(1.0, 1.0, 1.0)):
        self.size, self.light = size, light
        self.table = []  # (colour, class, instance, material) of every paint
        self.canvas = Image.new("I", (size[1] * FINE, size[0] * FINE))
        self.draw = ImageDraw.Draw(self.canvas)
        self.mirror = None  # (row to mirror at, colour of the water)

    def paint(self, colour, kind: int, instance: int = 0, material: int = PLAIN) -> int:
        """Number of a new paint; lit by the sun, or dimmed where it is a reflection."""
        if self.mirror:
            water = self.mirror[1]
            colour = [0.5 * a + 0.5 * b for a, b in zip(colour, water, strict=True)]
            kind, instance, material = WATER, 0, SEA
        colour = [a * b for a, b in zip(colour, self.light, strict=True)]
        self.table.append((colour, kind, instance, material))
        return len(self.table) - 1

    def row(self, y: float) -> float:
        """The row on the canvas of ``y``, upside down for a reflection."""
        return (self.mirror[0] + 0.8 * (self.mirror[0] - y) if self.mirror else y) * FINE

    def polygon(self, points, paint: int) -> None:
        """A filled polygon through ``points``, (x, y) in picture pixels."""
        self.draw.polygon([(x * FINE, self.row(y)) for x, y in points], fill=paint)

    def shape(self, points, x, y, sx, sy, paint: int) -> None:
        """A polygon given in units of ``sx`` and ``sy`` around (x, y)."""
        self.polygon([(x + a * sx, y + b * sy) for a, b in points], paint)

    def box(self, x1, y1, x2, y2, paint: int) -> None:
        """The rectangle from (x1, y1) up to, not including, (x2, y2)."""
        top, bottom = sorted((self.row(y1), self.row(y2)))
        left, right = round(x1 * FINE), round(x2 * FINE) - 1
        top, bottom = round(top), round(bottom) - 1
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

    def maps(self):
        """Colour (H, W, 3) float32, share of sky (H, W), class, instance, material."""
        numbers = np.asarray(self.canvas)
        colours = np.zeros((len(self.table), 4), np.uint8)
        colours[:, :3] = np.clip([c for c, _, _, _ in self.table], 0, 255)
        rest = np.array([t[1:] for t in self.table], np.uint16)  # (paints, 3)
        colours[:, 3] = np.where(rest[:, 0] == SKY, 255, 0)
        fine = colours.view(np.uint32)[:, 0][numbers].view(np.uint8)
        fine = fine.reshape(*numbers.shape, 4).astype(np.uint16)
        rows = fine[::2] + fine[1::2]
        mean = (rows[:, ::2] + rows[:, 1::2]).astype(np.float32) / 4  # (H, W, 4)
        kind, instance, material = rest[numbers[::2, ::2]].transpose(2, 0, 1)
        return mean[..., :3], mean[..., 3] / 255, kind, instance, material
