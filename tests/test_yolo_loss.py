"""The losses of YOLO against torchvision and loops; finite, and learnable."""

import pytest
import torch
from torch.nn import functional as F
from torchvision import ops

from course_lib.detection.boxes import cxcywh_to_xyxy
from course_lib.detection.yolo.loss import (
    BALANCE,
    GAINS,
    decode_slots,
    split_map,
    yolo_loss,
)
from course_lib.detection.yolo.targets import assign
from course_lib.errors import InputError
from tests.test_yolo_targets import CELLS, HEADS, SIZE, random_targets


def random_maps(seed: int = 0, pictures: int = 2) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(pictures, 16, *cells, generator=generator).requires_grad_()
        for cells in CELLS
    ]


def slow_loss(maps, targets) -> dict[str, torch.Tensor]:
    """The same, slot by slot, with torchvision's CIoU loss."""
    box, kind, objectness = [], [], 0
    balance = dict(zip((8, 16), BALANCE, strict=False))
    for raw, head, found in zip(
        maps, HEADS, assign(HEADS, CELLS, targets), strict=True
    ):
        rows = split_map(raw, head)
        wanted = torch.zeros_like(rows[..., 4])
        for k in range(len(found.labels)):
            place = tuple(part[k] for part in found[:4])
            one = type(found)(*(part[k : k + 1] for part in found))
            said = decode_slots(rows[place][None], one, head)
            pair = cxcywh_to_xyxy(said), cxcywh_to_xyxy(one.boxes)
            loss = ops.complete_box_iou_loss(*pair)[0]
            box.append(loss)
            wanted[place] = (1 - loss.detach()).clamp(min=0)
            label = F.one_hot(found.labels[k], 3).float()
            kind += F.binary_cross_entropy_with_logits(
                rows[place][5:], label, reduction="none"
            )
        p = rows[..., 4].sigmoid()
        entropy = -(wanted * p.log() + (1 - wanted) * (1 - p).log())
        objectness = objectness + balance[head.stride] * entropy.mean()
    return {
        "box": GAINS["box"] * torch.stack(box).mean(),
        "objectness": GAINS["objectness"] * objectness,
        "class": GAINS["class"] * torch.stack(kind).mean(),
    }


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_loops_forward_and_gradient(seed):
    maps, slow = random_maps(seed), random_maps(seed)
    targets = random_targets(seed)
    losses, expected = yolo_loss(maps, HEADS, targets, SIZE), slow_loss(slow, targets)
    for name in ("box", "objectness", "class"):
        torch.testing.assert_close(losses[name], expected[name], rtol=1e-4, atol=1e-6)
    sum(losses.values()).backward()
    sum(expected.values()).backward()
    for a, b in zip(maps, slow, strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("size", [1.0, 50.0, 1e4])
def test_wild_maps_give_finite_losses_and_gradients(size):
    maps = [(raw.detach() * size).requires_grad_() for raw in random_maps()]
    losses = yolo_loss(maps, HEADS, random_targets(1))
    sum(losses.values()).backward()
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert all(torch.isfinite(raw.grad).all() for raw in maps)


def test_without_objects_only_objectness_is_left():
    nothing = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    maps = random_maps()
    losses = yolo_loss(maps, HEADS, [nothing, nothing])
    assert losses["box"] == 0 and losses["class"] == 0 and losses["objectness"] > 0
    sum(losses.values()).backward()
    assert all(torch.isfinite(raw.grad).all() for raw in maps)


def test_the_maps_alone_can_learn_the_targets():
    maps, targets = random_maps(), random_targets(2, count=4)
    optimiser = torch.optim.Adam(maps, lr=0.2)
    for _ in range(200):
        losses = yolo_loss(maps, HEADS, targets)
        optimiser.zero_grad()
        sum(losses.values()).backward()
        optimiser.step()
    assert losses["box"] < 0.1 * GAINS["box"]  # CIoU above 0.9
    assert losses["class"] < 0.01 * GAINS["class"]


def test_maps_of_another_input_are_refused():
    with pytest.raises(InputError, match=r"covers \(96, 128\) px, not the input"):
        yolo_loss(random_maps(), HEADS, random_targets(0), (128, 96))
