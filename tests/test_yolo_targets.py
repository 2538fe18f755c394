"""Targets of YOLO: who finds which object, and the way there and back."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision import ops

from course_lib.detection.darknet.decode import decode
from course_lib.detection.yolo.kmeans import shape_iou
from course_lib.detection.yolo.loss import decode_slots, yolo_loss
from course_lib.detection.yolo.targets import (
    assign,
    encode,
    fitting_anchors,
    reaching_cells,
)
from course_lib.errors import InputError


def make_head(anchors, stride, scale=2.0, classes=3):
    return SimpleNamespace(
        kind="yolo", anchors=anchors, stride=stride, num_classes=classes,
        scale_x_y=scale, new_coords=False, softmax=False,
    )  # fmt: skip


HEADS = [
    make_head(((30, 60), (80, 40)), 16, scale=1.05),
    make_head(((10, 14), (12, 40)), 8),
]
SIZE = (96, 128)
CELLS = [(6, 8), (12, 16)]


def random_targets(seed: int, pictures: int = 2, count: int = 7) -> list[dict]:
    generator = torch.Generator().manual_seed(seed)
    targets = []
    for _ in range(pictures):
        corner = torch.rand(count, 2, generator=generator) * torch.tensor([90.0, 60])
        size = torch.rand(count, 2, generator=generator) * 34 + 2
        labels = torch.randint(1, 4, (count,), generator=generator)
        boxes = torch.cat([corner, corner + size], dim=1)
        targets.append({"boxes": boxes, "labels": labels})
    return targets


def test_one_object_by_hand():
    # centre (44, 36), 10 x 14 px: in cells of 8 px (5.5, 4.5), of 16 px (2.75, 2.25)
    target = {"boxes": torch.tensor([[39.0, 29, 49, 43]]), "labels": torch.tensor([2])}
    coarse, fine = assign(HEADS, CELLS, [target], ratio=None)
    assert len(coarse.labels) == 0  # 10 x 14 fits the anchor 10 x 14 best
    assert (fine.anchor.tolist(), fine.labels.tolist()) == ([0], [1])
    assert (fine.column.tolist(), fine.row.tolist()) == ([5], [4])  # .5 is its own
    coarse, fine = assign(HEADS, CELLS, [target])  # 12 x 40 and 30 x 60 fit as well?
    assert sorted(fine.anchor.tolist()) == [0, 1]  # 40 / 14 < 4
    assert len(coarse.labels) == 0  # 60 / 14 > 4, 80 / 10 > 4


@pytest.mark.parametrize(
    "scale, expected",
    [
        (1.0, {(3, 2)}),
        (1.5, {(3, 2), (2, 2)}),  # .2 to the left: within a quarter of a cell
        (2.0, {(3, 2), (2, 2), (3, 3)}),  # .6 down: within half a cell of the next
    ],
)
def test_the_cells_that_reach_a_centre(scale, expected):
    _, row, column = reaching_cells(torch.tensor([[3.2, 2.6]]), (4, 5), scale)
    assert set(zip(column.tolist(), row.tolist(), strict=True)) == expected


@given(st.integers(0, 10**6), st.floats(1, 3), st.integers(1, 30))
def test_cells_lie_in_the_map_and_reach(seed, scale, count):
    generator = torch.Generator().manual_seed(seed)
    centres = torch.rand(count, 2, generator=generator) * torch.tensor([5.0, 4.0])
    index, row, column = reaching_cells(centres, (4, 5), scale)
    assert set(index.tolist()) == set(range(count))  # none without a cell
    assert (row >= 0).all() and (row < 4).all()
    assert (column >= 0).all() and (column < 5).all()
    offset = centres[index] - torch.stack([column, row], dim=1)
    reach = (scale - 1) / 2
    assert (offset >= -reach).all() and (offset <= 1 + reach).all()


@given(st.integers(0, 10**6))
def test_fitting_anchors_against_loops(seed):
    generator = torch.Generator().manual_seed(seed)
    sizes = torch.rand(6, 2, generator=generator) * 60 + 1
    anchors = torch.rand(4, 2, generator=generator) * 60 + 1
    fits = fitting_anchors(sizes, anchors, 4.0)
    for i, (w, h) in enumerate(sizes.tolist()):
        best = shape_iou(sizes[i : i + 1], anchors).argmax().item()
        for k, (aw, ah) in enumerate(anchors.tolist()):
            near = max(w / aw, aw / w, h / ah, ah / h) < 4
            assert fits[i, k].item() == (near or k == best)


def test_shape_iou_is_iou_at_one_corner():
    sizes, anchors = torch.rand(20, 2) * 50 + 1, torch.rand(9, 2) * 50 + 1
    corner = [torch.cat([torch.zeros_like(x), x], dim=1) for x in (sizes, anchors)]
    torch.testing.assert_close(shape_iou(sizes, anchors), ops.box_iou(*corner))


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_no_slot_is_given_twice(seed):
    for found in assign(HEADS, CELLS, random_targets(seed, count=25)):
        slots = torch.stack(found[:4], dim=1)
        assert len(slots.unique(dim=0)) == len(slots)


def test_of_two_objects_in_one_cell_the_nearer_to_its_middle_has_the_slot():
    # cell (2, 3) of stride 8 has its middle at (28, 20); one size, so one anchor
    boxes = torch.tensor([[24.0, 11, 32, 25], [23.5, 13, 31.5, 27], [22, 9, 30, 23]])
    heads = [make_head(((8, 14),), 8, scale=1.0)]
    target = {"boxes": boxes, "labels": torch.tensor([1, 2, 3])}
    (found,) = assign(heads, CELLS[1:], [target])
    assert (found.row.tolist(), found.column.tolist()) == ([2], [3])
    assert found.labels.tolist() == [1]  # the second: its centre is (27.5, 20)


def test_every_object_has_a_slot_where_there_is_room():
    targets = random_targets(0, count=3)
    found = assign(HEADS, CELLS, targets)
    boxes = torch.cat([f.boxes for f in found]).unique(dim=0)
    assert len(boxes) == 6


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_round_trip_through_the_maps(seed):
    """Maps that say the targets decode to the boxes of the targets."""
    targets = random_targets(seed)
    found = assign(HEADS, CELLS, targets)
    maps = []
    for head, (h, w), slots in zip(HEADS, CELLS, found, strict=True):
        raw = torch.full((2, len(head.anchors), h, w, 8), -20.0)
        place = slots.picture, slots.anchor, slots.row, slots.column
        raw[place] = torch.cat(
            [
                encode(slots, head),
                torch.full((len(slots.labels), 1), 20.0),
                torch.nn.functional.one_hot(slots.labels, 3) * 40.0 - 20,
            ],
            dim=1,
        )
        maps.append(raw.permute(0, 1, 4, 2, 3).reshape(2, -1, h, w))
        again = decode_slots(encode(slots, head), slots, head)
        assert (again - slots.boxes).abs().max() < 2e-3  # pixels
    rows = decode(maps, SimpleNamespace(heads=HEADS))  # (2, N, 8)
    scale = torch.tensor([SIZE[1], SIZE[0], SIZE[1], SIZE[0]])
    for i in range(2):
        said = rows[i][rows[i, :, 4] > 0.5]
        wanted = torch.cat([f.boxes[f.picture == i] for f in found])
        labels = torch.cat([f.labels[f.picture == i] for f in found])
        assert len(said) == len(wanted)
        apart = (said[:, None, :4] * scale - wanted).abs().amax(dim=-1)
        order = apart + 1000 * (said[:, 5:].argmax(dim=1)[:, None] != labels)
        assert order.min(dim=0).values.max() < 0.01  # pixels
        assert order.min(dim=1).values.max() < 0.01
    losses = yolo_loss(maps, HEADS, targets, SIZE)
    assert losses["box"] < 1e-4 and losses["class"] < 1e-6
    assert losses["objectness"] < 1e-4


def test_boxes_without_area_and_pictures_without_objects_are_legal():
    nothing = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    flat = {"boxes": torch.tensor([[3.0, 3, 3, 9]]), "labels": torch.tensor([1])}
    for found in assign(HEADS, CELLS, [nothing, flat]):
        assert len(found.labels) == 0


def test_a_label_the_network_does_not_know_is_refused():
    target = {"boxes": torch.tensor([[3.0, 3, 9, 9]]), "labels": torch.tensor([4])}
    with pytest.raises(InputError, match="label 4; the network knows 1 to 3"):
        assign(HEADS, CELLS, [target])
