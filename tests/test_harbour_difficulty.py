"""The difficulty card: the harbour is today as hard as when it was kept."""

import json

import pytest
import torch

from course_lib.data.harbour import Harbour
from course_lib.data.harbour.difficulty import BAND, CARD, measure, tiny_score
from course_lib.paths import results_dir


@pytest.fixture(scope="module")
def card() -> dict:
    return json.loads((results_dir() / CARD).read_text())


def test_shares_sizes_and_occlusion_are_exactly_those_of_the_card(card):
    found = measure(Harbour("test", count=card["num_pictures"]))
    assert found == {name: card[name] for name in found}


def test_the_card_covers_at_least_200_pictures_and_every_class(card):
    assert card["num_pictures"] >= 200
    assert all(share > 0 for share in card["class_share"].values())
    assert card["class_share"]["buoy"] < 0.002  # the rare one
    total = sum(card["class_share"].values()) + card["void_share"]
    assert total == pytest.approx(1, abs=1e-3)


def test_the_tiny_net_scores_what_the_card_says_within_its_band(card):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        score = tiny_score()["mean_iou"]
    finally:
        torch.set_num_threads(threads)
    assert card["tiny_net"]["band"] == BAND
    assert score == pytest.approx(card["tiny_net"]["mean_iou"], abs=BAND)
