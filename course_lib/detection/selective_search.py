"""Selective search in a simple form: regions that grow together, and their boxes.

Uijlings et al., Selective Search for Object Recognition, IJCV 2013, sections 3.1 and
3.2, with colour, size and fill in one colour space; texture is left out. Taught in
chapters/12_boxes_anchors_ap.
"""

from heapq import heappop, heappush

import numpy as np
import torch
from torch import Tensor

from course_lib.show.panels import as_picture

BINS = 8  # of each colour


def selective_search(image: Tensor, scale: float = 60, smallest: int = 10) -> Tensor:
    """Boxes that may hold a thing, found without any learning.

    Small regions of one colour come from Felzenszwalb and Huttenlocher's segmentation.
    Then the two most similar neighbours become one, again and again, until one region
    is left. Every region on the way gives its box.

    Args:
        image: (3, H, W) uint8, or float in 0 to 1.
        scale: of the first regions; higher makes larger ones.
        smallest: pixels of a first region.

    Returns:
        (N, 4) float xyxy in pixels, each box once, later regions first.

    Taught in chapters/12_boxes_anchors_ap.
    """
    from skimage.segmentation import felzenszwalb

    pixels = as_picture(image)  # (H, W, 3) uint8
    ids = felzenszwalb(pixels, scale, sigma=0.5, min_size=smallest)  # (H, W)
    regions, total = first_regions(pixels, ids), ids.size
    near = {i: set() for i in range(len(regions))}  # who lives beside whom
    pairs = []  # the most alike on top; some have been overtaken

    def meet(a: int, b: int) -> None:
        near[a].add(b)
        near[b].add(a)
        heappush(pairs, (-similarity(regions[a], regions[b], total), a, b))

    for a, b in neighbours(ids):
        meet(a, b)
    while pairs:
        _, a, b = heappop(pairs)
        if a in near and b in near:
            regions.append(merged(regions[a], regions[b]))
            beside = (near.pop(a) | near.pop(b)) & near.keys()
            near[len(regions) - 1] = set()
            for i in sorted(beside):
                meet(i, len(regions) - 1)
    boxes = dict.fromkeys(tuple(box) for _, _, box in reversed(regions))
    return torch.tensor(list(boxes), dtype=torch.float32)


def first_regions(pixels: np.ndarray, ids: np.ndarray) -> list[tuple]:
    """Of every region: its size in pixels, colour histogram (3 * 8,), box xyxy."""
    count = int(ids.max()) + 1
    sizes = np.bincount(ids.ravel(), minlength=count)  # (R,)
    bins = pixels // (256 // BINS) + np.arange(3) * BINS  # (H, W, 3)
    codes = ids[..., None] * 3 * BINS + bins
    colours = np.bincount(codes.ravel(), minlength=count * 3 * BINS)
    colours = colours.reshape(count, 3 * BINS) / (3 * sizes[:, None])  # sums to 1
    boxes = np.empty((count, 4), int)
    y, x = np.indices(ids.shape)
    for axis, places in enumerate((x, y)):
        low, high = np.full(count, ids.size), np.full(count, -1)
        np.minimum.at(low, ids.ravel(), places.ravel())
        np.maximum.at(high, ids.ravel(), places.ravel())
        boxes[:, axis], boxes[:, axis + 2] = low, high + 1
    return list(zip(sizes.tolist(), colours, boxes.tolist(), strict=True))


def neighbours(ids: np.ndarray) -> list[list[int]]:
    """Pairs of regions that share an edge, the smaller number first."""
    sides = ((ids[:, 1:], ids[:, :-1]), (ids[1:], ids[:-1]))
    pairs = np.concatenate([np.stack(s, -1)[s[0] != s[1]] for s in sides])
    return np.unique(np.sort(pairs), axis=0).tolist()


def similarity(a: tuple, b: tuple, total: int) -> float:
    """Alike in colour, both small, and filling their common box: 0 to 3."""
    (size_a, colour_a, _), (size_b, colour_b, _) = a, b
    colour = np.minimum(colour_a, colour_b).sum()  # equation 2
    together = size_a + size_b
    left, top, right, bottom = around(a[2], b[2])
    hole = ((right - left) * (bottom - top) - together) / total
    return float(colour) + (1 - together / total) + (1 - hole)  # equations 4, 5, 6


def merged(a: tuple, b: tuple) -> tuple:
    """Two regions as one."""
    size = a[0] + b[0]
    return size, (a[0] * a[1] + b[0] * b[1]) / size, around(a[2], b[2])


def around(a: list, b: list) -> list:
    """The box around two boxes."""
    return [*map(min, a[:2], b[:2]), *map(max, a[2:], b[2:])]
