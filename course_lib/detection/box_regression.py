"""Box regression: a net that answers with four numbers.

A frozen backbone, and on it two heads: where the thing is, and what it is. Taught in
chapters/12_boxes_anchors_ap.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision.transforms.v2.functional import to_dtype

from course_lib.data.transforms import normalise
from course_lib.detection.box_crop import RandomBoxCrop, keep_objects
from course_lib.detection.boxes import cxcywh_to_xyxy, xyxy_to_cxcywh


class TwoHeads(nn.Module):
    """One box and one word for a picture.

    Args:
        backbone: images (B, 3, H, W) -> list of maps; its weights stay as they are.
        channels: of the last map.
        num_classes: of things.
        cells: the last map is averaged to so many cells on a side, so that the heads
            know where; global pooling (1) would not.

    Taught in chapters/12_boxes_anchors_ap.
    """

    def __init__(
        self, backbone: nn.Module, channels: int, num_classes: int, cells: int = 6
    ):
        super().__init__()
        self.backbone, self.cells = backbone.eval().requires_grad_(False), cells
        inside = channels * cells**2
        self.box = nn.Sequential(
            nn.Linear(inside, 64), nn.ReLU(), nn.Linear(64, 4), nn.Sigmoid()
        )
        self.score = nn.Sequential(
            nn.Linear(inside, 64), nn.ReLU(), nn.Linear(64, num_classes)
        )

    def train(self, mode: bool = True) -> "TwoHeads":
        """Train the heads; the backbone keeps its batch norm statistics."""
        super().train(mode)
        self.backbone.eval()
        return self

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in 0 to 1 -> (B, channels * cells²); never changes: keep it."""
        with torch.no_grad():
            maps = self.backbone(normalise(images))[-1]
            return F.adaptive_avg_pool2d(maps, self.cells).flatten(1)

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes (B, 4) cxcywh in 0 to 1 of the picture, and logits (B, C)."""
        return self.box(features), self.score(features)

    def losses(self, features: Tensor, boxes: Tensor, labels: Tensor) -> dict:
        """Smooth L1 of boxes (B, 4) cxcywh in 0-1, cross-entropy of labels 1 to C."""
        moved, logits = self.heads(features)
        return {
            "box": F.smooth_l1_loss(moved, boxes, beta=0.1),
            "class": F.cross_entropy(logits, labels - 1),
        }

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) in 0 to 1 -> boxes (B, 4) xyxy in pixels, logits (B, C)."""
        boxes, logits = self.heads(self.features(images))
        height, width = images.shape[-2:]
        size = boxes.new_tensor([width, height, width, height])
        return cxcywh_to_xyxy(boxes) * size, logits


def closeups(
    dataset: Dataset,
    labels: Sequence[int],
    things: int = 1,
    size: tuple[int, int] = (48, 64),
    tries: int = 8,
) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Windows of pictures that show just ``things`` things of the wanted kinds.

    Args:
        dataset: of (image uint8 (3, H, W), target).
        labels: of the things that count; others may be in the window, too.
        things: in a window.
        size: (H, W) of the window, pixels.
        tries: windows drawn at random from every picture.

    Returns:
        (image (3, H, W) float in 0 to 1, boxes (things, 4) cxcywh in 0 to 1 of the
        window, labels (things,)) of every window that fits.

    Taught in chapters/12_boxes_anchors_ap.
    """
    crop, wanted, found = RandomBoxCrop(size, share=0.6), torch.tensor(labels), []
    whole = torch.tensor([size[1], size[0], size[1], size[0]])
    for i in range(len(dataset)):
        image, target = dataset[i]
        target = {"boxes": target["boxes"], "labels": target["labels"]}
        for _ in range(tries):
            window, inside = crop(image, target)
            inside = keep_objects(inside, torch.isin(inside["labels"], wanted))
            if len(inside["labels"]) == things:
                boxes = xyxy_to_cxcywh(inside["boxes"].as_subclass(Tensor)) / whole
                found.append(
                    (
                        to_dtype(window, scale=True).as_subclass(Tensor),
                        boxes,
                        inside["labels"],
                    )
                )
    return found
