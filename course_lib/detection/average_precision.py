"""Average precision as COCO measures it, and as PASCAL VOC did.

COCO: precision is read at 101 recalls and averaged, for 10 limits of IoU from 0.5 to
0.95, for objects of all, small, medium and large area, and with 1, 10 or 100 results
a picture and class.

Taught in chapters/12_boxes_anchors_ap.
"""

import numpy as np

from course_lib.detection import coco_objects, matching
from course_lib.detection.coco_tables import Objects
from course_lib.detection.report import Report

IOU_LIMITS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
AREAS = {"all": (0, 1e10), "small": (0, 32**2), "medium": (32**2, 96**2)}
AREAS["large"] = (96**2, 1e10)  # square pixels, both ends belong to the range


def evaluate(
    ground_truth: dict,
    results: list[dict],
    iou_type: str = "bbox",
    *,
    max_detections: tuple[int, int, int] = (1, 10, 100),
    called: tuple[str, str] = ("annotations", "results"),
) -> Report:
    """Average precision and recall of results, equal to pycocotools'.

    Args:
        ground_truth: COCO instances: ``images``, ``annotations``, ``categories``.
        results: COCO results: ``image_id, category_id, score`` and ``bbox`` (xywh in
            pixels) or ``segmentation``.
        iou_type: "bbox" or "segm".
        max_detections: results counted for each picture and category.
        called: what messages call the two, such as their files.

    Raises:
        InputError: for a damaged row, or results of other pictures.

    Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014.
    Taught in chapters/12_boxes_anchors_ap.
    """
    case = coco_objects.read(ground_truth, results, iou_type, called)
    found = case.results
    found = found.take(np.flatnonzero(matching.ranks(found) < max_detections[-1]))
    tables = accumulate(case.truth, found, len(case.categories), max_detections)
    return Report(*tables, case.categories, case.num_pictures)


def accumulate(
    truth: Objects, results: Objects, num_categories: int, max_detections
) -> tuple[np.ndarray, np.ndarray]:
    """Precision (T, R, K, A) and recall (T, K, A, M), as in ``Report``."""
    left_out, hit, counted = judge(truth, results)
    rank = matching.ranks(results)
    shape = (len(IOU_LIMITS), num_categories, len(AREAS))
    precision = np.full((shape[0], len(RECALLS), *shape[1:]), -1.0)
    recall = np.full((*shape, len(max_detections)), -1.0)
    for k in range(num_categories):
        rows = np.flatnonzero(results.category == k)
        rows = rows[np.argsort(-results.scores[rows], kind="stable")]
        wanted = (~left_out[:, truth.category == k]).sum(axis=1)  # (A,)
        for a in np.flatnonzero(wanted):
            right, seen = hit[a][:, rows], counted[a][:, rows]  # (T, D of k)
            precision[:, :, k, a] = precision_at(right, seen, wanted[a])
            for m, most in enumerate(max_detections):
                first = right[:, rank[rows] < most]
                recall[:, k, a, m] = first.sum(axis=1) / wanted[a]
    return precision, recall


def judge(truth: Objects, results: Objects) -> tuple[np.ndarray, ...]:
    """What does not count, what is right, and which results count.

    Returns:
        left out, (A, G) bool; right, (A, T, D) bool; counted, (A, T, D) bool.
    """
    low, high = np.array(list(AREAS.values())).T[..., None]  # (A, 1)
    outside = (results.areas < low) | (results.areas > high)  # (A, D)
    left_out = truth.crowd | (truth.areas < low) | (truth.areas > high)  # (A, G)
    pairs = matching.overlapping_pairs(results, truth, IOU_LIMITS[0])
    found = matching.match(pairs, IOU_LIMITS, left_out, truth.crowd, len(results))
    # A column more, for results that found nothing: index -1.
    judged = np.append(truth.judged, False)[found]  # (A, T, D)
    free = np.pad(left_out, ((0, 0), (0, 1)))  # (A, G + 1)
    free = free[np.arange(len(AREAS))[:, None, None], found]  # (A, T, D)
    counted = ~(free | (~judged & outside[:, None]))
    return left_out, judged & counted, counted


def precision_at(hit: np.ndarray, counted: np.ndarray, wanted: int) -> np.ndarray:
    """Precision at ``RECALLS``, for each limit of IoU.

    Args:
        hit: (T, D) bool, results by falling score that found an object.
        counted: (T, D) bool, results that count at all.
        wanted: number of objects to be found.

    Returns:
        (T, R) float64: the best precision at this recall or more, 0 where the recall
        is not reached.
    """
    right = np.cumsum(hit, axis=1, dtype=float)  # (T, D)
    seen = np.cumsum(counted, axis=1) + np.spacing(1)
    envelope = np.maximum.accumulate((right / seen)[:, ::-1], axis=1)[:, ::-1]
    envelope = np.pad(envelope, ((0, 0), (0, 1)))  # 0 behind the last
    reached = [np.searchsorted(row, RECALLS) for row in right / wanted]  # T x (R,)
    return np.take_along_axis(envelope, np.array(reached), axis=1)


def voc_average_precision(
    recall: np.ndarray, precision: np.ndarray, points: int | None = None
) -> float:
    """Average precision of PASCAL VOC, from a curve.

    Args:
        recall: (N,) rising, in 0 to 1.
        precision: (N,) in 0 to 1.
        points: 11 for the mean of the best precision at recall 0, 0.1, ... 1 or more
            (until 2009), None for the area under the envelope (since 2010).

    Everingham et al., The PASCAL Visual Object Classes Challenge, IJCV 2010, 4.2.
    Taught in chapters/12_boxes_anchors_ap.
    """
    recall = np.concatenate([[0.0], np.asarray(recall, float), [1.0]])
    precision = np.concatenate([[0.0], np.asarray(precision, float), [0.0]])
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    if points is None:
        return float((np.diff(recall) * envelope[1:]).sum())
    reached = np.searchsorted(recall, np.linspace(0, 1, points))
    return float(envelope[reached].mean())


def precision_recall(
    scores: np.ndarray, hit: np.ndarray, wanted: int
) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision after each result, by falling score: (N,) and (N,).

    Args:
        scores: (N,) of results.
        hit: (N,) bool, true where a result found an object.
        wanted: number of objects to be found, 1 or more.

    Taught in chapters/12_boxes_anchors_ap.
    """
    order = np.argsort(-np.asarray(scores), kind="stable")
    right = np.cumsum(np.asarray(hit)[order])
    return right / wanted, right / np.arange(1, len(right) + 1)
