"""The 35-picture project of chapter 15: many epochs, on old and on new pictures."""

import time
from collections.abc import Sequence

import torch
from torch.utils.data import Dataset, Subset

from course_lib.detection.batches import detector_batches
from course_lib.detection.darknet.cfg import parse_cfg
from course_lib.detection.darknet.detector import DarknetDetector
from course_lib.detection.darknet.network import Darknet
from course_lib.detection.engine import Training
from course_lib.detection.evaluation import detections, evaluate_detector
from course_lib.detection.recipe import DetectorRecipe
from course_lib.detection.studies.scale_anchors import BroadThings
from course_lib.detection.yolo.classes_of_cfg import change_anchors, change_classes
from course_lib.detection.yolo.kmeans import box_sizes, kmeans_anchors
from course_lib.detection.yolo.mosaic import Mosaic, without_masks, yolo_transform
from course_lib.detection.yolo.transfer import set_prior
from course_lib.paths import LIBRARY
from course_lib.training.stream import Cached

EPOCHS = (10, 20, 50, 100, 200, 500)
METHODS = {"as they are": False, "augmented": True}
PICTURES, EVERY = 35, 5  # every fifth picture is for validation
DIALS = {"size": (192, 256), "thin": 4}
CFG = LIBRARY / "detection/darknet/cfgs/yolo_project.cfg"
RECIPE = DetectorRecipe(
    epochs=EPOCHS[-1],
    batch_size=8,
    optimiser="adamw",
    lr=0.005,
    weight_decay=0.01,
    warmup_iters=30,
    average=0.9,
    precision="bfloat16",
)
SHOWN = 0.5  # score of the boxes that the card keeps for pictures


class Project(Dataset):
    """The training pictures of the project, without masks, kept in memory.

    Boats, cars and persons of the first 35 harbours, labels 1 to 3, every fifth
    picture left out. Taught in chapters/15_training_yolo.
    """

    def __init__(self):
        self.dataset = Cached(BroadThings("train", PICTURES, **DIALS))
        self.rows = [i for i in range(PICTURES) if i % EVERY != EVERY - 1]
        self.classes = self.dataset.classes

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int):
        image, target = self.dataset[self.rows[i]]
        return image, without_masks(target)


def project_net(train: Dataset) -> Darknet:
    """The small net of the project: three classes, anchors of its boxes, a prior."""
    sections = change_classes(parse_cfg(CFG), 3)
    net = Darknet(change_anchors(sections, kmeans_anchors(box_sizes(train), 6)))
    set_prior(net)
    return net


def train(seed: int, augmented: bool, looks: dict) -> dict[str, list]:
    """Train, and measure at every one of ``EPOCHS`` on each data set of ``looks``.

    Returns:
        AP50 for each name of ``looks``, and under "shown" what is found in its first
        picture.
    """
    torch.manual_seed(seed)
    pictures = Project()
    recipe = DetectorRecipe(**RECIPE.as_dict() | {"seed": seed})
    training = Training(DarknetDetector(project_net(pictures)), len(pictures), recipe)
    found = {name: [] for name in looks} | {"shown": []}
    batches = detector_batches(
        Mosaic(pictures, probability=0.5) if augmented else pictures,
        recipe.batch_size, seed, 0, training.steps,
        transform=yolo_transform() if augmented else None,
    )  # fmt: skip
    stops = [round(e * training.steps / EPOCHS[-1]) for e in EPOCHS]
    for images, targets in batches:
        training.train_step(images, targets)
        if training.step in stops:
            for name, dataset in looks.items():
                report = evaluate_detector(training.detector, dataset)["bbox"]
                found[name].append(round(float(report.stats[1]), 4))
            found["shown"].append(
                {name: first(training.detector, d) for name, d in looks.items()}
            )
    return found


def first(detector, dataset) -> dict:
    """The sure boxes in the first picture, in whole pixels, as plain data."""
    ((_, (found,)),) = detections(detector, Subset(dataset, [0]))
    sure = found["scores"] > SHOWN
    boxes, labels = found["boxes"][sure].round().int(), found["labels"][sure]
    return {"boxes": boxes.tolist(), "labels": labels.tolist()}


def measure(seeds: Sequence[int], count: int) -> dict:
    """Train twice a seed; the card of the curve."""
    start = time.monotonic()
    looks = {
        "old": Project(),
        "new": Cached(BroadThings("test", count, **DIALS)),
    }
    runs = {
        name: {str(seed): train(seed, augmented, looks) for seed in seeds}
        for name, augmented in METHODS.items()
    }

    def part(key: str) -> dict:
        return {m: {s: run[key] for s, run in each.items()} for m, each in runs.items()}

    return {
        "name": "curve_harbour_epochs_yolo",
        "dataset": "harbour",
        "split": "test",
        "num_pictures": count,
        "dial": "epochs",
        "unit": "",
        "values": list(EPOCHS),
        "score": f"AP50 on {count} new pictures",
        "methods": part("new"),
        "others": {
            f"AP50 on the {len(looks['old'])} training pictures": {
                "methods": part("old")
            }
        },
        "shown": {m: each[str(seeds[0])]["shown"] for m, each in runs.items()},
        "recipe": RECIPE.as_dict(),
        "minutes": round((time.monotonic() - start) / 60, 1),
    }
