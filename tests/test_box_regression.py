"""Crops with a rule to drop, close-ups, and a net that answers with four numbers."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision import tv_tensors
from torchvision.transforms import v2

from course_lib.data.harbour import HarbourThings
from course_lib.detection.box_crop import RandomBoxCrop, keep_objects, visible_share
from course_lib.detection.box_regression import FewThings, TwoHeads, examples
from course_lib.detection.boxes import cxcywh_to_xyxy, xyxy_to_cxcywh
from course_lib.errors import InputError


class Coarse(nn.Module):
    """A backbone: batch norm, and means over 8 x 8 pixels."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, images):
        return [F.avg_pool2d(self.norm(images), 8)]


HARBOUR = HarbourThings("train", 6, (96, 128), thin=2)


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_what_is_hardly_visible_is_dropped_with_all_that_belongs_to_it(share):
    image, target = HARBOUR[0]
    for seed in range(8):
        torch.manual_seed(seed)
        cut, left = RandomBoxCrop((40, 60), share)(image, target)
        torch.manual_seed(seed)
        expected, whole = v2.RandomCrop((40, 60), pad_if_needed=True)(image, target)
        assert cut.equal(expected) and cut.shape == (3, 40, 60)
        # of every thing that stays, and of none that goes
        old, new = (t["boxes"].as_subclass(Tensor) for t in (target, whole))
        sides = new[:, 2:] - new[:, :2]
        shares = sides.prod(1) / (old[:, 2:] - old[:, :2]).prod(1)
        kept = shares >= share
        torch.testing.assert_close(visible_share(old, new), shares)
        assert left["boxes"].equal(whole["boxes"][kept])
        assert left["labels"].equal(target["labels"][kept])
        assert isinstance(left["boxes"], tv_tensors.BoundingBoxes)
        assert left["masks"].shape == (kept.sum(), 40, 60)
        assert left["area"].equal(left["masks"].sum(dim=(1, 2)).float())


def test_a_small_picture_is_padded():
    image = tv_tensors.Image(torch.ones(3, 10, 10, dtype=torch.uint8))
    boxes = tv_tensors.BoundingBoxes(
        [[2.0, 2, 6, 8]], format="XYXY", canvas_size=(10, 10)
    )
    target = {"boxes": boxes, "labels": torch.tensor([1]), "image_id": 3}
    cut, left = RandomBoxCrop((10, 10), 1.0)(image, target)
    assert left["boxes"].tolist() == [[2, 2, 6, 8]] and left["image_id"] == 3
    cut, left = RandomBoxCrop((20, 16), 1.0)(image, target)
    x1, y1, x2, y2 = left["boxes"][0].int().tolist()
    assert cut.shape == (3, 20, 16) and (x2 - x1, y2 - y1) == (4, 6)
    assert cut[:, y1:y2, x1:x2].all()
    assert keep_objects(target, torch.tensor([False]))["boxes"].shape == (0, 4)
    with pytest.raises(InputError, match="more than 0, at most 1"):
        RandomBoxCrop((8, 8), 0.0)


@pytest.mark.parametrize("things", [1, 2])
def test_few_things_are_those_of_the_harbour(things):
    dataset = FewThings("train", 8, things)
    images, boxes, labels = examples(dataset)
    assert images.shape[1:] == (3, 96, 128) and boxes.shape[1:] == (things, 4)
    assert 0 <= images.min() <= images.max() <= 1 and len(images) >= 4
    assert set(labels.flatten().tolist()) <= {1, 2, 3}
    whole = HarbourThings("train", 8, (96, 128), thin=2)
    for i in range(8):
        _, few = dataset.plan(i)
        _, many = whole.plan(i)
        kept = [thing for thing in few if thing.kind in ("boat", "car", "person")]
        assert len(kept) <= things and all(thing in many for thing in few)
    corners = cxcywh_to_xyxy(boxes)
    assert (corners > -1e-6).all() and (corners < 1 + 1e-6).all()


def test_two_heads_learn_and_the_backbone_stays_as_it_is():
    torch.manual_seed(0)
    net = TwoHeads(Coarse(), 3, num_classes=2).train()
    before = {k: v.clone() for k, v in net.backbone.state_dict().items()}
    images, boxes = torch.zeros(12, 3, 48, 64), []
    for i in range(12):  # a block of 16 x 16 px, red or blue
        x, y, colour = 8 * (i % 6), 8 * (i % 4), 2 * (i % 2)
        images[i, colour, y : y + 16, x : x + 16] = 1
        boxes.append([x, y, x + 16, y + 16])
    boxes, labels = torch.tensor(boxes).float(), torch.arange(12) % 2 + 1
    wanted = xyxy_to_cxcywh(boxes) / torch.tensor([64, 48, 64, 48])
    features = net.features(images)
    optimiser = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], 0.03)
    for _ in range(200):
        losses = net.losses(features, wanted, labels)
        optimiser.zero_grad()
        sum(losses.values()).backward()
        optimiser.step()
    for name, value in net.backbone.state_dict().items():
        assert value.equal(before[name]), name
    got, logits = net.eval()(images)
    torch.testing.assert_close(got, boxes, rtol=0, atol=3.0)
    assert (logits.argmax(1) + 1).equal(labels)
