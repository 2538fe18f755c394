"""The curve of chapter 12 on photographs: recall of real nets by the size of a thing.

No net runs: it reads the kept results of three Darknet nets on 120 pictures of COCO.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from course_lib.detection.boxes import box_iou, xywh_to_xyxy
from course_lib.detection.darknet.cfg import parse_cfg
from course_lib.errors import InputError
from course_lib.paths import data_dir

NETS = ("yolo-fastest-1.1", "yolo-fastest-1.1-xl", "mobilenetv2-yolov3-nano-coco")
INPUT = 320  # px, the side of the nets' input
EDGES = (0, 12, 24, 48, 96, 192, INPUT)  # of the sizes, px of the input
VALUES = (8, 18, 36, 72, 144, 256)  # the middles, for the axis


def measure(seeds: Sequence[int], count: int) -> dict:
    """The curve's card; ``seeds`` and ``count`` are not used, nothing is drawn."""
    folder = data_dir()
    if folder is None:
        raise InputError("set COURSE_DATA to the folder that holds coco128/, darknet/")
    truth = json.loads(
        (folder / "coco128" / "annotations" / "instances_train2017.json").read_text()
    )
    kept = folder / "darknet" / "reference"
    scored = json.loads((kept / "coco128_ap_pycocotools.json").read_text())["image_ids"]
    things = [a for a in truth["annotations"]
              if a["image_id"] in set(scored) and not a["iscrowd"]]  # fmt: skip
    sides = sizes(things, truth["images"])  # (N, 2) w, h px of the input
    bins = torch.bucketize(sides.prod(dim=1).sqrt(), torch.tensor(EDGES[1:-1]))
    curves, reachable = {}, {}
    for net in NETS:
        results = json.loads((kept / f"coco128_results_{net}_320.json").read_text())
        curves[net] = {"0": by_bin(found(things, results), bins)}
        fits = shape_iou(sides, anchors_of(folder / "darknet/weights" / f"{net}.cfg"))
        reachable[net] = by_bin(fits.amax(dim=1) >= 0.5, bins)
    return {
        "name": "curve_coco128_size_anchors",
        "dataset": "coco128",
        "split": "train2017, 120 pictures",
        "num_pictures": len(scored),
        "resolution": [INPUT, INPUT],
        "dial": "size of the thing",
        "unit": "px of a 320 px input",
        "values": list(VALUES),
        "edges": list(EDGES),
        "things": torch.bincount(bins, minlength=len(VALUES)).tolist(),
        "score": "recall at an IoU of 0.5",
        "methods": curves,
        "reachable": reachable,
        "seeds": [0],
    }


def sizes(things: list[dict], images: list[dict]) -> Tensor:
    """Width and height of every thing when its picture is stretched to the input."""
    shapes = {image["id"]: (image["width"], image["height"]) for image in images}
    sides = torch.tensor([thing["bbox"][2:] for thing in things])
    return INPUT * sides / torch.tensor([shapes[t["image_id"]] for t in things])


def found(things: list[dict], results: list[dict]) -> Tensor:
    """Whether a result of its class overlaps a thing by half: (N,) bool."""
    places = {}
    for row in results:
        key = row["image_id"], row["category_id"]
        places.setdefault(key, []).append(row["bbox"])
    hits = []
    for thing in things:
        boxes = places.get((thing["image_id"], thing["category_id"]), [])
        boxes = xywh_to_xyxy(torch.tensor(boxes).reshape(-1, 4))
        own = xywh_to_xyxy(torch.tensor([thing["bbox"]]))
        hits.append(bool((box_iou(boxes, own) >= 0.5).any()))
    return torch.tensor(hits)


def anchors_of(cfg: Path) -> Tensor:
    """The anchors of a net, (A, 2) width and height in pixels of its input."""
    heads = [section for section in parse_cfg(cfg) if section.kind == "yolo"]
    return torch.tensor(heads[0].numbers("anchors", 1, 10_000)).view(-1, 2).float()


def shape_iou(sides: Tensor, anchors: Tensor) -> Tensor:
    """IoU of shapes with one common centre, (N, 2) and (A, 2) -> (N, A)."""
    shared = torch.minimum(sides[:, None], anchors).prod(dim=-1)
    return shared / (sides.prod(dim=1)[:, None] + anchors.prod(dim=1) - shared)


def by_bin(hits: Tensor, bins: Tensor) -> list[float]:
    """Share of hits in every bin."""
    places = range(len(VALUES))
    return [round(hits[bins == i].float().mean().item(), 4) for i in places]
