"""Precision and recall of a detector against the score it is cut at.

Taught in chapters/13_mask_rcnn_finetuning.
"""

from dataclasses import dataclass

import numpy as np

from course_lib.detection.average_precision import judge
from course_lib.detection.coco_objects import read


@dataclass(frozen=True)
class Sweep:
    """What is kept at each threshold, all classes together."""

    thresholds: np.ndarray  # (N,)
    precision: np.ndarray  # (N,) in 0 to 1; 1 where nothing is kept
    recall: np.ndarray  # (N,) in 0 to 1

    @property
    def f1(self) -> np.ndarray:
        """Harmonic mean of precision and recall, (N,)."""
        both = self.precision + self.recall
        product = 2 * self.precision * self.recall
        return np.divide(product, both, out=np.zeros_like(both), where=both > 0)


def score_sweep(
    ground_truth: dict,
    results: list[dict],
    iou_type: str = "bbox",
    *,
    thresholds: np.ndarray | None = None,
    iou: float = 0.5,
) -> Sweep:
    """Precision and recall when results below a threshold are thrown away.

    A lower score never changes what a higher one finds, so one matching serves all.

    Args:
        ground_truth: COCO instances.
        results: COCO results.
        iou_type: "bbox" or "segm".
        thresholds: (N,) scores; 0, 0.05, ... 1 unless told.
        iou: least overlap of a match, one of 0.5, 0.55, ... 0.95.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    if thresholds is None:
        thresholds = np.linspace(0, 1, 21)
    case = read(ground_truth, results, iou_type)
    left_out, hit, counted = judge(case.truth, case.results)
    limit = round((iou - 0.5) / 0.05)
    kept = case.results.scores >= np.asarray(thresholds)[:, None]  # (N, D)
    right = (kept & hit[0, limit]).sum(axis=1)
    seen = (kept & counted[0, limit]).sum(axis=1)
    wanted = max((~left_out[0]).sum(), 1)
    precision = np.divide(right, seen, out=np.ones(len(seen)), where=seen > 0)
    return Sweep(np.asarray(thresholds), precision, right / wanted)
