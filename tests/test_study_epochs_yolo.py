"""The 35-picture project: its pictures, its net, and the card it leaves."""

from dataclasses import replace

import torch

from course_lib.detection.studies import epochs_yolo
from course_lib.show import failure_curve
from course_lib.training.cards import read_card

CARD = "curve_harbour_epochs_yolo"


def test_the_project_has_28_pictures_of_three_classes_none_of_them_for_validation():
    project = epochs_yolo.Project()
    ids = [project[i][1]["image_id"] for i in range(len(project))]
    assert len(ids) == 28 and not {i for i in ids if i % 5 == 4}
    assert max(ids) < 35 and "masks" not in project[0][1]
    labels = torch.cat([project[i][1]["labels"] for i in range(28)])
    assert labels.unique().tolist() == [1, 2, 3]


def test_the_net_has_the_classes_and_anchors_of_the_project():
    net = epochs_yolo.project_net(epochs_yolo.Project())
    assert [head.num_classes for head in net.heads] == [3, 3]
    widest = max(w for head in net.heads for w, _ in head.anchors)
    assert widest < 60  # px; COCO's reach 344
    assert sum(p.numel() for p in net.parameters()) == 109_320


def test_a_short_study_fills_the_card(monkeypatch):
    monkeypatch.setattr(epochs_yolo, "EPOCHS", (1, 2))
    recipe = replace(epochs_yolo.RECIPE, epochs=2, precision="float32")
    monkeypatch.setattr(epochs_yolo, "RECIPE", recipe)
    card = epochs_yolo.measure([3], 2)
    assert card["values"] == [1, 2] and set(card["methods"]) == {
        "as they are",
        "augmented",
    }
    for parts in (card["methods"], *(o["methods"] for o in card["others"].values())):
        assert all(len(each["3"]) == 2 for each in parts.values())
    assert [set(s) for s in card["shown"]["augmented"]] == [{"old", "new"}] * 2
    failure_curve(card)


def test_the_kept_card_shows_the_over_fit():
    card = read_card(CARD)
    new = torch.tensor([*card["methods"]["as they are"].values()])  # (S, V)
    (old,) = card["others"].values()
    old = torch.tensor([*old["methods"]["as they are"].values()])
    assert card["values"] == list(epochs_yolo.EPOCHS) and len(new) == 3
    assert ((old - new)[:, -1] > 0.2).all()
