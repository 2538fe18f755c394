"""What goes wrong in a detector, and how much average precision each fault costs.

Every wrong result and every object that is not found has one kind of error; mending
all errors of a kind tells what the kind costs.

Bolya et al., TIDE: A General Toolbox for Identifying Object Detection Errors, ECCV
2020, section 2. Taught in chapters/13_mask_rcnn_finetuning.
"""

from dataclasses import dataclass, replace

import numpy as np

from course_lib.detection.average_precision import accumulate
from course_lib.detection.coco_objects import read
from course_lib.detection.coco_tables import Objects
from course_lib.detection.matching import match, overlapping_pairs, ranks
from course_lib.detection.report import mean_of_known

KINDS = (
    "classification", "localisation", "both", "duplicate", "background", "missed"
)  # fmt: skip
CLASSIFICATION, LOCALISATION, BOTH, DUPLICATE, BACKGROUND, MISSED = range(6)


@dataclass(frozen=True)
class Errors:
    """The kind of every wrong result, and the objects that nothing came near to."""

    kind: np.ndarray  # (D,) int, -1 where a result is right or does not count
    object: np.ndarray  # (D,) the object it should have found, or -1
    found: np.ndarray  # (G,) bool
    missed: np.ndarray  # (G,) bool


def error_types(
    ground_truth: dict,
    results: list[dict],
    iou_type: str = "bbox",
    *,
    threshold: float = 0.0,
    near: float = 0.1,
    right: float = 0.5,
) -> dict[str, dict[str, float]]:
    """Errors of each kind, and the AP50 that they cost.

    Args:
        ground_truth: COCO instances.
        results: COCO results.
        iou_type: "bbox" or "segm".
        threshold: results with a lower score are left out first.
        near: IoU from which a result means an object, however badly.
        right: IoU from which it has found it.

    Returns:
        For each of ``KINDS``: ``count``, and ``ap50``, what would be won were this kind
        alone mended: a wrong class or place put right (once for each object), a
        wrong result taken away, a missed object forgotten.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    case = read(ground_truth, results, iou_type)
    rows = (ranks(case.results) < 100) & (case.results.scores >= threshold)
    truth, found = case.truth, case.results.take(np.flatnonzero(rows))
    errors = find_errors(truth, found, near, right)
    before = _ap50(truth, found, len(case.categories))
    report = {}
    for kind, name in enumerate(KINDS):
        count = errors.missed.sum() if kind == MISSED else (errors.kind == kind).sum()
        after = _ap50(*mend(truth, found, errors, kind), len(case.categories))
        report[name] = {"count": int(count), "ap50": max(after - before, 0.0)}
    return report


def find_errors(truth: Objects, results: Objects, near: float, right: float) -> Errors:
    """The error of every result and object, in the order of TIDE's tests."""
    pairs = overlapping_pairs(results, truth, right)
    crowd = truth.crowd
    limits, size = np.array([right]), len(results)
    taken = match(pairs, limits, crowd[None], crowd, size)[0, 0]  # (D,)
    own, own_iou, other, other_iou = _nearest(truth, results, near)
    kind = np.select(
        [
            taken >= 0,
            (own_iou >= near) & (own_iou < right),
            other_iou >= right,
            own_iou >= right,
            other_iou >= near,
        ],
        [-1, LOCALISATION, CLASSIFICATION, DUPLICATE, BOTH],
        BACKGROUND,
    )
    object_ = np.where(kind == CLASSIFICATION, other, own)
    mendable = np.isin(kind, (CLASSIFICATION, LOCALISATION))
    object_ = np.where(mendable, object_, -1)
    found, meant = np.zeros((2, len(truth) + 1), bool)
    found[taken], meant[object_] = True, True
    return Errors(kind, object_, found[:-1], ~(found | meant)[:-1] & ~crowd)


def mend(
    truth: Objects, results: Objects, errors: Errors, kind: int
) -> tuple[Objects, Objects]:
    """Truth and results as they would be without this kind of error."""
    if kind == MISSED:
        return truth.take(np.flatnonzero(~errors.missed)), results
    wrong = np.flatnonzero(errors.kind == kind)
    order = wrong[np.argsort(-results.scores[wrong], kind="stable")]
    meant = order[errors.object[order] >= 0]
    free = meant[~errors.found[errors.object[meant]]]
    _, first = np.unique(errors.object[free], return_index=True)
    rows = free[first]  # the best result for each object that nobody found
    objects = errors.object[rows]
    category, boxes = results.category.copy(), results.boxes.copy()
    category[rows], boxes[rows] = truth.category[objects], truth.boxes[objects]
    masks = results.masks and list(results.masks)
    for row, object_ in zip(rows, objects, strict=True) if truth.masks else ():
        masks[row] = truth.masks[object_]
    mended = replace(results, category=category, boxes=boxes, masks=masks)
    keep = np.ones(len(results), bool)
    keep[wrong], keep[rows] = False, True
    order = np.lexsort((-results.scores, results.image, category))
    return truth, mended.take(order[keep[order]])


def _nearest(truth: Objects, results: Objects, near: float) -> tuple[np.ndarray, ...]:
    """The object of the same class that overlaps most, and of another: row and IoU."""
    by_image = [np.argsort(each.image, kind="stable") for each in (results, truth)]
    one_class = [
        replace(each.take(order), category=np.zeros(len(each), int))
        for each, order in zip((results, truth), by_image, strict=True)
    ]
    pairs = overlapping_pairs(*one_class, near)
    row, column = by_image[0][pairs.result], by_image[1][pairs.truth]
    nearest = []
    for same in (True, False):
        alike = results.category[row] == truth.category[column]
        kept = (alike == same) & ~truth.crowd[column]
        best, iou = np.full(len(results), -1), np.zeros(len(results))
        # By rising IoU: what is written last is the best.
        best[row[kept]], iou[row[kept]] = column[kept], pairs.iou[kept]
        nearest += [best, iou]
    return tuple(nearest)


def _ap50(truth: Objects, results: Objects, num_categories: int) -> float:
    precision, _ = accumulate(truth, results, num_categories, (100,))
    return mean_of_known(precision[0, :, :, 0])
