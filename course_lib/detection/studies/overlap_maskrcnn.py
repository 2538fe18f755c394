"""Chapter 13's curve on photographs: who is found, by how much the neighbour overlaps.

``python -m course_lib curve overlap_maskrcnn --keep`` reads the people of Penn-Fudan's
test pictures and the Mask R-CNN that ``train-detector --model maskrcnn --dataset
penn_fudan --name penn_fudan_maskrcnn`` left in ``runs``.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.transforms.v2.functional import to_dtype

from course_lib.data.readers.penn_fudan import PennFudan
from course_lib.data.world import penn_fudan_dir
from course_lib.detection.boxes import box_iou
from course_lib.detection.components import class_map_of, components
from course_lib.detection.darknet.detector import load_detector
from course_lib.detection.models import open_detector
from course_lib.paths import data_dir

RUN = Path("runs/penn_fudan_maskrcnn/penn_fudan_maskrcnn.safetensors")
EDGES = (1e-9, 0.1)  # between the groups: alone, a little, more
YOLO, PERSON = "yolo-fastest-1.1-xl", 1
PERFECT, OLD, NEW = "perfect class map, pieces", YOLO, "Mask R-CNN"
DRAWS = 500


def measure(seeds: Sequence[int], count: int = 50) -> dict:
    """The card: the share of people found, method by method.

    Args:
        seeds: of the draws of pictures; the first counts. The nets are one of each.
        count: not used: all 50 test pictures.
    """
    pictures = PennFudan(penn_fudan_dir(), split="test")
    nets = {OLD: yolo(), NEW: open_detector(RUN)[0]}
    overlap = [neighbour_iou(pictures[i][1]["boxes"]) for i in range(len(pictures))]
    group = [np.searchsorted(EDGES, each) for each in overlap]
    found = found_people(pictures, nets)
    every = np.concatenate(overlap)
    where = np.concatenate(group)
    return {
        "name": "curve_penn_fudan_overlap_maskrcnn",
        "dataset": "penn_fudan",
        "split": "test",
        "num_pictures": len(pictures),
        "resolution": "as the pictures are",
        "dial": "overlap with the nearest neighbour",
        "unit": "mean box IoU of the group",
        "values": [round(float(every[where == k].mean()), 3) for k in range(3)],
        "people": np.bincount(where).tolist(),
        "score": "share of the people found",
        "bars": f"the middle two thirds of {DRAWS} draws of pictures",
        "methods": {k: shares(each, group, seeds[0]) for k, each in found.items()},
        "recipe": {"boxes kept": "the best, as many as there are people",
                   "found": "box IoU of 0.5 or more", "net": RUN.stem},
    }  # fmt: skip


def yolo() -> nn.Module:
    """The COCO detector as it is, at 320, stretched."""
    folder = (data_dir() or Path()) / "darknet" / "weights"
    return load_detector(
        folder / f"{YOLO}.cfg", folder / f"{YOLO}.weights", size=320, resize="stretch",
        score_threshold=0.01, nms_threshold=0.5,
    )  # fmt: skip


def neighbour_iou(boxes: Tensor) -> np.ndarray:
    """(N,) IoU of every box (N, 4) with the other that overlaps it most."""
    overlap = box_iou(boxes.as_subclass(Tensor), boxes.as_subclass(Tensor))
    return overlap.fill_diagonal_(0).amax(dim=1).numpy()


@torch.no_grad()
def found_people(pictures, nets: dict[str, nn.Module]) -> dict[str, list[np.ndarray]]:
    """For every method and picture, which of its people are found."""
    truth, rows = [], {name: [] for name in (PERFECT, *nets)}
    for i in range(len(pictures)):
        image, target = pictures[i]
        truth.append(target["boxes"].as_subclass(Tensor))
        perfect, _ = class_map_of(target["masks"], target["labels"])
        rows[PERFECT].append(components(perfect))
        for name, net in nets.items():
            (found,) = net([to_dtype(image, torch.float32, scale=True)])
            person = found["labels"] == PERSON
            rows[name].append({k: found[k][person] for k in ("boxes", "scores")})
    people = sum(map(len, truth))
    return {name: matched(each, truth, people) for name, each in rows.items()}


def matched(
    predictions: list[dict], truth: list[Tensor], keep: int
) -> list[np.ndarray]:
    """Which boxes of every picture the best ``keep`` predictions find, each once."""
    scores = torch.cat([each["scores"] for each in predictions])
    least = scores.sort(descending=True).values[: max(1, keep)][-1:]
    found = []
    for each, boxes in zip(predictions, truth, strict=True):
        best = each["scores"].argsort(descending=True)
        best = best[each["scores"][best] >= least]
        free = box_iou(each["boxes"][best], boxes)  # (K, N)
        hit = np.zeros(len(boxes), bool)
        for row in free:
            row[torch.from_numpy(hit)] = 0  # those are taken
            if row.max() >= 0.5:
                hit[row.argmax()] = True
        found.append(hit)
    return found


def shares(
    found: list[np.ndarray], group: list[np.ndarray], seed: int
) -> dict[str, list[float]]:
    """Share found in each group: measured, and the ends of the middle of the draws."""
    rng = np.random.default_rng(seed)
    draws = [rng.integers(len(found), size=len(found)) for _ in range(DRAWS)]
    table = np.array([_share(found, group, rows) for rows in draws])  # (DRAWS, 3)
    low, high = np.nanquantile(table, (1 / 6, 5 / 6), axis=0)
    measured = _share(found, group, range(len(found)))
    named = {"low": low, "measured": measured, "high": high}
    return {k: np.round(v, 4).tolist() for k, v in named.items()}


def _share(found, group, rows) -> np.ndarray:
    hit = np.concatenate([found[i] for i in rows])
    where = np.concatenate([group[i] for i in rows])
    all_of = np.bincount(where, minlength=3)
    return np.bincount(where, weights=hit, minlength=3) / np.where(
        all_of, all_of, np.nan
    )
