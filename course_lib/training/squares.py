"""What the truth itself scores when every square of pixels has one word.

No net is in it: the card says what a stride costs on real streets.
"""

import json

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from course_lib.data.camvid import CamVid
from course_lib.metrics import ConfusionMatrix
from course_lib.metrics.widths import iou_by_width
from course_lib.paths import data_dir, results_dir
from course_lib.training.cards import commit, split_hash
from course_lib.training.checkpoint import versions, write_whole

NAME, SIDES, LIMITS = "squares_camvid", (32, 16, 8, 4), (2, 4, 8)


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
    names = dataset.classes.names
    matrices = {side: ConfusionMatrix(len(names)) for side in SIDES}
    poles = {side: 0 for side in SIDES}
    for _, labels in dataset:
        labels = torch.as_tensor(labels)
        for side, matrix in matrices.items():
            squares = in_squares(labels, side, len(names))
            matrix.update(labels, squares)
            args = (names.index("pole"), LIMITS)
            poles[side] = poles[side] + iou_by_width(labels, squares, *args)
    scores = {side: matrix.scores() for side, matrix in matrices.items()}
    return {
        "name": NAME,
        "dataset": dataset.name,
        "split": dataset.split,
        "num_pictures": len(dataset),
        "resolution": list(labels.shape),
        "void": "ignored",
        "widths": [f"up to {limit} px" for limit in LIMITS] + ["wider"],
        "squares": [
            {
                "side": side,
                "mean_iou": round(float(scores[side].mean_iou), 4),
                "class_iou": dict(zip(names, _rounded(scores[side].class_iou), strict=True)),
                "pole_iou_by_width": _rounded(poles[side][:, 0] / poles[side][:, 1]),
            }
            for side in SIDES
        ],
        "versions": versions(),
        "commit": commit(),
        "split_hash": split_hash(dataset),
        "command": "python -m course_lib.training.squares",
    }


def _rounded(scores: Tensor) -> list[float]:
    return [round(float(score), 4) for score in scores]


def main() -> None:
    """Measure and write the card."""
    if data_dir() is None:
        raise SystemExit("set COURSE_DATA to the folder that holds camvid/")
    card = squares_card(CamVid(data_dir() / "camvid", "test"))
    text = json.dumps(card, indent=1) + "\n"
    write_whole(results_dir() / f"{NAME}.json", text.encode())
    for row in card["squares"]:
        print(row["side"], row["mean_iou"], row["class_iou"], row["pole_iou_by_width"])


if __name__ == "__main__":
    main()
