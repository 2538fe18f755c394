"""Which result finds which object: COCO's greedy matching.

The results of a picture and category take turns by falling score. Each takes the
object it overlaps most, of those that are still free and overlap it enough. Objects
that do not count (crowds, and those outside the range of areas) come last, and a
crowd is never used up.

Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014.
Taught in chapters/12_boxes_anchors_ap.
"""

from dataclasses import dataclass

import numpy as np

from course_lib.detection.coco_tables import Objects


@dataclass(frozen=True)
class Pairs:
    """Results and objects of one picture and category that overlap enough.

    Ordered by the turn of the result, then result, then IoU, then object.
    """

    result: np.ndarray  # (P,) row of the result
    truth: np.ndarray  # (P,) row of the object
    iou: np.ndarray  # (P,) float64
    turn: np.ndarray  # (P,) rank of the result in its picture and category


def ranks(objects: Objects) -> np.ndarray:
    """Place of every row in its picture and category, 0 = highest score: (N,)."""
    key = _keys(objects, objects)
    return np.arange(len(key)) - np.searchsorted(key, key)


def overlapping_pairs(results: Objects, truth: Objects, limit: float) -> Pairs:
    """Every pair of one picture and category whose IoU is ``limit`` or more."""
    key, truth_key = _keys(results, truth), _keys(truth, results)
    first = np.searchsorted(truth_key, key)
    count = np.searchsorted(truth_key, key, "right") - first
    row = np.repeat(np.arange(len(key)), count)  # (P,)
    column = np.arange(len(row)) + np.repeat(first - np.cumsum(count) + count, count)
    if truth.masks is None:
        crowd = truth.crowd[column]
        iou = box_overlap(results.boxes[row], truth.boxes[column], crowd)
    else:
        iou = _mask_overlap(results, truth, key, first, count)
    near = np.flatnonzero(iou >= limit)
    row, column, iou, turn = (
        row[near],
        column[near],
        iou[near],
        ranks(results)[row[near]],
    )
    order = np.lexsort((column, iou, row, turn))
    return Pairs(row[order], column[order], iou[order], turn[order])


def box_overlap(a: np.ndarray, b: np.ndarray, crowd: np.ndarray) -> np.ndarray:
    """IoU of boxes in pairs, or the share of a in b where b is a crowd.

    Args:
        a: (P, 4) float64 xywh in pixels.
        b: (P, 4) likewise.
        crowd: (P,) bool.

    Returns:
        (P,) float64 in 0 to 1; 0 where they do not meet.
    """
    last = np.minimum(a[:, :2] + a[:, 2:], b[:, :2] + b[:, 2:])  # (P, 2)
    size = np.maximum(last - np.maximum(a[:, :2], b[:, :2]), 0)  # (P, 2)
    shared = size[:, 0] * size[:, 1]  # (P,)
    area, other = a[:, 2] * a[:, 3], b[:, 2] * b[:, 3]
    whole = np.where(crowd, area, area + other - shared)
    return np.divide(shared, whole, out=np.zeros_like(shared), where=shared > 0)


def _mask_overlap(results, truth, key, first, count) -> np.ndarray:
    """The same for masks: pycocotools counts the pixels, one picture at a time."""
    from pycocotools import mask as rle

    overlaps = [np.zeros(0)]
    starts = np.flatnonzero(np.diff(key, prepend=-1) * (count > 0))
    for start in starts:
        end = np.searchsorted(key, key[start], "right")
        objects = slice(first[start], first[start] + count[start])
        found, crowd = truth.masks[objects], truth.crowd[objects]
        iou = rle.iou(results.masks[start:end], found, crowd.astype(np.uint8).tolist())
        overlaps.append(iou.ravel())
    return np.concatenate(overlaps)


def match(
    pairs: Pairs,
    limits: np.ndarray,
    left_out: np.ndarray,
    crowd: np.ndarray,
    count: int,
) -> np.ndarray:
    """The object each result finds, for every range of areas and every limit of IoU.

    Args:
        pairs: candidates, in their order.
        limits: (T,) least IoU of a match.
        left_out: (A, G) bool, the objects that do not count in a range of areas.
        crowd: (G,) bool.
        count: number of results D.

    Returns:
        (A, T, D) row of the object, or -1.
    """
    shape = (len(left_out), len(limits))
    taken = np.zeros((*shape, len(crowd)), bool)
    found = np.full((*shape, count), -1)
    ends = np.flatnonzero(np.diff(pairs.turn, append=-1)) + 1
    for start, end in zip(np.r_[0, ends], ends, strict=False):
        row, column = pairs.result[start:end], pairs.truth[start:end]  # (P,)
        fits = pairs.iou[start:end] >= limits[:, None]  # (T, P)
        fits = fits & ~taken[:, :, column]  # (A, T, P)
        # The last pair that fits is the best: order by what counts, then IoU.
        rank = np.arange(1, len(row) + 1) + len(row) * ~left_out[:, column]  # (A, P)
        first = np.flatnonzero(np.diff(row, prepend=-1))  # (R,) where a result begins
        best = np.maximum.reduceat(fits * rank[:, None], first, axis=2)  # (A, T, R)
        a, t, r = np.nonzero(best)
        object_ = column[(best[a, t, r] - 1) % len(row)]
        found[a, t, row[first[r]]] = object_
        taken[a, t, object_] = ~crowd[object_]
    return found


def _keys(objects: Objects, others: Objects) -> np.ndarray:
    """One number for category and picture, rising with the rows: (N,)."""
    span = 1 + max(objects.image.max(initial=0), others.image.max(initial=0))
    return objects.category * span + objects.image
