"""The difficulty card: how hard the harbour is, so that it never grows easier unseen.

``python -m course_lib.data.harbour.difficulty`` measures it anew and writes
``chapters/results/difficulty_harbour.json``.
"""

import json

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.data.classes import HARBOUR, VOID
from course_lib.data.harbour.dataset import Harbour
from course_lib.data.harbour.paint import DRAW
from course_lib.data.harbour.pen import BOAT, FINE, Pen
from course_lib.metrics import ConfusionMatrix
from course_lib.paths import results_dir

CARD = "difficulty_harbour.json"
COMMAND = "python -m course_lib.data.harbour.difficulty"
STEPS, BATCH, PICTURES = 80, 8, 50  # of the tiny net, and the pictures it is tested on
BAND = 0.05  # its mean IoU moves this much between processors and versions


def full_areas(dataset: Harbour, i: int) -> dict[int, int]:
    """Pixels of every instance of picture ``i`` if nothing stood in front of it."""
    areas = {}
    for thing in dataset.plan(i)[1]:
        pen = Pen(dataset.size)
        pen.paint((0, 0, 0), 0)
        DRAW[thing.kind](pen, thing)
        numbers = np.asarray(pen.canvas)[::FINE, ::FINE]
        areas[thing.instance] = int(np.count_nonzero(numbers))
    return areas


def hidden_shares(dataset: Harbour, i: int) -> np.ndarray:
    """Share of each visible instance that others hide, (N,) in [0, 1)."""
    scene, full = dataset.scene(i), full_areas(dataset, i)
    seen = np.bincount(scene.instance_map.ravel())[scene.ids]
    return 1 - seen / np.array([full[k] for k in scene.ids.tolist()])


def measure(dataset: Harbour) -> dict:
    """Class shares, and objects a picture, sizes and occlusion of each class.

    Shares are of all pixels, void among them; sizes are visible pixels; hidden is
    the mean share of an instance that others cover.
    """
    pixels, objects = np.zeros(256, np.int64), []  # (label, area, height, hidden)
    for i in range(len(dataset)):
        scene = dataset.scene(i)
        pixels += np.bincount(scene.class_map.ravel(), minlength=256)
        area = np.bincount(scene.instance_map.ravel())[scene.ids]
        height = scene.boxes[:, 3] - scene.boxes[:, 1]
        rows = (scene.labels, area, height, hidden_shares(dataset, i))
        objects.append(np.stack(rows, axis=1))
    table, shares = np.concatenate(objects), pixels / pixels.sum()
    return {
        "class_share": {
            name: round(float(shares[k]), 5) for k, name in enumerate(HARBOUR.names)
        },
        "void_share": round(float(shares[VOID]), 5),
        "objects": {
            HARBOUR.names[k]: summary(table[table[:, 0] == k], len(dataset))
            for k in range(BOAT, HARBOUR.num_classes)
        },
    }


def summary(rows: np.ndarray, pictures: int) -> dict:
    """Number a picture, median area and height, mean hidden share of some objects."""
    return {
        "per_picture": round(len(rows) / pictures, 3),
        "median_area_px": float(np.median(rows[:, 1])),
        "median_height_px": float(np.median(rows[:, 2])),
        "mean_hidden": round(float(rows[:, 3].mean()), 4),
    }


class TinyNet(nn.Module):
    """Two strided convolutions, two dilated ones, and skips back to full size."""

    def __init__(self, num_classes: int = HARBOUR.num_classes):
        super().__init__()
        self.one = nn.Conv2d(3, 16, 3, 1, 1)
        self.two = nn.Conv2d(16, 24, 3, 2, 1)
        self.three = nn.Conv2d(24, 48, 3, 2, 1)
        self.wide = nn.Conv2d(48, 48, 3, 1, 2, dilation=2)
        self.wider = nn.Conv2d(48, 48, 3, 1, 4, dilation=4)
        self.back = nn.Conv2d(48 + 24, 32, 3, 1, 1)
        self.score = nn.Conv2d(32 + 16, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> logits (B, C, H, W); H and W divisible by 4."""
        one = F.relu(self.one(x - 0.5))
        two = F.relu(self.two(one))
        three = F.relu(self.three(two))
        three = three + F.relu(self.wide(three))
        three = three + F.relu(self.wider(three))
        up = F.interpolate(three, scale_factor=2, mode="bilinear")
        up = F.relu(self.back(torch.cat([up, two], dim=1)))
        up = F.interpolate(up, scale_factor=2, mode="bilinear")
        return self.score(torch.cat([up, one], dim=1))


def batch(dataset: Harbour, first: int) -> tuple[Tensor, Tensor]:
    """Pictures (B, 3, H, W) in [0, 1] and labels (B, H, W)."""
    pairs = [dataset[i] for i in range(first, first + BATCH)]
    images = torch.stack([image for image, _ in pairs]).float() / 255
    return images, torch.stack([mask for _, mask in pairs])


def tiny_score(**dials) -> dict:
    """Mean IoU and pixel accuracy of the tiny net, trained anew on the train split."""
    torch.manual_seed(0)
    net, train = TinyNet(), Harbour("train", count=STEPS * BATCH, **dials)
    optimiser = torch.optim.AdamW(net.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 8e-3, STEPS)
    for step in range(STEPS):
        images, labels = batch(train, step * BATCH)
        loss = F.cross_entropy(net(images), labels, ignore_index=VOID)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    scores = ConfusionMatrix(HARBOUR.num_classes)
    with torch.no_grad():
        for image, mask in Harbour("test", count=PICTURES, **dials):
            scores.update(mask, net(image[None].float() / 255).argmax(1)[0])
    found = scores.scores()
    return {
        "mean_iou": round(float(found.mean_iou), 4),
        "pixel_accuracy": round(float(found.pixel_accuracy), 4),
        "class_iou": [round(float(value), 4) for value in found.class_iou],
    }


def card() -> dict:
    """The whole card, measured anew; the first part is exact, the net's within BAND."""
    test = Harbour("test")
    recipe = f"AdamW, {STEPS} steps of {BATCH}, tested on {PICTURES} test pictures"
    return {
        "name": "difficulty_harbour",
        "dataset": "harbour",
        "split": "test",
        "num_pictures": len(test),
        "resolution": list(test.size),
        "command": COMMAND,
        **measure(test),
        "tiny_net": {"recipe": recipe, "band": BAND, **tiny_score()},
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    path = results_dir() / CARD
    path.write_text(json.dumps(card(), indent=1) + "\n", encoding="utf-8")
    print(path.name)
