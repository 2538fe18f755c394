"""A small anchor detector: one map, and in each of its cells a few boxes.

A ResNet's maps are added up at one stride, as the skips of chapter 03 are, and one
head says for every anchor what it is and how it must move. Taught in
chapters/12_boxes_anchors_ap.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import batched_nms, clip_boxes_to_image

from course_lib.data.transforms import normalise
from course_lib.detection.anchors import anchor_grid, decode, encode, match
from course_lib.detection.boxes import box_iou
from course_lib.models.resnet import resnet

SPREAD = torch.tensor([0.1, 0.1, 0.2, 0.2])  # of the offsets, as in SSD and R-CNN


class AnchorDetector(nn.Module):
    """A detector on one map of anchors.

    Args:
        num_classes: of things; labels are 1 to ``num_classes``.
        sizes: of the anchors, roots of their areas in pixels.
        ratios: of the anchors, height over width.
        width: channels of the ResNet-18's first stage.
        stride: of the map, 4 or 8 px.
        positive, negative: IoU from which an anchor learns a box, and below which it
            is background; see ``match``.
        keep_best: whether a box that no anchor meets so well takes its best ones.

    Redmon and others ask one net for all boxes at once; the losses are those of
    Liu et al., SSD, ECCV 2016, section 2.2, with their mining of hard negatives.
    Taught in chapters/12_boxes_anchors_ap.
    """

    def __init__(
        self,
        num_classes: int,
        sizes: Sequence[float] = (8, 16, 32),
        ratios: Sequence[float] = (0.4, 1.0, 2.5),
        *,
        width: int = 16,
        stride: int = 4,
        positive: float = 0.5,
        negative: float = 0.4,
        keep_best: bool = True,
    ):
        super().__init__()
        self.backbone = resnet("resnet18", width=width)
        self.stride, self.sizes, self.ratios = stride, tuple(sizes), tuple(ratios)
        self.rule = positive, negative, keep_best
        self.num_classes = num_classes
        channels = self.backbone.channels[stride // 8 :]  # of the maps added up
        self.narrow = nn.ModuleList(nn.Conv2d(c, 4 * width, 1) for c in channels)
        self.mix = nn.Sequential(
            nn.Conv2d(4 * width, 4 * width, 3, padding=1), nn.ReLU(inplace=True)
        )
        anchors = len(self.sizes) * len(self.ratios)
        self.score = nn.Conv2d(4 * width, anchors * (num_classes + 1), 1)
        self.move = nn.Conv2d(4 * width, anchors * 4, 1)

    def forward(self, images: list[Tensor], targets: list[dict] | None = None):
        """Losses in training, boxes, labels and scores in evaluation.

        Args:
            images: float (3, H, W) in 0 to 1, of any size.
            targets: ``boxes`` (N, 4) xyxy in pixels and ``labels`` (N,).

        Returns:
            ``{"classes", "boxes"}``, scalars; or for each picture ``boxes`` (K, 4),
            ``labels`` and ``scores`` (K,), best first.
        """
        logits, offsets, anchors = self.maps(padded(images))
        if self.training:
            losses = [
                self.losses(*each, anchors)
                for each in zip(logits, offsets, targets, strict=True)
            ]
            classes, boxes, count = (torch.stack(x) for x in zip(*losses, strict=True))
            count = count.sum().clamp(min=1)
            return {"classes": classes.sum() / count, "boxes": boxes.sum() / count}
        return [
            final_boxes(
                each.softmax(-1), decode(move * SPREAD.to(move), anchors), image.shape
            )
            for each, move, image in zip(logits, offsets, images, strict=True)
        ]

    def maps(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 3, H, W) -> logits (B, N, C + 1), offsets (B, N, 4), anchors (N, 4)."""
        stages = self.backbone(normalise(images))[self.stride // 8 :]
        mixed = self.narrow[-1](stages[-1])
        for narrow, stage in zip(self.narrow[-2::-1], stages[-2::-1], strict=True):
            mixed = narrow(stage) + F.interpolate(mixed, stage.shape[-2:])
        mixed = self.mix(mixed)  # (B, C, h, w)
        anchors = anchor_grid(mixed.shape[-2:], self.stride, self.sizes, self.ratios)
        return (
            by_anchor(self.score(mixed), self.num_classes + 1),
            by_anchor(self.move(mixed), 4),
            anchors.to(mixed.device),
        )

    def losses(self, logits: Tensor, offsets: Tensor, target: dict, anchors: Tensor):
        """Sums over one picture: of classes, of boxes, and the number of positives."""
        boxes = target["boxes"].as_subclass(Tensor)
        found = match(box_iou(anchors, boxes), *self.rule)
        positive = found >= 0  # (N,)
        labels = torch.zeros_like(found)
        labels[positive] = target["labels"][found[positive]]
        each = F.cross_entropy(logits, labels, reduction="none")  # (N,)
        hard = each.detach().masked_fill(found != -1, 0.0)
        count = positive.sum()
        hard = hard.topk(min(len(hard), 3 * max(1, int(count)))).indices
        classes = each[positive].sum() + each[hard].sum()
        wanted = encode(boxes[found[positive]], anchors[positive]) / SPREAD.to(boxes)
        moves = F.smooth_l1_loss(offsets[positive], wanted, reduction="sum")
        return classes, moves, count


def by_anchor(maps: Tensor, values: int) -> Tensor:
    """(B, A * values, h, w) -> (B, h * w * A, values), in the order of the anchors."""
    return maps.permute(0, 2, 3, 1).reshape(len(maps), -1, values)


def padded(images: list[Tensor]) -> Tensor:
    """Pictures of any size as one batch, black at the right and below."""
    height, width = (max(image.shape[i] for image in images) for i in (1, 2))
    return torch.stack(
        [F.pad(x, (0, width - x.shape[2], 0, height - x.shape[1])) for x in images]
    )


def final_boxes(
    scores: Tensor,
    boxes: Tensor,
    shape: Sequence[int],
    threshold: float = 0.02,
    most: int = 100,
) -> dict[str, Tensor]:
    """What a detector gives, from its boxes and their scores.

    Args:
        scores: (N, C + 1) in 0 to 1, background first.
        boxes: (N, 4) xyxy in pixels.
        shape: (..., H, W) of the picture; boxes are cut to it.
        threshold: lower scores are dropped.
        most: boxes kept.

    Returns:
        ``boxes`` (K, 4), ``labels`` 1 to C, ``scores``, after ``class_wise_nms`` at an
        IoU of 0.5, best first.

    Taught in chapters/12_boxes_anchors_ap.
    """
    boxes = clip_boxes_to_image(boxes, tuple(shape[-2:]))
    at, label = (scores[:, 1:] > threshold).nonzero(as_tuple=True)
    boxes, scores = boxes[at], scores[at, label + 1]
    kept = batched_nms(boxes, scores, label, 0.5)[:most]
    return {"boxes": boxes[kept], "labels": label[kept] + 1, "scores": scores[kept]}
