"""How far average precision moves when other pictures had been drawn.

Taught in chapters/15_training_yolo.
"""

from collections.abc import Sequence

import numpy as np

from course_lib.detection.average_precision import evaluate
from course_lib.detection.coco_format import instances, to_results
from course_lib.detection.evaluation import detections

Truth = list[tuple[tuple[int, int], dict]]


def found_in(detector, dataset) -> tuple[Truth, list[list[dict]]]:
    """What is in every picture, and what a detector finds there.

    Returns:
        (size, target) of every picture, and its COCO results, boxes alone.
    """
    truth, results = [], []
    for targets, found in detections(detector, dataset):
        truth += targets
        results += [to_results([each], [0]) for each in found]
    return truth, results


def bootstrap(
    truth: Truth,
    results: Sequence[list[dict]],
    names: Sequence[str],
    times: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[list[float], list[float]]:
    """Interval of AP and AP50 over sets of pictures drawn with replacement.

    Args:
        truth: of every picture, as ``found_in`` gives it.
        results: of every picture, likewise.
        names: of the classes, background first.
        times: how many sets are drawn, each as large as the first.
        level: share of them that lies in the interval.
        seed: of the draws.

    Returns:
        The lower ends of (AP, AP50), and the upper ones.

    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13. Taught
    in chapters/15_training_yolo.
    """
    whole = instances(truth, names)
    objects = [[] for _ in truth]
    place = {image["id"]: i for i, image in enumerate(whole["images"])}
    for each in whole["annotations"]:
        objects[place[each["image_id"]]].append(each)
    rng, scores = np.random.default_rng(seed), []
    for _ in range(times):
        drawn = rng.integers(len(truth), size=len(truth)).tolist()
        rows = [r | {"image_id": i} for i, k in enumerate(drawn) for r in results[k]]
        kept = [o | {"image_id": i} for i, k in enumerate(drawn) for o in objects[k]]
        again = whole | {
            "images": [whole["images"][k] | {"id": i} for i, k in enumerate(drawn)],
            "annotations": [o | {"id": n} for n, o in enumerate(kept, 1)],
        }
        scores.append(evaluate(again, rows).stats[:2])
    ends = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return ends[0].tolist(), ends[1].tolist()
