"""From raw maps to rows of boxes and scores, and from rows to detections."""

import torch
from torch import Tensor
from torchvision.ops import batched_nms

from course_lib.detection.darknet.heads import Head

MAX_CANDIDATES = 10_000  # boxes of one picture that go into NMS, the best


def decode(maps: list[Tensor], net) -> Tensor:
    """Every cell's boxes and scores.

    Args:
        maps: raw output of ``net``, (B, A * (5 + C), h, w) a head.
        net: has ``heads``.

    Returns:
        (B, N, 5 + C): cx, cy, w, h in 0 to 1 of the input, objectness, and for each
        class objectness x its own sigmoid. N counts head, row, column, anchor.

    Redmon and Farhadi, YOLOv3, 2018, section 2.1. Taught in
    chapters/14_yolov3_darknet.
    """
    pairs = zip(maps, net.heads, strict=True)
    return torch.cat([decode_head(*pair) for pair in pairs], dim=1)


def decode_head(raw: Tensor, head: Head) -> Tensor:
    """``decode`` of one map: (B, h * w * A, 5 + C)."""
    (b, _, h, w), a = raw.shape, len(head.anchors)
    raw = raw.reshape(b, a, -1, h, w).permute(0, 3, 4, 1, 2)  # (B, h, w, A, 5 + C)
    cell = torch.meshgrid(torch.arange(w), torch.arange(h), indexing="xy")
    cell = torch.stack(cell, dim=-1)[:, :, None].to(raw)  # (h, w, 1, 2)
    grid = raw.new_tensor([w, h])
    anchors = raw.new_tensor(head.anchors) / (grid * head.stride)  # (A, 2) in 0..1
    value = raw if head.new_coords else raw.sigmoid()
    centre = (value[..., :2] - 0.5) * head.scale_x_y + 0.5
    size = (2 * raw[..., 2:4]) ** 2 if head.new_coords else raw[..., 2:4].exp()
    objectness = value[..., 4:5]
    classes = raw[..., 5:].softmax(dim=-1) if head.softmax else value[..., 5:]
    parts = [(centre + cell) / grid, size * anchors, objectness, objectness * classes]
    return torch.cat(parts, dim=-1).reshape(b, h * w * a, -1)


def detections(
    rows: Tensor, score_threshold: float, nms_threshold: float, best_class: bool = True
) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes of one picture worth showing: two thresholds, then NMS class by class.

    Args:
        rows: (N, 5 + C) of ``decode``.
        score_threshold: a class score must be larger.
        nms_threshold: of two boxes of a class with a larger IoU the weaker goes.
        best_class: a row speaks only for its best class; False: for each of its
            classes above the threshold, since they do not exclude each other.

    Returns:
        boxes (K, 4) xyxy in 0 to 1 of the input, class indices (K,) from 0, scores
        (K,), the best first. Values that are not finite are never boxes.

    Taught in chapters/14_yolov3_darknet.
    """
    rows = rows[rows[:, 4] > score_threshold]  # a class score is never larger
    scores = rows[:, 5:]
    if best_class and len(rows):
        best = scores.argmax(dim=1, keepdim=True)
        scores = torch.zeros_like(scores).scatter(1, best, scores.gather(1, best))
    place, classes = (scores > score_threshold).nonzero(as_tuple=True)
    scores = scores[place, classes]
    half = rows[place, 2:4] / 2
    boxes = torch.cat([rows[place, :2] - half, rows[place, :2] + half], dim=1)
    fine = boxes.isfinite().all(dim=1)
    boxes, classes, scores = boxes[fine], classes[fine], scores[fine]
    if len(scores) > MAX_CANDIDATES:
        top = scores.topk(MAX_CANDIDATES).indices
        boxes, classes, scores = boxes[top], classes[top], scores[top]
    keep = batched_nms(boxes, scores, classes, nms_threshold)
    return boxes[keep], classes[keep], scores[keep]
