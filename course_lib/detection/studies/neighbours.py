"""Chapter 13's failure curves: things that touch, and things that hide each other.

A class map cannot say where one boat ends and the next begins. How much that costs is
measured on the two kinds of things that stand in rows, boats and people, while the
gaps between them close and while they slide over each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import nn
from torchvision.transforms.v2.functional import to_dtype

from course_lib.data.harbour import THINGS, HarbourThings
from course_lib.detection.average_precision import evaluate
from course_lib.detection.coco_format import instances, to_results
from course_lib.detection.components import class_map_of, components
from course_lib.detection.models import open_detector
from course_lib.paths import weights_dir

SHIPPED = "maskrcnn_harbour"
ROWS = tuple(THINGS.names.index(name) for name in ("boat", "person"))
VALUES = (0.0, 0.25, 0.5, 0.75, 1.0)
SURE = 0.5  # score from which a thing is painted into a class map
PERFECT = "perfect class map, pieces"
PIECES = "its class map, pieces"
BOXES = "its boxes, filled"
NEW = "Mask R-CNN"


@dataclass(frozen=True)
class Neighbours:
    """A study: ``python -m course_lib curve contact_maskrcnn`` or its twin.

    Taught in chapters/13_mask_rcnn_finetuning.
    """

    dial: str
    fixed: dict = field(default_factory=dict)  # the other dials

    def measure(self, seeds: Sequence[int], count: int = 200) -> dict:
        """The card: mask AP50 of three sets of test pictures, method by method.

        Args:
            seeds: not used: the net is the shipped one, the bars are sets of pictures.
            count: test pictures, parted in three.
        """
        detector, _ = open_detector(weights_dir() / f"{SHIPPED}.safetensors")
        sets = [range(k * count // 3, (k + 1) * count // 3) for k in range(3)]
        methods = {}
        for value in VALUES:
            dials = {**self.fixed, self.dial: value}
            pictures = HarbourThings("test", count, void=0, **dials)
            for k, rows in enumerate(sets):
                for name, score in scores_of(detector, pictures, rows).items():
                    by_set = methods.setdefault(name, {}).setdefault(str(k), [])
                    by_set.append(round(score, 4))
        return {
            "name": f"curve_harbour_{self.dial}_maskrcnn",
            "dataset": "harbour",
            "split": "test",
            "num_pictures": count,
            "resolution": [192, 256],
            "dial": self.dial,
            "unit": "",
            "values": list(VALUES),
            "score": "mask AP50 of boats and people",
            "bars": "3 sets of pictures",
            "methods": methods,
            "recipe": {
                "net": SHIPPED,
                "trained at": {"contact": 0.3, "occlusion": 0.2},
                "fixed dials": {"void": 0, **self.fixed},
                "painted from score": SURE,
            },
        }


contact = Neighbours("contact", {"occlusion": 0.0})
occlusion = Neighbours("occlusion", {"contact": 1.0})


@torch.no_grad()
def scores_of(detector: nn.Module, dataset, rows: Sequence[int]) -> dict[str, float]:
    """Mask AP50 of boats and people on some pictures, for every method."""
    truth, results = [], {}
    for i in rows:
        image, target = dataset[i]
        target = only(target, target["labels"])
        truth.append((tuple(image.shape[-2:]), target))
        found = detector([to_dtype(image, torch.float32, scale=True)])[0]
        found = only(found, found["labels"])
        for name, prediction in methods_of(target, found).items():
            each = to_results([prediction], [i], "segm")
            results.setdefault(name, []).extend(each)
    names = [name if k == 0 or k in ROWS else f"({name})"
             for k, name in enumerate(THINGS.names)]  # fmt: skip
    truth = instances(truth, names)
    return {name: evaluate(truth, each, "segm").ap50 for name, each in results.items()}


def only(rows: dict, labels: torch.Tensor) -> dict:
    """What stands in rows: boats and people."""
    kept = torch.isin(labels, torch.tensor(ROWS))
    return {key: value[kept] if torch.is_tensor(value) else value
            for key, value in rows.items()}  # fmt: skip


def methods_of(target: dict, found: dict) -> dict[str, dict]:
    """The predictions that the methods make of one picture."""
    clear = found["scores"] >= SURE
    sure = {key: found[key][clear] for key in ("masks", "labels", "scores")}
    perfect, _ = class_map_of(target["masks"], target["labels"])
    painted = class_map_of(sure["masks"][:, 0], sure["labels"], sure["scores"])
    return {
        PERFECT: components(perfect),
        PIECES: components(*painted),
        BOXES: found | {"masks": filled(found["boxes"], found["masks"])},
        NEW: found,
    }


def filled(boxes: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Boxes (N, 4) as masks of the shape of ``like``, (N, 1, H, W)."""
    height, width = like.shape[-2:]
    y, x = torch.arange(height) + 0.5, torch.arange(width) + 0.5
    x1, y1, x2, y2 = boxes.T[..., None]  # (N, 1) each
    across, down = (x >= x1) & (x <= x2), (y >= y1) & (y <= y2)
    return (down[:, :, None] & across[:, None, :])[:, None].float()
