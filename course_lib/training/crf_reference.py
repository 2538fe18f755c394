"""What the textbook parameters of a dense CRF changed, in kept cases of pydensecrf."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def reference_card(folder: Path) -> dict:
    """What the textbook parameters changed in the kept cases of pydensecrf."""
    cases = {}
    for path in sorted(folder.glob("*.npz")):
        kept = np.load(path)
        p = torch.from_numpy(kept["probabilities"]).float()
        p, truth = p / p.sum(dim=0), torch.from_numpy(kept["truth"]).long()
        after = torch.from_numpy(kept["labels"]).long()
        cases[path.stem] = _what_changed(p, truth, after) | {
            name: kept[name].item()
            for name in ("g_sxy", "g_compat", "b_sxy", "b_srgb", "b_compat")
        }
    return {"name": "crf_reference", "dataset": "reference/crf", "cases": cases}


def _what_changed(p: Tensor, truth: Tensor, after: Tensor) -> dict:
    """Accuracy before and after; whom the changes helped; how sure the net was."""
    before, counts = p.argmax(dim=0), truth < len(p)
    fixed = counts & (before != truth) & (after == truth)
    broken = counts & (before == truth) & (after != truth)
    cost = -p.clamp(1e-8).log()
    price = (cost.gather(0, after[None]) - cost.gather(0, before[None]))[0]
    largest = truth == truth[counts].bincount().argmax()
    gain = counts * ((after == truth).int() - (before == truth).int())  # (H, W)
    return {
        "accuracy_before": (before == truth)[counts].float().mean().item(),
        "accuracy_after": (after == truth)[counts].float().mean().item(),
        "pixels_fixed": int(fixed.sum()),
        "pixels_broken": int(broken.sum()),
        "median_cost_of_broken": price[broken].median().item(),
        "pixels_gained_by_largest_class": int(gain[largest].sum()),
        "pixels_gained_by_the_others": int(gain[~largest].sum()),
        "accuracy_by_width": {
            name: [
                (x == truth)[where & counts].float().mean().item()
                for x in (before, after)
            ]
            for name, where in widths(truth, len(p)).items()
        },
        "void_share": 1 - counts.float().mean().item(),
    }


def widths(labels: Tensor, num_classes: int) -> dict[str, Tensor]:
    """Where a class is under 5 px wide, under 33 px, or wider: (H, W) bool each."""
    ids = torch.arange(num_classes)[:, None, None]
    regions = (labels == ids).float()[:, None]  # (C, 1, H, W)
    wider = []  # (H, W) bool: a square of this side fits there
    for side in (5, 33):
        inner = -F.max_pool2d(-regions, side, 1, side // 2)
        wider.append(
            (regions * F.max_pool2d(inner, side, 1, side // 2)).sum((0, 1)) > 0
        )
    thin, broad = ~wider[0], wider[1]
    return {"under 5 px": thin, "5 to 32 px": ~thin & ~broad, "33 px or more": broad}
