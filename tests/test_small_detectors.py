"""R-CNN and the anchor detector of chapter 12 keep the contract and learn."""

import pytest
import torch
from torch.nn import functional as F

from course_lib.detection.anchor_detector import AnchorDetector, final_boxes, padded
from course_lib.detection.anchors import encode
from course_lib.detection.boxes import box_iou
from course_lib.detection.region_cnn import RegionCNN, crops


def picture(boxes, size=(48, 64)) -> tuple[torch.Tensor, dict]:
    """Grey, with a red block (label 1) or a blue one (label 2) in each box."""
    image = torch.full((3, *size), 0.5)
    for i, (x1, y1, x2, y2) in enumerate(boxes):
        image[:, y1:y2, x1:x2] = torch.eye(3)[[0, 2][i % 2]][:, None, None]
    labels = torch.arange(len(boxes)) % 2 + 1
    return image, {"boxes": torch.tensor(boxes).float().view(-1, 4), "labels": labels}


PICTURES = [picture([[5, 8, 25, 20], [40, 20, 50, 40]]), picture([[30, 30, 50, 42]])]
DETECTORS = {
    "anchors": lambda: AnchorDetector(2, (8, 16), (0.5, 1.0, 2.0), width=8),
    "regions": lambda: RegionCNN(2, width=8),
}


@pytest.mark.parametrize("kind", DETECTORS)
def test_learns_two_pictures_and_finds_what_is_there(kind):
    torch.manual_seed(0)
    detector = DETECTORS[kind]().train()
    images, targets = zip(*PICTURES, strict=True)
    optimiser = torch.optim.AdamW(detector.parameters(), 0.003)
    sums = []
    for _ in range(60):
        losses = detector(list(images), list(targets))
        assert sorted(losses) == ["boxes", "classes"]
        sums.append(sum(losses.values()))
        optimiser.zero_grad()
        sums[-1].backward()
        optimiser.step()
    assert sums[-1] < sums[0] / 3
    detector.eval()
    with torch.no_grad():
        found = detector(list(images))
    for one, (_, target) in zip(found, PICTURES, strict=True):
        best = one["scores"] > 0.5
        iou = box_iou(target["boxes"], one["boxes"][best])
        assert (iou.max(dim=1).values > 0.6).all()
        assert one["labels"][best][iou.argmax(dim=1)].equal(target["labels"])


@pytest.mark.parametrize("kind", DETECTORS)
def test_contract_on_pictures_of_two_sizes_and_without_things(kind):
    torch.manual_seed(0)
    detector = DETECTORS[kind]().train()
    small, empty = picture([], (32, 40))
    images = [PICTURES[0][0], small]
    losses = detector(images, [PICTURES[0][1], empty])
    sum(losses.values()).backward()
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert all(p.grad is None or p.grad.isfinite().all() for p in detector.parameters())
    detector.eval()
    with torch.no_grad():
        found = detector(images)
    for image, one in zip(images, found, strict=True):
        height, width = image.shape[-2:]
        assert sorted(one) == ["boxes", "labels", "scores"] and len(one["boxes"]) <= 100
        assert (one["boxes"] >= 0).all()
        assert (one["boxes"] <= torch.tensor([width, height, width, height])).all()
        assert one["scores"].diff().le(0).all() and one["labels"].ge(1).all()


def test_the_losses_are_those_of_the_definition():
    torch.manual_seed(0)
    detector = AnchorDetector(2, (16,), (1.0,), width=8).train()
    target = PICTURES[1][1]  # one box, 20 x 12 px
    with torch.no_grad():
        logits, offsets, anchors = detector.maps(padded([PICTURES[1][0]]))
        losses = detector([PICTURES[1][0]], [target])
    iou = box_iou(anchors, target["boxes"])[:, 0]
    positive = (iou >= 0.5) | (iou == iou.max())
    each = F.cross_entropy(logits[0], positive.long(), reduction="none")
    hardest = each[(iou < 0.4) & ~positive].sort(descending=True).values
    count = int(positive.sum())
    classes = each[positive].sum() + hardest[: 3 * count].sum()
    torch.testing.assert_close(losses["classes"], classes / count)
    wanted = encode(target["boxes"].expand(count, 4), anchors[positive])
    wanted = wanted / torch.tensor([0.1, 0.1, 0.2, 0.2])
    moves = F.smooth_l1_loss(offsets[0][positive], wanted, reduction="sum")
    torch.testing.assert_close(losses["boxes"], moves / count)


@pytest.mark.parametrize("keep_best", [True, False])
def test_a_thing_that_no_anchor_fits_is_learnt_only_by_the_clause(keep_best):
    torch.manual_seed(0)
    detector = AnchorDetector(2, (16,), (1.0,), width=8, keep_best=keep_best).train()
    image, target = picture([[30, 4, 34, 40]])  # 4 x 36 px
    assert (detector([image], [target])["boxes"] > 0) == keep_best


def test_a_crop_of_whole_pixels_is_the_picture():
    image = torch.rand(3, 20, 30)
    cut = crops(image, torch.tensor([[4.0, 6, 12, 14]]), side=8)
    torch.testing.assert_close(cut[0], image[:, 6:14, 4:12])


def test_final_boxes_by_hand():
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 90, 90]])
    scores = torch.tensor([[0.1, 0.6, 0.3], [0.1, 0.8, 0.1], [0.9, 0.01, 0.09]])
    found = final_boxes(scores, boxes, (50, 60), threshold=0.2)
    assert found["labels"].tolist() == [1, 2]
    assert found["boxes"].tolist() == [[1, 0, 11, 10], [0, 0, 10, 10]]
    found = final_boxes(scores, boxes, (50, 60), threshold=0.05, most=4)
    assert found["boxes"][-1].tolist() == [20, 20, 60, 50]  # cut at the edge
