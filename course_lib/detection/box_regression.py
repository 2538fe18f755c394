"""Box regression: a net that answers with four numbers.

A frozen backbone, and on it two heads: where the thing is, and what it is. Taught in
chapters/12_boxes_anchors_ap.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.transforms.v2.functional import to_dtype

from course_lib.data.harbour import HarbourThings
from course_lib.data.transforms import normalise
from course_lib.detection.boxes import cxcywh_to_xyxy, paired_iou, xyxy_to_cxcywh

KINDS, SCENERY = ("boat", "car", "person"), ("building", "lighthouse", "bush")


class TwoHeads(nn.Module):
    """One box and one word for a picture.

    A 1x1 convolution says in which cells to look; a softmax over the cells makes
    shares of that. The box head begins from the mean place, by these shares, and
    moves it; it and the class head see the mean of the features, by the same shares.

    Args:
        backbone: images (B, 3, H, W) -> list of maps; its weights stay as they are.
        channels: of the last map.
        num_classes: of things.

    Taught in chapters/12_boxes_anchors_ap.
    """

    def __init__(self, backbone: nn.Module, channels: int, num_classes: int):
        super().__init__()
        self.backbone = backbone.eval().requires_grad_(False)
        self.norm, self.where = nn.BatchNorm2d(channels), nn.Conv2d(channels, 1, 1)
        self.box = nn.Linear(channels, 4)
        self.score = nn.Linear(channels, num_classes)

    def train(self, mode: bool = True) -> "TwoHeads":
        """Train the heads; the backbone keeps its batch norm statistics."""
        super().train(mode)
        self.backbone.eval()
        return self

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in 0 to 1 -> (B, C, h, w); they never change: keep them."""
        return self.backbone(normalise(images))[-1]

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes (B, 4) cxcywh in 0 to 1 of the picture, and logits (B, K)."""
        x = self.norm(features)
        shares = self.where(x).flatten(1).softmax(dim=1)  # (B, h * w)
        seen = torch.einsum("bn,bcn->bc", shares, x.flatten(2))  # (B, C)
        height, width = x.shape[-2:]
        rows, columns = ((torch.arange(n) + 0.5) / n for n in (height, width))
        places = torch.cartesian_prod(rows, columns).flip(-1)  # (h * w, 2) x, y
        move, size = self.box(seen).split(2, dim=1)
        centre = shares @ places.to(x) + 0.1 * move.tanh()
        return torch.cat([centre, size.sigmoid()], dim=1), self.score(seen)

    def losses(self, features: Tensor, boxes: Tensor, labels: Tensor) -> dict:
        """1 - GIoU and L1 of boxes (B, 4) cxcywh in 0-1, entropy of labels 1 to K."""
        answers, logits = self.heads(features)
        overlap = paired_iou(cxcywh_to_xyxy(answers), cxcywh_to_xyxy(boxes), "giou")
        return {
            "overlap": 1 - overlap.mean(),
            "distance": 5 * F.l1_loss(answers, boxes),
            "class": F.cross_entropy(logits, labels - 1),
        }

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) in 0 to 1 -> boxes (B, 4) xyxy in pixels, logits (B, C)."""
        boxes, logits = self.heads(self.features(images))
        height, width = images.shape[-2:]
        size = boxes.new_tensor([width, height, width, height])
        return cxcywh_to_xyxy(boxes) * size, logits


class FewThings(HarbourThings):
    """The harbour with its houses and bushes, and only a few things in it.

    Args:
        split, count: as ``HarbourThings``.
        things: so many boats, cars and people in a picture, of kinds drawn at random.

    Some are hidden by a house; ``examples`` leaves those pictures out. Taught in
    chapters/12_boxes_anchors_ap.
    """

    def __init__(self, split: str = "train", count: int | None = None, things: int = 1):
        super().__init__(split, count, (96, 128), thin=2)
        self.things = things

    def plan(self, i: int, time: float = 0.0):
        """What stands where, most of it taken away."""
        land, all_things = super().plan(i, time)
        chance, width = np.random.default_rng([i, self.things]), self.size[1]
        chosen = set()
        for kind in chance.choice(KINDS, self.things):
            there = [t.instance for t in all_things
                     if t.kind == kind and 0.1 < t.x / width < 0.9]  # fmt: skip
            chosen |= set(chance.choice(there, min(1, len(there))).tolist())
        return land, [t for t in all_things
                      if t.kind in SCENERY or t.instance in chosen]  # fmt: skip


def examples(dataset: FewThings) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures (B, 3, H, W) in 0 to 1, boxes (B, n, 4) cxcywh in 0 to 1, labels (B, n).

    Of all pictures in which the n things can be seen, each 4 px wide or more.
    """
    height, width = dataset.size
    whole, kept = torch.tensor([width, height, width, height]), []
    for i in range(len(dataset)):
        image, target = dataset[i]
        boxes = xyxy_to_cxcywh(target["boxes"].as_subclass(Tensor))
        if len(boxes) == dataset.things and boxes[:, 2:].min() >= 4:
            pixels = to_dtype(image, scale=True).as_subclass(Tensor)
            kept.append((pixels, boxes / whole, target["labels"]))
    return tuple(torch.stack(part) for part in zip(*kept, strict=True))
