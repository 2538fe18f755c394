"""What it costs to lose a class, and the kept label card of CamVid."""

import json

import pytest
import torch

from course_lib.data.classes import CAMVID
from course_lib.data.label_card import (
    all_labels,
    prediction_scores,
    split_statistics,
)
from course_lib.data.readers.camvid import CamVid
from course_lib.errors import InputError
from course_lib.metrics import cost_of_losing
from course_lib.training.cards import read_card

FAR = torch.tensor([[0, 0, 0, 2], [1, 1, 1, 255]])  # class 2 is one pixel of seven
NEAR = torch.tensor([[0, 0, 0, 0], [1, 1, 1, 1]])


def test_cost_of_losing_by_hand():
    cost = cost_of_losing([FAR, NEAR], lost=2, instead=0, num_classes=3)
    assert cost["pixel accuracy"] == pytest.approx(100 / 15)
    # IoU of 0: 7 of 8, of 1: 1, of 2: 0
    assert cost["mean IoU"] == pytest.approx(100 * (1 - (7 / 8 + 1) / 3))
    # first picture: 3 of 4, 1 and 0; second picture: nothing is lost
    assert cost["mean IoU by picture"] == pytest.approx(50 * (1 - (3 / 4 + 1) / 3))


def test_a_class_that_is_not_there_costs_nothing():
    cost = cost_of_losing([NEAR], lost=2, instead=0, num_classes=3)
    assert set(cost.values()) == {0.0}


def test_a_class_cannot_stand_in_for_itself():
    with pytest.raises(InputError, match="stand in for itself"):
        cost_of_losing([NEAR], lost=1, instead=1, num_classes=3)


def test_the_card_says_what_the_chapter_reads():
    card = read_card("labels_camvid")
    assert [card["splits"][s]["num_pictures"] for s in ("train", "val", "test")] == [
        367, 101, 233,
    ]  # fmt: skip
    for split in card["splits"].values():
        assert sum(split["class_share"].values()) == pytest.approx(1)
        assert tuple(split["class_share"]) == CAMVID.names
    assert set(card["points_lost"]) == {"split", *CAMVID.names}


@pytest.mark.real
def test_the_card_is_measured_again(real_data):
    card = read_card("labels_camvid")
    dataset = CamVid(real_data / "camvid", "test")
    masks = all_labels(dataset)
    assert split_statistics(masks) == card["splits"]["test"]
    pole, road = CAMVID.index("pole"), CAMVID.index("road")
    cost = cost_of_losing(masks, pole, road, CAMVID.num_classes)
    assert cost == card["points_lost"]["pole"]
    folder = real_data / "camvid" / "espnet_test_predictions"
    if folder.is_dir():
        scores = prediction_scores(dataset, folder)
        kept = {k: v for k, v in card["predictions"].items() if k != "of"}
        assert json.loads(json.dumps(scores)) == kept
