"""Checks of chapters/13_mask_rcnn_finetuning."""

import torch

from course_lib.teaching.checks import exercise, expect


@exercise("13.1")
def boxes_of(answer):
    """Boxes and masks of an indexed mask."""
    indexed = torch.tensor([[0, 0, 0, 0], [0, 7, 7, 0], [2, 2, 0, 0]])
    got = answer(indexed)
    two = isinstance(got, tuple) and len(got) == 2
    assert two, f"return boxes and masks, two things; your answer gives {got!r}"
    boxes, masks = got
    asked = "rows 0 0 0 0, 0 7 7 0 and 2 2 0 0"
    expect(f"{asked}: the shape of the masks", list(masks.shape), [2, 3, 4])
    expect(f"{asked}: the pixels of each mask", masks.sum(dim=(1, 2)), [2, 2])
    expect(f"{asked}: the boxes", boxes, [[0.0, 2, 2, 3], [1, 1, 3, 2]])
    one = torch.zeros(5, 6, dtype=torch.uint8)
    one[1:4, 2] = 255
    expect("one thing, a pixel wide: its box", answer(one)[0], [[2.0, 1, 3, 4]])
    full = torch.tensor([[3, 3], [5, 5]])
    asked = "rows 3 3 and 5 5, no background: the boxes"
    expect(asked, answer(full)[0], [[0.0, 0, 2, 1], [0, 1, 2, 2]])
    boxes, masks = answer(torch.zeros(5, 6, dtype=torch.int64))
    expect("nothing but background: the shape of the boxes", list(boxes.shape), [0, 4])
    shape = list(masks.shape)
    expect("nothing but background: the shape of the masks", shape, [0, 5, 6])


@exercise("13.2")
def mirror(answer):
    """Picture, boxes, masks and keypoints, left for right."""
    image = torch.arange(24, dtype=torch.uint8).view(1, 4, 6).repeat(3, 1, 1)
    masks = torch.zeros(1, 4, 6, dtype=torch.uint8)
    masks[0, 1:3, 0:2] = 1
    points = torch.tensor([[[1.0, 1.5, 1], [0.5, 2.5, 1], [1.5, 2.5, 0]]])
    target = {
        "boxes": torch.tensor([[0.0, 1, 2, 3]]),
        "labels": torch.tensor([1]),
        "masks": masks,
        "keypoints": points,
    }
    before = {name: value.clone() for name, value in target.items()}
    got = answer(image.clone(), target, [(1, 2)])
    two = isinstance(got, tuple) and len(got) == 2 and isinstance(got[1], dict)
    assert two, "return the picture and the target, two things"
    expect("a row of the mirrored picture", got[0][0, 0], [5, 4, 3, 2, 1, 0])
    expect("box [0, 1, 2, 3] in a picture 6 px wide", got[1]["boxes"], [[4.0, 1, 6, 3]])
    expect("the mask, 1 in columns 0 and 1: its columns", columns(got[1]), [4, 5])
    wanted = [[[5.0, 1.5, 1], [4.5, 2.5, 0], [5.5, 2.5, 1]]]
    asked = "pairs [(1, 2)], width 6, points at x = 1, 0.5, 1.5, the last unseen"
    expect(asked, got[1]["keypoints"], wanted)
    expect("the labels", got[1].get("labels"), [1])
    for name, value in before.items():
        same = torch.equal(target[name], value)
        assert same, f"{name} of the target that came in were changed; work on a copy"
    twice = answer(*got, [(1, 2)])[1]["keypoints"]
    expect("mirrored twice, the keypoints", twice, points)


def columns(target: dict) -> list[int]:
    """The columns in which the first mask has pixels."""
    return target["masks"][0].any(dim=0).nonzero()[:, 0].tolist()


@exercise("13.3")
def panoptic_quality(answer):
    """PQ of two maps of ids."""
    truth = torch.tensor([[1, 1, 1, 1, 0, 0, 2, 2]])
    expect("truth against itself", answer(truth, truth), 1.0)
    names = torch.tensor([[9, 9, 9, 9, 0, 0, 3, 3]])
    expect("the same regions under other ids", answer(truth, names), 1.0)
    found = torch.tensor([[1, 1, 1, 0, 0, 0, 0, 0]])
    asked = "[1 1 1 1 0 0 2 2] against [1 1 1 0 0 0 0 0]: one pair, one miss"
    expect(asked, answer(truth, found), 0.75 / 1.5)
    found = torch.tensor([[1, 1, 1, 0, 0, 4, 2, 2]])
    asked = "[1 1 1 1 0 0 2 2] against [1 1 1 0 0 4 2 2]: a false alarm"
    expect(asked, answer(truth, found), 1.75 / 2.5)
    found = torch.tensor([[1, 1, 5, 5, 0, 0, 2, 2]])
    asked = "a thing in two halves, IoU 0.5 each, which is not above a half"
    expect(asked, answer(truth, found), 1 / 2.5)
    truth, found = torch.tensor([[1, 1, 1, 2]]), torch.tensor([[4, 4, 4, 4]])
    asked = "[1 1 1 2] against [4 4 4 4], nowhere 0"
    expect(asked, answer(truth, found), 0.75 / 1.5)
