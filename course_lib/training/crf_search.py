"""Parameters of a dense CRF: the textbook's, and a search for better ones."""

import random
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from course_lib.crf import mean_field
from course_lib.metrics import ConfusionMatrix, boundary_iou

# What the authors' example and its ports use.
TEXTBOOK = dict(
    gaussian_sxy=3.0,
    gaussian_compat=3.0,
    bilateral_sxy=80.0,
    bilateral_srgb=13.0,
    bilateral_compat=10.0,
    iterations=5,
)
# Searched: sxy in shares of the picture's height, to suit every size.
GRID = dict(
    gaussian_sxy=(0.005, 0.01, 0.02),
    gaussian_compat=(0.0, 1.0, 3.0),
    bilateral_sxy=(0.02, 0.05, 0.1, 0.2, 0.4),
    bilateral_srgb=(3.0, 5.0, 8.0, 13.0, 20.0),
    bilateral_compat=(0.5, 1.0, 2.0, 4.0, 7.0, 10.0),
    iterations=(1, 2, 5),
)

Sample = tuple[Tensor, Tensor, Tensor]  # image (H, W, 3), (C, H, W), labels (H, W)


def scores_of(samples: Iterable[Sample], parameters: dict | None) -> dict[str, float]:
    """Mean IoU, boundary IoU and pixel accuracy; None is without a CRF."""
    truths, answers = [], []
    for image, p, labels in samples:
        p = p.float() / p.float().sum(dim=0)
        if parameters:
            p = mean_field(image, p, **parameters, method="fast")
        truths.append(labels)
        answers.append(p.argmax(dim=0))
    truths, answers, classes = torch.stack(truths), torch.stack(answers), len(p)
    scores = ConfusionMatrix(classes).update(truths, answers).scores()
    return {
        "mean_iou": scores.mean_iou,
        "boundary_iou": boundary_iou(truths, answers, classes).nanmean().item(),
        "pixel_accuracy": scores.pixel_accuracy,
    }


def settings(count: int, height: int, seed: int = 0) -> list[dict]:
    """Settings drawn from ``GRID``, the textbook's first; sxy in px."""
    draw, drawn = random.Random(seed), [TEXTBOOK]
    for _ in range(count):
        one = {name: draw.choice(values) for name, values in GRID.items()}
        for name in ("gaussian_sxy", "bilateral_sxy"):
            one[name] = round(one[name] * height, 1)
        drawn.append(one)
    return drawn


def search(samples: Sequence[Sample], count: int, say=print) -> tuple[dict, list]:
    """The setting with the best mean IoU, and (setting, scores) of all."""
    tried = []
    for one in settings(count, samples[0][0].shape[0]):
        tried.append((one, scores_of(samples, one)))
        say(*(f"{v:.4f}" for v in tried[-1][1].values()), list(one.values()))
    return max(tried, key=lambda pair: pair[1]["mean_iou"])[0], tried
