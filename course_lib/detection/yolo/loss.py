"""The three losses of YOLO: box, objectness, class.

Taught in chapters/15_training_yolo.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.detection.boxes import cxcywh_to_xyxy, paired_iou
from course_lib.detection.yolo.targets import RATIO, Assigned, assign
from course_lib.errors import InputError

GAINS = {"box": 0.1, "objectness": 1.0, "class": 0.2}
BALANCE = (4.0, 1.0, 0.4)  # of objectness, from the finest map to the coarsest
LARGEST = 5.0  # of raw w and h: no box is wider than 148 anchors


def decode_slots(raw: Tensor, assigned: Assigned, head) -> Tensor:
    """The boxes that a map says at some slots, (P, 4) raw -> (P, 4) cxcywh in pixels.

    Redmon and Farhadi, YOLOv3, 2018, section 2.1; ``scale_x_y`` from YOLOv4, section
    3.4. Taught in chapters/15_training_yolo.
    """
    cell = torch.stack([assigned.column, assigned.row], dim=1)
    scale = head.scale_x_y
    centre = raw[:, :2].sigmoid() * scale - (scale - 1) / 2 + cell
    anchors = torch.as_tensor(head.anchors).to(raw).reshape(-1, 2)[assigned.anchor]
    size = raw[:, 2:4].clamp(max=LARGEST).exp() * anchors
    return torch.cat([centre * head.stride, size], dim=1)


def split_map(raw: Tensor, head) -> Tensor:
    """A map (B, A * (5 + C), h, w) as float32 (B, A, h, w, 5 + C)."""
    batch, _, height, width = raw.shape
    shape = batch, -1, 5 + head.num_classes, height, width
    return raw.float().reshape(shape).permute(0, 1, 3, 4, 2)


def yolo_loss(
    maps: Sequence[Tensor],
    heads: Sequence,
    targets: Sequence[dict],
    input_size: tuple[int, int] | None = None,
    *,
    gains: dict[str, float] = GAINS,
    ratio: float | None = RATIO,
) -> dict[str, Tensor]:
    """The losses of a batch, to be summed.

    Args:
        maps: raw maps of the network, (B, A * (5 + C), h, w) each.
        heads: of the network: ``anchors`` (px), ``stride``, ``num_classes``,
            ``scale_x_y``.
        targets: one a picture, in pixels of the input; see ``targets.assign``.
        input_size: (H, W) in pixels, to be checked against the maps, or None.
        gains: weight of each loss.
        ratio: see ``targets.fitting_anchors``.

    Returns:
        ``box``, 1 - CIoU over the slots with an object; ``objectness``, cross entropy
        of every slot against the IoU it reached (0 without an object), the heads
        weighed by ``BALANCE``; ``class``, cross entropy of every class on its own
        over the slots with an object. Means, times their gain.

    Raises:
        InputError: where maps and input do not belong together, or a label is unknown.

    Zheng et al., Distance-IoU Loss, AAAI 2020; Jocher et al., YOLOv5, 2020. Taught in
    chapters/15_training_yolo.
    """
    cells = [tuple(raw.shape[-2:]) for raw in maps]
    _check_cells(cells, heads, input_size)
    found = assign(heads, cells, targets, ratio)
    fine_first = sorted(range(len(heads)), key=lambda i: heads[i].stride)
    parts = []
    for i, (raw, head, slots) in enumerate(zip(maps, heads, found, strict=True)):
        balance = BALANCE[min(fine_first.index(i), len(BALANCE) - 1)]
        parts.append(_of_head(split_map(raw, head), head, slots, balance))
    box, objectness, kind = zip(*parts, strict=True)
    return {
        "box": gains["box"] * _mean(box),
        "objectness": gains["objectness"] * sum(objectness),
        "class": gains["class"] * _mean(kind),
    }


def _check_cells(cells: list[tuple[int, int]], heads, size) -> None:
    for shape, head in zip(cells, heads, strict=True):
        covered = tuple(n * head.stride for n in shape)
        if size is not None and covered != tuple(size):
            raise InputError(
                f"a map of {shape} cells of {head.stride} px covers {covered} px, not "
                f"the input of {tuple(size)}; give the input's (height, width)"
            )


def _of_head(raw: Tensor, head, slots: Assigned, balance: float) -> tuple:
    """Of one head: (P,) box losses, objectness, (P, C) class losses."""
    rows = raw[slots.picture, slots.anchor, slots.row, slots.column]  # (P, 5 + C)
    boxes = cxcywh_to_xyxy(decode_slots(rows, slots, head))
    overlap = paired_iou(boxes, cxcywh_to_xyxy(slots.boxes), "ciou")  # (P,)
    wanted = torch.zeros_like(raw[..., 4])  # (B, A, h, w)
    place = slots.picture, slots.anchor, slots.row, slots.column
    wanted[place] = overlap.detach().clamp(min=0)
    objectness = F.binary_cross_entropy_with_logits(raw[..., 4], wanted)
    labels = F.one_hot(slots.labels, head.num_classes).to(rows)
    kind = F.binary_cross_entropy_with_logits(rows[:, 5:], labels, reduction="none")
    return 1 - overlap, balance * objectness, kind


def _mean(parts: Sequence[Tensor]) -> Tensor:
    """The mean over all heads' slots; 0, with a gradient, where there is none."""
    values = torch.cat(list(parts))
    return values.sum() / max(values.numel(), 1)
