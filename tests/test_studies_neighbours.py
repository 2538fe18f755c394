"""The studies of chapter 13: pieces of a class map, what is found, shares."""

import numpy as np
import pytest
import torch

from course_lib.data.targets import target_of
from course_lib.detection.components import class_map_of, components
from course_lib.detection.studies import neighbours
from course_lib.detection.studies.overlap_maskrcnn import (
    matched,
    neighbour_iou,
    shares,
)


def bars(gap: int) -> dict:
    """Two people ``gap`` px apart and a boat."""
    masks = torch.zeros(3, 20, 40, dtype=torch.bool)
    masks[0, 2:12, 3:8] = masks[1, 2:12, 8 + gap : 13 + gap] = True
    masks[2, 14:18, 20:35] = True
    return target_of(masks, torch.tensor([3, 3, 1]), 0)


@pytest.mark.parametrize("gap, pieces", [(2, 3), (0, 2)])
def test_pieces_of_a_class_map_melt_when_things_touch(gap, pieces):
    target = bars(gap)
    classes, _ = class_map_of(target["masks"], target["labels"])
    found = components(classes)
    assert len(found["boxes"]) == len(found["masks"]) == pieces
    assert sorted(found["labels"].tolist()) == [1] + [3] * (pieces - 1)
    wanted = target["boxes"] if gap else torch.tensor([[3.0, 2, 13, 12]])
    for box in wanted:
        assert (found["boxes"] == box).all(dim=1).any()


def test_the_best_thing_is_painted_last_and_scores_its_piece():
    masks = torch.zeros(2, 4, 4)
    masks[0, :, :3], masks[1, :, 2:] = 1, 1
    classes, sure = class_map_of(masks, torch.tensor([1, 2]), torch.tensor([0.9, 0.6]))
    assert classes[0].tolist() == [1, 1, 1, 2]
    found = components(classes, sure)
    scores = dict(zip(found["labels"].tolist(), found["scores"].tolist(), strict=True))
    assert scores == pytest.approx({1: 0.9, 2: 0.6})
    assert len(components(torch.zeros(4, 4, dtype=torch.int64))["boxes"]) == 0


def test_methods_of_a_perfect_detector():
    """What is found is the truth: instances are perfect, pieces are not."""
    found = bars(0)
    found["masks"] = found["masks"][:, None].float()
    found["scores"] = torch.tensor([0.9, 0.8, 0.7])
    methods = neighbours.methods_of(bars(0), found)
    assert methods[neighbours.NEW] is found
    assert len(methods[neighbours.PERFECT]["boxes"]) == 2
    assert len(methods[neighbours.PIECES]["boxes"]) == 2
    assert torch.equal(methods[neighbours.BOXES]["masks"], found["masks"])


def test_scores_of_a_detector_that_knows_the_truth():
    dataset = [(torch.zeros(3, 20, 40, dtype=torch.uint8), bars(0))]

    def detector(images):
        found = {key: bars(0)[key] for key in ("boxes", "labels")}
        masks = bars(0)["masks"][:, None].float()
        return [found | {"masks": masks, "scores": torch.ones(3)}]

    scores = neighbours.scores_of(detector, dataset, [0])
    assert scores[neighbours.NEW] == scores[neighbours.BOXES] == pytest.approx(1)
    # the boat is right; the melted people have IoU 0.5 with the first of the two
    assert scores[neighbours.PERFECT] == scores[neighbours.PIECES] < 0.8


def test_people_are_found_once_and_by_the_best_boxes():
    truth = [torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10]])]
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [20, 0, 30, 9]])
    rows = [{"boxes": boxes, "scores": torch.tensor([0.9, 0.8, 0.7])}]
    assert matched(rows, truth, keep=2)[0].tolist() == [True, False]
    assert matched(rows, truth, keep=3)[0].tolist() == [True, True]
    empty = [{"boxes": torch.zeros(0, 4), "scores": torch.zeros(0)}]
    assert matched(empty, truth, keep=3)[0].tolist() == [False, False]


def test_overlap_with_the_neighbour_and_shares_by_hand():
    boxes = torch.tensor([[0.0, 0, 4, 2], [2, 0, 6, 2], [50, 0, 60, 9]])
    assert neighbour_iou(boxes) == pytest.approx([4 / 12, 4 / 12, 0])
    found = [np.array([True, False]), np.array([True, True])]
    group = [np.array([0, 2]), np.array([0, 1])]
    rows = shares(found, group, seed=0)
    assert rows["measured"] == [1, 1, 0]
    assert (np.array(rows["low"]) <= rows["measured"]).all()
    assert (np.array(rows["high"]) >= rows["measured"]).all()
