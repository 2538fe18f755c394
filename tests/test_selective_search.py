"""Selective search on pictures whose regions are known."""

import numpy as np
import pytest
import torch

from course_lib.detection import selective_search as s
from course_lib.detection.boxes import recall


def three_blocks() -> torch.Tensor:
    """Grey, on it a red block whose right half is darker, and a blue one."""
    image = torch.full((3, 40, 60), 128, dtype=torch.uint8)
    for x1, x2, colour in ((5, 15, (230, 40, 40)), (15, 25, (190, 20, 20)),
                           (40, 50, (30, 30, 220))):  # fmt: skip
        image[:, 10:30, x1:x2] = torch.tensor(colour, dtype=torch.uint8)[:, None, None]
    return image


@pytest.mark.parametrize("as_float", [False, True])
def test_finds_parts_and_wholes(as_float):
    image = three_blocks()
    boxes = s.selective_search(image / 255 if as_float else image)
    parts = [[5, 10, 15, 30], [15, 10, 25, 30], [40, 10, 50, 30]]
    whole = [[5, 10, 25, 30], [0, 0, 60, 40]]
    assert recall(boxes, torch.tensor(parts + whole).float(), 0.9) == 1
    assert boxes[0].tolist() == [0, 0, 60, 40]  # the last region is the picture
    assert len(set(map(tuple, boxes.tolist()))) == len(boxes) < 20


def test_one_colour_is_one_box():
    image = torch.full((3, 9, 12), 7, dtype=torch.uint8)
    assert s.selective_search(image).tolist() == [[0, 0, 12, 9]]


def test_regions_against_loops():
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 5, (12, 15)).repeat(2, 0).repeat(2, 1)
    pixels = rng.integers(0, 256, (24, 30, 3), dtype=np.uint8)
    for i, (size, colours, box) in enumerate(s.first_regions(pixels, ids)):
        y, x = np.nonzero(ids == i)
        expected = [x.min(), y.min(), x.max() + 1, y.max() + 1]
        assert size == len(x) and box == expected
        inside = pixels[ids == i] // 32  # (n, 3)
        for channel in range(3):
            counts = np.bincount(inside[:, channel], minlength=8)
            got = colours[8 * channel : 8 * channel + 8]
            np.testing.assert_allclose(got, counts / (3 * size))
    pairs = set()
    for y in range(24):
        for x in range(30):
            for v, u in ((y + 1, x), (y, x + 1)):
                if v < 24 and u < 30 and ids[y, x] != ids[v, u]:
                    pairs.add(tuple(sorted((ids[y, x], ids[v, u]))))
    assert s.neighbours(ids) == sorted(map(list, pairs))


def test_likeness_by_hand():
    dark = np.array([1.0, 0, 0])
    a, b = (10, dark, [0, 0, 5, 2]), (20, dark, [5, 0, 15, 2])
    assert s.similarity(a, b, 100) == pytest.approx(1 + 0.7 + 1)
    far = (20, np.array([0, 1.0, 0]), [5, 2, 15, 4])
    assert s.similarity(a, far, 100) == pytest.approx(0 + 0.7 + 0.7)
    size, colours, box = s.merged(a, far)
    assert (size, box) == (30, [0, 0, 15, 4])
    np.testing.assert_allclose(colours, [1 / 3, 2 / 3, 0])
