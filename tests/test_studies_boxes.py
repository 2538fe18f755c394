"""The curves of chapter 12: their parts, and what is kept of them."""

import pytest
import torch

from course_lib.detection.boxes import box_iou
from course_lib.detection.studies import scale_anchors, size_anchors
from course_lib.show import failure_curve
from course_lib.training.cards import read_card


def test_the_dial_of_the_training_pictures_goes_round():
    turned = scale_anchors.EveryScale(7)
    for i in (0, 4, 6):
        alone = scale_anchors.BroadThings("train", 7, scale=(1, 2, 4, 6, 8)[i % 5])
        assert torch.equal(turned[i][0], alone[i][0])
        assert turned[i][1]["labels"].max() <= 3
    with pytest.raises(IndexError):
        turned[7]


def test_the_card_of_scale_keeps_the_plan():
    card, plan = read_card("curve_harbour_scale_anchors"), scale_anchors
    assert card["values"] == list(plan.VALUES) and card["seeds"] == [0, 1, 2]
    assert card["num_pictures"] == 200 and card["recipe"]["steps"] == plan.RECIPE.steps
    for one in (card, *card["others"].values()):
        failure_curve(card | one)
        assert list(one["methods"]) == list(plan.METHODS)
        for seeds in one["methods"].values():
            assert sorted(seeds) == ["0", "1", "2"]
            assert all(0 <= x <= 1 for row in seeds.values() for x in row)


@pytest.mark.parametrize("method", ["one anchor", "nine anchors"])
def test_what_anchors_reach_is_measured_again(method):
    card = read_card("curve_harbour_scale_anchors")
    for value, kept in zip((1, 8), (0, -1), strict=True):
        some = scale_anchors.BroadThings("test", 40, scale=value)
        got = scale_anchors.reachable(method, some)
        assert got == pytest.approx(card["reachable"][method][kept], abs=0.1)


def test_shapes_and_bins_by_hand():
    sides = torch.tensor([[10.0, 20], [30, 5]])
    anchors = torch.tensor([[10.0, 20], [20, 10]])
    corners = [torch.cat([-x / 2, x / 2], dim=1) for x in (sides, anchors)]
    got = size_anchors.shape_iou(sides, anchors)
    torch.testing.assert_close(got, box_iou(*corners))
    things = [{"image_id": 1, "category_id": 2, "bbox": [0, 0, 10, 10]},
              {"image_id": 1, "category_id": 3, "bbox": [50, 0, 20, 40]}]  # fmt: skip
    results = [{"image_id": 1, "category_id": 2, "bbox": [0, 0, 10, 6]},
               {"image_id": 1, "category_id": 2, "bbox": [50, 0, 20, 40]}]  # fmt: skip
    assert size_anchors.found(things, results).tolist() == [True, False]
    images = [{"id": 1, "width": 640, "height": 160}]
    assert size_anchors.sizes(things, images).tolist() == [[5, 20], [10, 80]]
    bins = torch.tensor([0, 0, 1, 2, 3, 4, 5])
    hits = torch.tensor([True, False, True, True, False, False, True])
    assert size_anchors.by_bin(hits, bins) == [0.5, 1, 1, 0, 0, 1]


@pytest.mark.real
def test_the_card_of_sizes_is_measured_again(real_data):
    card = read_card("curve_coco128_size_anchors")
    failure_curve(card)
    measured = size_anchors.measure([0], 0)
    assert {name: card[name] for name in measured} == measured
