"""The study of labelled pictures: what is kept apart, and a card one can draw."""

import json

import pytest
import torch

from course_lib.detection.recipe import DetectorRecipe
from course_lib.detection.studies import labelled_yolo as study
from course_lib.paths import results_dir
from course_lib.show.curves import scores


def test_the_source_has_seen_no_label_of_the_three_classes():
    things = study.ThinThings(3)
    assert len(things) == 3
    drawn = study.HarbourThings("train", study.FIRST + 3, **study.DIALS, rarity=0.4)
    for i in range(3):
        image, target = things[i]
        picture, truth = drawn[study.FIRST + i]
        assert torch.equal(image, picture)
        kept = truth["labels"] > 3
        assert target["labels"].tolist() == (truth["labels"][kept] - 3).tolist()
        assert torch.equal(target["boxes"], truth["boxes"][kept])


def test_every_seed_has_pictures_of_its_own_and_less_is_a_part_of_more():
    two, five = study.labelled(2, 0), study.labelled(5, 0)
    assert len(five) == 5 and torch.equal(two[1][0], five[1][0])
    others = study.labelled(2, 1)
    assert not torch.equal(two[0][0], others[0][0])
    assert study.VALUES[-1] * 3 < study.FIRST


def test_a_tiny_run_gives_a_card(monkeypatch):
    tiny = DetectorRecipe(steps=2, batch_size=2, optimiser="adamw", lr=0.001)
    monkeypatch.setattr(study, "RECIPE", tiny)
    monkeypatch.setattr(study, "VALUES", (2, 3))
    monkeypatch.setattr(study, "SOURCE", 2)
    monkeypatch.setattr(study, "SOURCE_STEPS", 2)
    study.source.cache_clear()
    card = study.measure([0], 2)
    study.source.cache_clear()
    assert {name: points.shape for name, points in scores(card).items()} == {
        "from scratch": (1, 2),
        "transferred": (1, 2),
    }


def test_the_kept_card_says_what_the_chapter_shows():
    file = results_dir() / "curve_harbour_labelled_yolo.json"
    if not file.is_file():
        pytest.skip("the curve has not been measured")
    card = json.loads(file.read_text())
    assert card["values"] == list(study.VALUES) and 35 in card["values"]
    curves = scores(card)
    assert all(points.shape[0] >= 3 for points in curves.values())
    scratch, transferred = (curves[m].mean(axis=0) for m in study.METHODS)
    assert transferred[0] - scratch[0] > 0.05  # with two pictures
    assert (abs(transferred - scratch)[1:] < 0.05).all()  # with five or more
    assert scratch[-1] - scratch[0] > 0.3
