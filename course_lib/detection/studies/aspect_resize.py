"""Chapter 14's failure curve: three ways to give a picture to a net of another shape.

The net was trained on harbours of 4:3. Stretching keeps everything in sight and puts it
out of shape, letterboxing keeps the shape and makes it smaller, and an input of the
picture's own shape does neither. Pictures of every aspect have as many pixels.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torchvision.transforms.v2.functional import to_dtype

from course_lib.data.harbour import THINGS, HarbourThings
from course_lib.detection.average_precision import evaluate
from course_lib.detection.coco_format import instances, to_results
from course_lib.detection.darknet.detector import load_detector
from course_lib.paths import weights_dir

SHIPPED = "yolo_harbour"
VALUES = (0.5, 0.75, 1.0, 1.33, 2.0, 3.0, 4.0)
PIXELS, STEP = 192 * 256, 32  # of a picture; sides of an input are multiples of 32 px
STRETCHED, LETTERBOXED = "stretched", "letterboxed"
FITTING = "input of the picture's shape"


def size_of(aspect: float) -> tuple[int, int]:
    """(H, W) of a picture of width / height ``aspect`` with ``PIXELS`` pixels."""
    height = round((PIXELS / aspect) ** 0.5)
    return height, round(height * aspect)


def detectors(aspect: float) -> dict[str, nn.Module]:
    """The shipped net behind each way; the fitting input keeps the height of 192 px.

    Taught in chapters/14_yolov3_darknet.
    """
    files = [weights_dir() / f"{SHIPPED}.{end}" for end in ("cfg", "weights")]
    height = load_detector(*files).size[0]
    fitting = height, max(STEP, round(height * aspect / STEP) * STEP)
    return {
        STRETCHED: load_detector(*files, resize="stretch"),
        LETTERBOXED: load_detector(*files),
        FITTING: load_detector(*files, size=fitting),
    }


@torch.no_grad()
def scores_at(aspect: float, rows: Sequence[range], count: int) -> dict[str, list]:
    """AP50 over all six things of some sets of test pictures, for every way."""
    pictures = HarbourThings("test", count, size_of(aspect))
    ways, scores = detectors(aspect), {}
    for part in rows:
        truth, results = [], {name: [] for name in ways}
        for i in part:
            image, target = pictures[i]
            truth.append((tuple(image.shape[-2:]), target))
            image = to_dtype(image, torch.float32, scale=True)
            for name, detector in ways.items():
                results[name] += to_results(detector([image]), [i])
        truth = instances(truth, THINGS.names)
        for name, each in results.items():
            scores.setdefault(name, []).append(evaluate(truth, each).ap50)
    return scores


def measure(seeds: Sequence[int], count: int = 200) -> dict:
    """The card of ``python -m course_lib curve aspect_resize``.

    Args:
        seeds: not used: the net is the shipped one, the bars are sets of pictures.
        count: test pictures, parted in three.

    Taught in chapters/14_yolov3_darknet.
    """
    rows = [range(k * count // 3, (k + 1) * count // 3) for k in range(3)]
    methods: dict[str, dict[str, list]] = {}
    for value in VALUES:
        for name, scores in scores_at(value, rows, count).items():
            for k, score in enumerate(scores):
                by_set = methods.setdefault(name, {}).setdefault(str(k), [])
                by_set.append(round(float(score), 4))
    return {
        "name": "curve_harbour_aspect_resize",
        "dataset": "harbour",
        "split": "test",
        "num_pictures": count,
        "resolution": [192, 256],
        "dial": "aspect",
        "unit": "",
        "values": list(VALUES),
        "score": "AP50",
        "bars": "3 sets of pictures",
        "methods": methods,
        "recipe": {"net": SHIPPED, "pixels of a picture": PIXELS},
    }
