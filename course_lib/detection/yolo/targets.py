"""Which slots of YOLO's maps should find which object.

Taught in chapters/15_training_yolo.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.detection.boxes import xyxy_to_cxcywh
from course_lib.detection.yolo.kmeans import shape_iou
from course_lib.errors import InputError

RATIO = 4.0
# an object's own cell first, then those left, above, right and below
NEIGHBOURS = ((0, 0), (-1, 0), (0, -1), (1, 0), (0, 1))


class Assigned(NamedTuple):
    """The slots of one head that should find an object, P of them.

    Attributes:
        picture, anchor, row, column: (P,) int64, where the slot is.
        boxes: (P, 4) float cxcywh in pixels of the input.
        labels: (P,) int64 from 0.
    """

    picture: Tensor
    anchor: Tensor
    row: Tensor
    column: Tensor
    boxes: Tensor
    labels: Tensor


def fitting_anchors(
    sizes: Tensor, anchors: Tensor, ratio: float | None = RATIO
) -> Tensor:
    """Which anchors are shaped like which objects, (M, 2) and (K, 2) -> (M, K) bool.

    An anchor fits when neither width nor height differs by the factor ``ratio``
    (YOLOv5's rule). The anchor that overlaps most always fits; with ``ratio`` None it
    is the only one (YOLOv3, section 2.1).

    Taught in chapters/15_training_yolo.
    """
    best = shape_iou(sizes, anchors).argmax(dim=1, keepdim=True)  # (M, 1)
    fits = torch.zeros(len(sizes), len(anchors), dtype=torch.bool, device=sizes.device)
    if ratio is not None:
        factor = sizes[:, None] / anchors  # (M, K, 2)
        fits = torch.max(factor, 1 / factor).amax(dim=-1) < ratio
    return fits.scatter(1, best, True)


def reaching_cells(
    centres: Tensor, cells: tuple[int, int], scale_x_y: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The cells whose boxes can have these centres.

    Args:
        centres: (M, 2) x, y in cells of the map.
        cells: (h, w) of the map.
        scale_x_y: of the head. A cell reaches (scale_x_y - 1) / 2 cells beyond its
            rim: nothing at 1 (only its own cell finds an object), half a cell at 2
            (two neighbours find it as well).

    Returns:
        Object, row and column of every pair, (P,) int64 each.

    Taught in chapters/15_training_yolo.
    """
    reach = (scale_x_y - 1) / 2
    last = torch.tensor([cells[1] - 1, cells[0] - 1], device=centres.device)
    home = centres.floor().clamp(min=0).minimum(last)  # (M, 2)
    near = home[:, None] + home.new_tensor(NEIGHBOURS)  # (M, 5, 2)
    offset = centres[:, None] - near
    good = (offset > -reach) & (offset < 1 + reach) & (near >= 0) & (near <= last)
    good = good.all(dim=-1)  # (M, 5)
    good[:, 0] = True
    index, which = good.nonzero(as_tuple=True)
    column, row = near[index, which].long().unbind(dim=1)
    return index, row, column


def assign(
    heads: Sequence,
    cells: Sequence[tuple[int, int]],
    targets: Sequence[dict],
    ratio: float | None = RATIO,
) -> list[Assigned]:
    """Give every object its slots, in every head.

    Args:
        heads: of the network: ``anchors`` ((A, 2) px), ``stride``, ``scale_x_y``.
        cells: (h, w) of every head's map.
        targets: one a picture: ``boxes`` (N, 4) xyxy in pixels of the input,
            ``labels`` (N,) from 1. Boxes without area are left out.
        ratio: see ``fitting_anchors``.

    Returns:
        One ``Assigned`` a head. Where two objects want one slot, the one whose centre
        is nearer to the middle of the cell has it.

    Raises:
        InputError: for a label outside 1 to the number of classes.

    Taught in chapters/15_training_yolo.
    """
    picture, boxes, labels = _flat(targets, heads[0].num_classes)
    anchors = [torch.as_tensor(h.anchors).to(boxes).reshape(-1, 2) for h in heads]
    fits = fitting_anchors(boxes[:, 2:], torch.cat(anchors), ratio)  # (M, K)
    parts = fits.split([len(a) for a in anchors], dim=1)
    found = []
    for head, shape, fit in zip(heads, cells, parts, strict=True):
        centres = boxes[:, :2] / head.stride
        index, row, column = reaching_cells(centres, shape, head.scale_x_y)
        pair, anchor = fit[index].nonzero(as_tuple=True)
        index, row, column = index[pair], row[pair], column[pair]
        middle = torch.stack([column, row], dim=1) + 0.5
        far = (centres[index] - middle).square().sum(dim=1)
        slot = ((picture[index] * fit.shape[1] + anchor) * shape[0] + row) * shape[1]
        kept = _nearest(slot + column, far)
        index = index[kept]
        found.append(
            Assigned(picture[index], anchor[kept], row[kept], column[kept],
                     boxes[index], labels[index])
        )  # fmt: skip
    return found


def _flat(targets: Sequence[dict], num_classes: int) -> tuple[Tensor, Tensor, Tensor]:
    """All objects of a batch: picture (M,), boxes (M, 4) cxcywh, labels (M,) from 0."""
    boxes = torch.cat([t["boxes"].as_subclass(Tensor) for t in targets])
    boxes = xyxy_to_cxcywh(boxes.float())
    labels = torch.cat([t["labels"] for t in targets]) - 1
    count = torch.tensor([len(t["labels"]) for t in targets], device=boxes.device)
    picture = torch.arange(len(targets), device=boxes.device).repeat_interleave(count)
    if len(labels) and not 0 <= labels.min() <= labels.max() < num_classes:
        wrong = labels[(labels < 0) | (labels >= num_classes)][0] + 1
        raise InputError(
            f"a target has the label {wrong}; the network knows 1 to {num_classes}: "
            "change the classes of its cfg, or the labels"
        )
    kept = (boxes[:, 2:] > 0).all(dim=1)
    return picture[kept], boxes[kept], labels[kept]


def _nearest(slot: Tensor, far: Tensor) -> Tensor:
    """Indices of the entries with the lowest ``far`` in every slot, each slot once."""
    order = far.argsort(stable=True)
    order = order[slot[order].argsort(stable=True)]
    first = torch.ones_like(order, dtype=torch.bool)
    first[1:] = slot[order][1:] != slot[order][:-1]
    return order[first]


def encode(assigned: Assigned, head) -> Tensor:
    """What a head's map should say at its slots, so that decoding gives the boxes.

    Returns:
        (P, 4) raw x, y, w, h: the inverse of ``loss.decode_slots``. Where a cell
        barely reaches the centre, x and y are large.

    Redmon and Farhadi, YOLOv3, 2018, section 2.1. Taught in
    chapters/15_training_yolo.
    """
    cell = torch.stack([assigned.column, assigned.row], dim=1)
    offset = assigned.boxes[:, :2] / head.stride - cell  # (P, 2)
    share = (offset + (head.scale_x_y - 1) / 2) / head.scale_x_y
    anchors = torch.as_tensor(head.anchors).to(offset).reshape(-1, 2)[assigned.anchor]
    return torch.cat(
        [share.logit(eps=1e-6), (assigned.boxes[:, 2:] / anchors).log()], dim=1
    )
