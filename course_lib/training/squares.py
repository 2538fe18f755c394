"""What the truth itself scores when every square of pixels has one word.

No net is in it: the card says what a stride costs on real streets.
"""

import json

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from course_lib.data.readers.camvid import CamVid
from course_lib.metrics import ConfusionMatrix
from course_lib.paths import data_dir, results_dir
from course_lib.training.cards import commit, split_hash
from course_lib.training.checkpoint import versions
from course_lib.training.measures import by_width, named
from course_lib.whole import write_whole

NAME, SIDES = "squares_camvid", (32, 16, 8, 4)


def in_squares(labels: Tensor, side: int, num_classes: int) -> Tensor:
    """Give every square the class that most of its pixels have; void has no vote.

    (H, W) ids -> (H, W) ids. The squares at the right and below may be cut; a square
    without a vote, all void, becomes class 0.

    Taught in chapters/03_transposed_conv_upsampling.
    """
    height, width = labels.shape
    votes = F.one_hot(labels.clamp(max=num_classes).long(), num_classes + 1)
    votes = votes[..., :-1].permute(2, 0, 1).float()  # (C, H, W)
    votes = F.pad(votes, (0, -width % side, 0, -height % side))
    ids = F.avg_pool2d(votes, side).argmax(0)  # (H/side, W/side)
    whole = ids.repeat_interleave(side, 0).repeat_interleave(side, 1)
    return whole[:height, :width]


def squares_card(dataset: Dataset) -> dict:
    """The scores of the truth in squares, and those of its poles by width.

    Taught in chapters/03_transposed_conv_upsampling.
    """
    truths = [torch.as_tensor(labels) for _, labels in dataset]
    return {
        "name": NAME,
        "dataset": dataset.name,
        "split": dataset.split,
        "num_pictures": len(dataset),
        "resolution": list(truths[0].shape),
        "void": "ignored",
        "squares": [scores(truths, side, dataset.classes.names) for side in SIDES],
        "versions": versions(),
        "commit": commit(),
        "split_hash": split_hash(dataset),
        "command": "python -m course_lib.training.squares",
    }


def scores(truths: list[Tensor], side: int, names: tuple[str, ...]) -> dict:
    """Figures of label pictures in squares, against the same label pictures."""
    answers = [in_squares(truth, side, len(names)) for truth in truths]
    matrix = ConfusionMatrix(len(names))
    for truth, answer in zip(truths, answers, strict=True):
        matrix.update(truth, answer)
    ious = matrix.scores()
    return {
        "side": side,
        "mean_iou": float(ious.mean_iou),
        "class_iou": named(names, ious.class_iou),
        "iou_by_width": by_width(truths, answers, names.index("pole")),
    }


def main() -> None:
    """Measure and write the card."""
    if data_dir() is None:
        raise SystemExit("set COURSE_DATA to the folder that holds camvid/")
    card = squares_card(CamVid(data_dir() / "camvid", "test"))
    text = json.dumps(card, indent=1) + "\n"
    write_whole(results_dir() / f"{NAME}.json", text.encode())


if __name__ == "__main__":
    main()
