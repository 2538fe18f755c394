"""The failure curve of chapter 12: which sizes of things a set of anchors finds."""

import time
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

from course_lib.data.harbour import HarbourThings
from course_lib.detection.anchor_detector import AnchorDetector
from course_lib.detection.anchors import anchor_grid
from course_lib.detection.box_crop import keep_objects
from course_lib.detection.boxes import recall
from course_lib.detection.engine import fit
from course_lib.detection.evaluation import evaluate_detector
from course_lib.detection.recipe import DetectorRecipe
from course_lib.detection.transforms import training_transform
from course_lib.training.stream import Cached

DIAL, VALUES, SIZE = "scale", (1, 2, 4, 6, 8), (96, 128)
SHAPES = (0.4, 1.0, 2.5)  # height over width
ONE, NINE = ((16.0,), (1.0,)), ((8.0, 16.0, 32.0), SHAPES)  # sizes and ratios
METHODS = {  # anchors of a cell, and whether every box keeps its best ones
    "one anchor": (ONE, True),
    "nine anchors": (NINE, True),
    "one anchor, IoU alone": (ONE, False),
    "nine anchors, IoU alone": (NINE, False),
}
KINDS = 3  # boats, cars and people; the rest is too thin for any of these anchors
RECIPE = DetectorRecipe(
    steps=400,
    batch_size=4,
    optimiser="adamw",
    lr=0.003,
    weight_decay=0.01,
    warmup_iters=40,
    average=0.98,
)


class BroadThings(Dataset):
    """Boats, cars and people (labels 1, 2, 3) of the harbour, small pictures.

    Args:
        split, count, **dials: as ``HarbourThings``; size and ``thin`` are those of the
            chapters on segmentation.

    Taught in chapters/12_boxes_anchors_ap.
    """

    def __init__(self, split: str = "train", count: int | None = None, **dials):
        options = {"size": SIZE, "thin": 2} | dials
        self.dataset = HarbourThings(split, count, **options)
        self.name, self.classes = self.dataset.name, self.dataset.classes

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, i: int) -> tuple[Tensor, dict]:
        image, target = self.dataset[i]
        return image, keep_objects(target, target["labels"] <= KINDS)


class EveryScale(Dataset):
    """Training pictures whose dial ``scale`` goes round and round."""

    def __init__(self, count: int):
        self.parts = [BroadThings("train", count, scale=value) for value in VALUES]
        self.classes, self.count = self.parts[0].classes, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> tuple[Tensor, dict]:
        return self.parts[i % len(self.parts)][i]  # IndexError behind the last


def detector(method: str) -> AnchorDetector:
    """The detector of a method, with random weights."""
    anchors, keep_best = METHODS[method]
    return AnchorDetector(KINDS, *anchors, keep_best=keep_best)


def trained(method: str, seed: int, train_set: Dataset, steps: int = RECIPE.steps):
    """Train it with a seed and give it back in evaluation mode."""
    torch.manual_seed(seed)
    recipe = DetectorRecipe(**RECIPE.as_dict() | {"seed": seed, "steps": steps})
    transform = training_transform(flips=0.5)
    training = fit(detector(method), train_set, recipe, transform=transform,
                   say=lambda line: None)  # fmt: skip
    return training.detector


def score(detector: AnchorDetector, test_set: Dataset) -> dict[str, float]:
    """Recall with 100 boxes a picture, and AP; means of the three kinds."""
    report = evaluate_detector(detector, test_set, batch_size=4)["bbox"]
    recall = report.recall[:, :KINDS, 0, -1]  # (10 limits of IoU, 3)
    precision = report.precision[:, :, :KINDS, 0]  # (10, 101, 3)
    scores = {
        "recall at an IoU of 0.5": recall[0].mean(),
        "recall at an IoU of 0.75": recall[5].mean(),
        "AP50": precision[0].mean(),
        "AP": precision.mean(),
    }
    names = test_set.classes.names[1 : KINDS + 1]
    scores |= {f"recall of {n}": x for n, x in zip(names, recall[0], strict=True)}
    return {name: round(float(x), 4) for name, x in scores.items()}


def reachable(method: str, test_set: Dataset) -> float:
    """Share of the things that an anchor overlaps by half, before any training."""
    anchors = anchor_grid((SIZE[0] // 4, SIZE[1] // 4), 4, *METHODS[method][0])
    boxes, labels = zip(*((t["boxes"], t["labels"]) for _, t in test_set), strict=True)
    boxes, labels = torch.cat(boxes).as_subclass(Tensor), torch.cat(labels)
    each = [recall(anchors, boxes[labels == k]) for k in range(1, KINDS + 1)]
    return sum(each) / len(each)


def measure(seeds: Sequence[int], count: int) -> dict:
    """Train every method with every seed, and score it over the dial."""
    train_set = Cached(EveryScale(1000))
    tests = [Cached(BroadThings("test", count, scale=value)) for value in VALUES]
    scores = {method: {} for method in METHODS}
    minutes = {}
    for seed in seeds:
        start = time.monotonic()
        nets = {method: trained(method, seed, train_set) for method in METHODS}
        minutes[str(seed)] = round((time.monotonic() - start) / 60, 2)
        for method, net in nets.items():
            scores[method][str(seed)] = [score(net, test_set) for test_set in tests]
    main, *others = list(scores[method][str(seed)][0])
    return {
        "name": "curve_harbour_scale_anchors",
        "dataset": "harbour",
        "split": "test",
        "num_pictures": count,
        "resolution": list(SIZE),
        "dial": DIAL,
        "unit": "",
        "values": list(VALUES),
        **part(scores, main),
        "others": {name: part(scores, name) for name in others},
        "reachable": {
            method: [round(reachable(method, test), 4) for test in tests]
            for method in METHODS
        },
        "recipe": RECIPE.as_dict() | {"seed": "each"},
        "seeds": list(seeds),
        "minutes": minutes,
    }


def part(scores: dict, name: str) -> dict:
    """One figure of all runs: its name, and method -> seed -> one for each value."""
    return {
        "score": name,
        "methods": {
            method: {seed: [each[name] for each in row] for seed, row in seeds.items()}
            for method, seeds in scores.items()
        },
    }
