"""A small R-CNN: propose boxes, cut each out, ask a classifier.

Girshick et al., Rich Feature Hierarchies, CVPR 2014. Taught in
chapters/12_boxes_anchors_ap.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import roi_align

from course_lib.data.transforms import normalise
from course_lib.detection.anchor_detector import SPREAD, final_boxes
from course_lib.detection.anchors import decode, encode, match
from course_lib.detection.boxes import box_iou
from course_lib.detection.selective_search import selective_search


def crops(image: Tensor, boxes: Tensor, side: int = 32) -> Tensor:
    """Cut boxes out and warp each to a square, (3, H, W) -> (N, 3, side, side).

    Boxes (N, 4) are xyxy in pixels; sampled bilinearly, as ``roi_align`` does.
    """
    return roi_align(image[None], [boxes], side, aligned=True)


class RegionCNN(nn.Module):
    """A detector that looks at one proposed box after the other.

    Args:
        num_classes: of things; labels are 1 to ``num_classes``.
        propose: picture (3, H, W) in 0 to 1 -> boxes (N, 4) xyxy in pixels.
        side: pixels of a warped crop.
        width: channels of the first layer.
        sample: boxes of a picture that training looks at, a quarter of them on things.

    As the paper, but the classifier and the box regression share one net and are
    trained together. Taught in chapters/12_boxes_anchors_ap.
    """

    def __init__(
        self,
        num_classes: int,
        propose: Callable[[Tensor], Tensor] = selective_search,
        side: int = 32,
        width: int = 16,
        sample: int = 64,
    ):
        super().__init__()
        self.propose, self.side, self.sample = propose, side, sample
        self.features = nn.Sequential(
            *conv(3, width),
            *conv(width, 2 * width),
            *conv(2 * width, 4 * width),
            nn.Flatten(),
            nn.Linear(4 * width * (side // 8) ** 2, 8 * width),
            nn.ReLU(),
        )
        self.score = nn.Linear(8 * width, num_classes + 1)
        self.move = nn.Linear(8 * width, 4)

    def classify(self, crops: Tensor) -> Tensor:
        """(N, 3, side, side) in 0 to 1 -> logits (N, C + 1)."""
        return self.score(self.features(normalise(crops)))

    def forward(self, images: list[Tensor], targets: list[dict] | None = None):
        """Losses in training, boxes, labels and scores in evaluation.

        Args and results are those of ``AnchorDetector.forward``; a target may bring
        its ``proposals`` (N, 4), so that they are searched only once.
        """
        if self.training:
            pairs = zip(images, targets, strict=True)
            classes, boxes = zip(*(self.losses(*pair) for pair in pairs), strict=True)
            return {"classes": torch.stack(classes).mean(),
                    "boxes": torch.stack(boxes).mean()}  # fmt: skip
        return [self.detect(image) for image in images]

    def detect(self, image: Tensor) -> dict[str, Tensor]:
        """Propose, cut out, ask, move, suppress."""
        boxes = self.propose(image).to(image.device)
        features = self.features(normalise(crops(image, boxes, self.side)))
        moved = decode(self.move(features) * SPREAD.to(image), boxes)
        return final_boxes(self.score(features).softmax(-1), moved, image.shape)

    def losses(self, image: Tensor, target: dict) -> tuple[Tensor, Tensor]:
        """Of a picture: mean cross-entropy of the sample, mean loss of its boxes."""
        truths = target["boxes"].as_subclass(Tensor)
        proposals = target.get("proposals")
        proposals = self.propose(image) if proposals is None else proposals
        proposals = torch.cat([proposals.to(truths), truths])
        found = match(box_iou(proposals, truths), 0.5, 0.3)
        chosen = torch.cat([some(found >= 0, self.sample // 4),
                            some(found == -1, 3 * self.sample // 4)])  # fmt: skip
        boxes, found = proposals[chosen], found[chosen]
        on_thing = found >= 0
        labels = torch.zeros_like(found)
        labels[on_thing] = target["labels"][found[on_thing]]
        features = self.features(normalise(crops(image, boxes, self.side)))
        classes = F.cross_entropy(self.score(features), labels)
        wanted = encode(truths[found[on_thing]], boxes[on_thing])
        wanted = wanted / SPREAD.to(image)
        moves = F.smooth_l1_loss(self.move(features[on_thing]), wanted, reduction="sum")
        return classes, moves / max(1, len(wanted))


def conv(channels: int, out: int) -> list[nn.Module]:
    """A 3x3 convolution of stride 2, batch norm and ReLU."""
    layer = nn.Conv2d(channels, out, 3, 2, padding=1, bias=False)
    return [layer, nn.BatchNorm2d(out), nn.ReLU(inplace=True)]


def some(which: Tensor, count: int) -> Tensor:
    """At most ``count`` indices where ``which`` (N,) is true, drawn at random."""
    places = which.nonzero()[:, 0]
    return places[torch.randperm(len(places), device=places.device)[:count]]
