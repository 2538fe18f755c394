"""The checks of chapter 13 see the typical wrong answers."""

import pytest
import torch
from torchvision.ops import masks_to_boxes

from course_lib.teaching import check


def boxes_of(indexed, behind=1, first=0, numbers=False, drop=False):
    ids = indexed.unique()
    ids = ids[1:] if drop else ids[ids > 0] if not first else ids
    if numbers:
        ids = torch.arange(1, int(indexed.max()) + 1)
    masks = indexed == ids[:, None, None]
    if numbers:  # some masks are empty: torchvision 0.19 finds no box for them
        return torch.zeros(len(ids), 4), masks
    return masks_to_boxes(masks) + torch.tensor([0, 0, behind, behind]), masks


def mirror(image, target, pairs, last=0, swap=True, masks=True, in_place=False):
    width = image.shape[-1] - last
    x1, y1, x2, y2 = target["boxes"].unbind(dim=1)
    boxes = torch.stack([width - x2, y1, width - x1, y2], dim=1)
    points = target["keypoints"] if in_place else target["keypoints"].clone()
    points[..., 0] = width - points[..., 0]
    for a, b in pairs if swap else ():
        points[:, [a, b]] = points[:, [b, a]]
    moved = target["masks"].flip(-1) if masks else target["masks"]
    return image.flip(-1), target | {
        "boxes": boxes,
        "masks": moved,
        "keypoints": points,
    }


def edges_not_exchanged(image, target, pairs):
    image, new = mirror(image, target, pairs)
    x1, y1, x2, y2 = target["boxes"].unbind(dim=1)
    return image, new | {"boxes": torch.stack([6 - x1, y1, 6 - x2, y2], dim=1)}


def upside_down(image, target, pairs):
    return image.flip(-2), mirror(image, target, pairs)[1]


def swapped_without_seen(image, target, pairs):
    image, new = mirror(image, target, pairs)
    new["keypoints"][..., 2] = target["keypoints"][..., 2]
    return image, new


def quality(truth, found, least=0.5, half=0.5, by_id=False, segments=0, drop=False):
    ids, others = ([i for i in x.unique().tolist() if i >= 1] for x in (truth, found))
    if drop:
        ids, others = (x.unique()[1:].tolist() for x in (truth, found))
    total, hit = 0.0, 0
    for i in ids:
        for j in [i] if by_id else others:
            both = ((truth == i) & (found == j)).sum().item()
            either = ((truth == i) | (found == j)).sum().item()
            if both / either > least:
                total, hit = total + both / either, hit + 1
    wrong = (len(ids) - hit) * half + (len(others) - hit) * half
    return total / (hit + wrong) if not segments else total / max(hit, 1)


@pytest.mark.parametrize("number, answer, told", [
    ("13.1", lambda x: boxes_of(x, behind=0), "[[0.0, 2.0, 1.0, 2.0]"),
    ("13.1", lambda x: boxes_of(x, first=1), "[3, 3, 4], expected [2, 3, 4]"),
    ("13.1", lambda x: boxes_of(x, numbers=True), "[7, 3, 4]"),
    ("13.1", lambda x: boxes_of(x, drop=True), "rows 3 3 and 5 5, no background"),
    ("13.1", lambda x: boxes_of(x)[0], "return boxes and masks, two things"),
    ("13.1", lambda x: boxes_of(x)[::-1], "the shape of the masks"),
    ("13.1", lambda x: None, "your answer gives None"),
    ("13.2", lambda *a: mirror(*a, last=1), "gives [[3.0, 1.0, 5.0, 3.0]]"),
    ("13.2", lambda *a: mirror(*a, swap=False), "[4.5, 2.5, 0"),
    ("13.2", lambda *a: mirror(*a, masks=False), "gives [0, 1], expected [4, 5]"),
    ("13.2", lambda *a: mirror(*a, in_place=True), "keypoints of the target that"),
    ("13.2", edges_not_exchanged, "gives [[6.0, 1.0, 4.0, 3.0]]"),
    ("13.2", upside_down, "a row of the mirrored picture"),
    ("13.2", swapped_without_seen, "the last unseen"),
    ("13.2", lambda *a: mirror(*a)[1], "return the picture and the target"),
    ("13.3", lambda *a: quality(*a, least=0.49), "a thing in two halves"),
    ("13.3", lambda *a: quality(*a, half=1), "one pair, one miss: your answer gives"),
    ("13.3", lambda *a: quality(*a, segments=1), "gives 0.75, expected 0.5"),
    ("13.3", lambda *a: quality(*a, by_id=True), "the same regions under other ids"),
    ("13.3", lambda *a: quality(*a, drop=True), "nowhere 0: your answer gives 0"),
    ("13.3", lambda *a: None, "is there a return?"),
])  # fmt: skip
def test_wrong_answers_are_told_apart(capsys, number, answer, told):
    check(number, answer)
    line = capsys.readouterr().out
    assert line.startswith(f"Exercise {number}: not yet.") and told in line, line


@pytest.mark.parametrize("number, answer", [
    ("13.1", boxes_of), ("13.2", mirror), ("13.3", quality)])  # fmt: skip
def test_right_answers_pass(capsys, number, answer):
    check(number, answer)
    assert capsys.readouterr().out == f"Exercise {number}: correct.\n"
