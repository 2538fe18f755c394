"""How good a labelling is: confusion matrix and its scores, boundary IoU."""

from course_lib.metrics.boundary import boundary_iou, boundary_region
from course_lib.metrics.confusion import ConfusionMatrix, Scores, reduced_iou
from course_lib.metrics.losing import cost_of_losing

__all__ = [
    "ConfusionMatrix",
    "Scores",
    "boundary_iou",
    "boundary_region",
    "cost_of_losing",
    "reduced_iou",
]
