"""The label card of CamVid: what its labels hold, and what measures make of it.

``COURSE_DATA=folder python -m course_lib.data.label_card`` measures it anew and writes
``chapters/results/labels_camvid.json``. Where ``camvid/espnet_test_predictions`` holds
answers for the test pictures, their scores are in the card as well.
"""

import json
from pathlib import Path

from torch import Tensor

from course_lib.data.classes import CAMVID, VOID
from course_lib.data.images import read_labels
from course_lib.data.readers.camvid import SPLITS, CamVid
from course_lib.data.statistics import class_statistics
from course_lib.data.world import camvid_dir
from course_lib.metrics import ConfusionMatrix, cost_of_losing
from course_lib.paths import results_dir

CARD = "labels_camvid.json"
COMMAND = "COURSE_DATA=folder python -m course_lib.data.label_card"


def split_statistics(masks: list[Tensor]) -> dict:
    """Shares of void and of the classes, and loss weights, of one split."""
    found = class_statistics(masks, CAMVID.num_classes)
    return {
        "num_pictures": len(masks),
        "void_share": found.void / (found.void + int(found.pixels.sum())),
        "class_share": named(found.share),
        "class_pictures": named(found.pictures),
        "median_frequency_weight": named(found.median_frequency_weights()),
    }


def all_labels(dataset: CamVid) -> list[Tensor]:
    """The label pictures of a split, (H, W) each, without its photographs."""
    return [dataset.labels(i) for i in range(len(dataset))]


def named(values: Tensor) -> dict:
    """One value for each class name."""
    return dict(zip(CAMVID.names, values.tolist(), strict=True))


def losses(masks: list[Tensor]) -> dict[str, dict[str, float]]:
    """What it costs, in points, to take each class for the largest other one."""
    order = class_statistics(masks, CAMVID.num_classes).pixels.argsort(descending=True)
    first, second = order[:2].tolist()
    return {
        name: cost_of_losing(
            masks, i, second if i == first else first, CAMVID.num_classes
        )
        for i, name in enumerate(CAMVID.names)
    }


def prediction_scores(dataset: CamVid, folder: Path) -> dict[str, dict]:
    """Scores of kept answers to a split, void ignored and counted."""
    matrix = ConfusionMatrix(CAMVID.num_classes)
    for i, (picture, _) in enumerate(dataset.pairs):
        answer = read_labels(folder / f"{picture.stem}.png")
        matrix.update(dataset.labels(i), answer.masked_fill(answer == 11, VOID))
    scores = {}
    for void in ("ignored", "counted"):
        scores[f"void_{void}"] = matrix.scores(void).as_dict()
        del scores[f"void_{void}"]["mean_iou_without_background"]  # CamVid has none
    return scores


def card(root: Path) -> dict:
    """The whole card, measured anew."""
    splits = {split: CamVid(root, split) for split in SPLITS}
    masks = {split: all_labels(data) for split, data in splits.items()}
    found = {
        "name": "labels_camvid",
        "dataset": "camvid",
        "command": COMMAND,
        "splits": {split: split_statistics(m) for split, m in masks.items()},
        "points_lost": {"split": "test", **losses(masks["test"])},
    }
    folder = root / "espnet_test_predictions"
    if folder.is_dir():
        scores = prediction_scores(splits["test"], folder)
        found["predictions"] = {"of": "ESPNet (Mehta et al., 2018)", **scores}
    return found


if __name__ == "__main__":
    path = results_dir() / CARD
    text = json.dumps(card(camvid_dir()), indent=1)
    path.write_text(text + "\n", encoding="utf-8")
    print(path.name)
