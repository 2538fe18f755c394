"""The region proposal network: where something is, whatever it is.

Ren et al., Faster R-CNN, NIPS 2015, section 3. torchvision's detectors hold the same
in ``torchvision.models.detection.rpn``; this one is to be read.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision import ops

from course_lib.detection.anchors import IGNORED, NEGATIVE, decode, encode, match
from course_lib.detection.boxes import box_iou


class ProposalHead(nn.Module):
    """One small net for every cell of every map.

    Map (B, C, H, W) -> objectness (B, H * W * A) logits and deltas (B, H * W * A, 4),
    in the order of ``anchors.anchor_grid``.

    Args:
        channels: C.
        num_anchors: A, anchors a cell.

    Taught in chapters/13_mask_rcnn_finetuning.
    """

    def __init__(self, channels: int, num_anchors: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.objectness = nn.Conv2d(channels, num_anchors, 1)
        self.deltas = nn.Conv2d(channels, 4 * num_anchors, 1)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Objectness and deltas of one map."""
        x = F.relu(self.conv(maps))
        objectness = self.objectness(x).permute(0, 2, 3, 1).flatten(1)
        deltas = self.deltas(x).permute(0, 2, 3, 1)  # (B, H, W, 4 A)
        return objectness, deltas.reshape(len(x), -1, 4)


def propose(
    objectness: list[Tensor],
    deltas: list[Tensor],
    anchors: list[Tensor],
    size: tuple[int, int],
    before: int = 1000,
    after: int = 1000,
    threshold: float = 0.7,
) -> tuple[Tensor, Tensor]:
    """The best boxes of one picture, over all maps.

    Args:
        objectness: of each map, (N_i,) logits.
        deltas: of each map, (N_i, 4).
        anchors: of each map, (N_i, 4) xyxy in pixels.
        size: (H, W) of the picture.
        before: boxes of each map that go into non-maximum suppression.
        after: boxes that come out, of all maps together.
        threshold: of that suppression, which parts the maps.

    Returns:
        boxes (K, 4) xyxy in pixels, inside the picture, and scores (K,), best first.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    boxes, scores, level = [], [], []
    for i, (logits, change, start) in enumerate(
        zip(objectness, deltas, anchors, strict=True)
    ):
        best = logits.topk(min(before, len(logits))).indices
        boxes.append(decode(change[best], start[best]))
        scores.append(logits[best].sigmoid())
        level.append(torch.full_like(best, i))
    boxes = ops.clip_boxes_to_image(torch.cat(boxes), size)
    scores, level = torch.cat(scores), torch.cat(level)
    kept = ops.remove_small_boxes(boxes, 1e-3)
    kept = kept[ops.batched_nms(boxes[kept], scores[kept], level[kept], threshold)]
    return boxes[kept[:after]], scores[kept[:after]]


def assign(
    anchors: Tensor, boxes: Tensor, positive: float = 0.7, negative: float = 0.3
) -> tuple[Tensor, Tensor]:
    """What every anchor should say.

    Args:
        anchors: (N, 4) xyxy in pixels.
        boxes: (M, 4) of the things, M may be 0.
        positive: IoU from which an anchor is a thing.
        negative: below which it is background; between, it is not asked. The best
            anchors of every box are things whatever their IoU.

    Returns:
        wanted objectness (N,): 1, 0, or -1 for not asked; wanted deltas (N, 4), zero
        where that is not 1.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    matched = match(box_iou(anchors, boxes), positive, negative, keep_best=True)
    wanted = (matched >= 0).float()
    wanted[matched == IGNORED] = -1
    deltas = torch.zeros_like(anchors)
    things = matched > NEGATIVE
    deltas[things] = encode(boxes[matched[things]], anchors[things])
    return wanted, deltas


def draw(wanted: Tensor, count: int = 256, share: float = 0.5) -> Tensor:
    """Indices of anchors to learn from: ``share`` things at most, the rest background.

    Without it, a few dozen things drown in ten thousand anchors of background. Ren et
    al., section 3.1.3. Taught in chapters/13_mask_rcnn_finetuning.
    """
    things, background = (wanted == 1).nonzero()[:, 0], (wanted == 0).nonzero()[:, 0]
    things = things[torch.randperm(len(things))[: int(count * share)]]
    rest = torch.randperm(len(background))[: count - len(things)]
    return torch.cat([things, background[rest]])


def proposal_losses(
    objectness: Tensor, deltas: Tensor, wanted: Tensor, towards: Tensor, drawn: Tensor
) -> tuple[Tensor, Tensor]:
    """The two losses of the proposals of one picture.

    Args:
        objectness: (N,) logits.
        deltas: (N, 4).
        wanted: (N,) and
        towards: (N, 4), as ``assign`` gives them.
        drawn: indices, as ``draw`` gives them.

    Returns:
        Cross-entropy of the objectness, and smooth L1 of the deltas of the things,
        both over the number drawn.

    Ren et al., equation 1. Taught in chapters/13_mask_rcnn_finetuning.
    """
    things = drawn[wanted[drawn] == 1]
    where = F.smooth_l1_loss(
        deltas[things], towards[things], beta=1 / 9, reduction="sum"
    )
    what = F.binary_cross_entropy_with_logits(objectness[drawn], wanted[drawn])
    return what, where / len(drawn)
