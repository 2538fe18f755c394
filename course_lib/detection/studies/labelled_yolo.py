"""The failure curve of chapter 15: AP against the number of labelled pictures.

The net and the classes (boats, cars, people) are those of the 35-picture project. One
net begins from random weights; the other from a net that learned masts, lamp posts
and buoys in 1,000 other pictures, and has never seen a label of the three classes.
"""

import time
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch.utils.data import Dataset

from course_lib.data.harbour import HarbourThings
from course_lib.detection.box_crop import keep_objects
from course_lib.detection.darknet.detector import DarknetDetector
from course_lib.detection.darknet.network import Darknet
from course_lib.detection.engine import fit
from course_lib.detection.evaluation import evaluate_detector
from course_lib.detection.recipe import DetectorRecipe
from course_lib.detection.studies.epochs_yolo import DIALS, project_net
from course_lib.detection.studies.scale_anchors import KINDS, BroadThings
from course_lib.detection.yolo.mosaic import yolo_transform
from course_lib.detection.yolo.pictures import BoxesOnly, From
from course_lib.detection.yolo.transfer import transfer
from course_lib.training.stream import Cached

VALUES = (2, 5, 10, 35, 150)
SOURCE, FIRST = 1000, 500_000  # pictures of the other classes, apart from all others
RECIPE = DetectorRecipe(
    steps=200,
    batch_size=8,
    optimiser="adamw",
    lr=0.005,
    weight_decay=0.01,
    warmup_iters=30,
    average=0.9,
    precision="bfloat16",
)
SOURCE_STEPS, SOURCE_SEED = 800, 100


class ThinThings(Dataset):
    """Masts, lamp posts and buoys (labels 1, 2, 3), with more buoys than usual.

    Taught in chapters/15_training_yolo.
    """

    def __init__(self, count: int):
        dials = DIALS | {"rarity": 0.4}
        things = BoxesOnly(HarbourThings("train", FIRST + count, **dials))
        self.dataset = From(things, FIRST, count)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, i: int):
        image, target = self.dataset[i]
        target = keep_objects(target, target["labels"] > KINDS)
        return image, target | {"labels": target["labels"] - KINDS}


def train(net: Darknet, pictures: Dataset, steps: int, seed: int) -> DarknetDetector:
    """Train a net on pictures, mirrored and zoomed; the detector, ready to detect."""
    recipe = DetectorRecipe(**RECIPE.as_dict() | {"seed": seed, "steps": steps})
    zoomed = yolo_transform(zoom=(0.7, 1.4), hue=0, saturation=0, brightness=0)
    detector = DarknetDetector(net.to(memory_format=torch.channels_last))
    return fit(
        detector, pictures, recipe, transform=zoomed, say=lambda line: None
    ).detector


@lru_cache(maxsize=1)
def source() -> Darknet:
    """The net that learned other classes; one for all runs."""
    torch.manual_seed(SOURCE_SEED)
    pictures = Cached(ThinThings(SOURCE))
    return train(project_net(pictures), pictures, SOURCE_STEPS, SOURCE_SEED).net


def labelled(count: int, seed: int) -> Dataset:
    """``count`` train pictures with boats, cars and people, others for every seed."""
    start = seed * VALUES[-1]
    pictures = BroadThings("train", start + count, **DIALS)
    return Cached(From(BoxesOnly(pictures), start, count))


def score(seed: int, count: int, transferred: bool, test_set: Dataset) -> float:
    """AP50 after training on ``count`` pictures."""
    pictures = labelled(count, seed)
    torch.manual_seed(seed)
    net = project_net(pictures)
    if transferred:
        transfer(net, source())
    detector = train(net, pictures, RECIPE.steps, seed)
    report = evaluate_detector(detector, test_set)["bbox"]
    return round(float(report.ap50), 4)


METHODS = {"from scratch": False, "transferred": True}


def measure(seeds: Sequence[int], count: int) -> dict:
    """Train for every number of pictures, twice a seed; the card of the curve."""
    start = time.monotonic()
    test_set = Cached(BroadThings("test", count, **DIALS))
    scores = {method: {str(seed): [] for seed in seeds} for method in METHODS}
    for seed in seeds:
        for value in VALUES:
            for method, transferred in METHODS.items():
                ap50 = score(seed, value, transferred, test_set)
                scores[method][str(seed)].append(ap50)
                print(f"seed {seed}, {value} pictures, {method}: {ap50}", flush=True)
    return {
        "name": "curve_harbour_labelled_yolo",
        "dataset": "harbour",
        "split": "test",
        "num_pictures": count,
        "dial": "labelled pictures",
        "unit": "",
        "values": list(VALUES),
        "score": "AP50",
        "methods": scores,
        "bars": f"{len(seeds)} seeds, each with pictures of its own",
        "source": f"masts, lamp posts and buoys in {SOURCE} other train pictures, "
        f"{SOURCE_STEPS} steps",
        "recipe": RECIPE.as_dict(),
        "minutes": round((time.monotonic() - start) / 60, 1),
    }
