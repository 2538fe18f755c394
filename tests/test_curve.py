"""The failure curve of chapter 02: how it is measured, and what is kept."""

import pytest
import torch
from torch import nn

from course_lib.__main__ import main
from course_lib.commands.curve import CURVES, find_plan
from course_lib.data.harbour import Harbour
from course_lib.metrics import ConfusionMatrix
from course_lib.paths import weights_dir
from course_lib.show import failure_curve
from course_lib.training.cards import read_card
from course_lib.training.checkpoint import load_net
from course_lib.training.curve import (
    TurnedHarbour,
    curves,
    measure,
    score_over_dial,
    title,
)

CARD = "curve_harbour_thin_fcn32s"


class Always(nn.Module):
    """Answers one class everywhere."""

    def __init__(self, k: int):
        super().__init__()
        self.k = k

    def forward(self, images):
        logits = torch.zeros(len(images), 12, *images.shape[-2:])
        logits[:, self.k] = 1
        return {"out": logits}


def test_the_dial_goes_round():
    turned = TurnedHarbour(count=4, thin=(1, 5))
    for i, value in enumerate((1, 5, 1, 5)):
        assert torch.equal(turned[i][1], Harbour("train", 4, thin=value)[i][1])
    assert turned.file(3) == "harbour_train_000003" and len(turned) == 4


def test_several_dials_turn_like_a_counter():
    turned = TurnedHarbour(count=6, context=(0, 1), thin=(1, 5))
    dials = [(0, 1), (0, 5), (1, 1), (1, 5), (0, 1), (0, 5)]
    for i, (context, thin) in enumerate(dials):
        alone = Harbour("train", 6, context=context, thin=thin)
        assert all(map(torch.equal, turned[i], alone[i])), i


def test_measures_of_two_classes_by_hand():
    names = ("water", "boat", "car")
    labels = torch.tensor([1, 1, 1, 1, 2, 2, 0, 255])
    answer = torch.tensor([1, 2, 2, 0, 1, 2, 1, 1])
    matrix = ConfusionMatrix(3).update(labels, answer)
    assert measure(matrix, names, "boat called car") == 2 / 4
    assert measure(matrix, names, "car called boat") == 1 / 2
    assert measure(matrix, names, "boat or car mixed up") == 3 / 6
    assert measure(matrix, names, "boat") == pytest.approx(1 / 6)
    assert measure(matrix, names, "mean IoU") == matrix.scores().mean_iou
    assert measure(matrix, names, "pixel accuracy") == matrix.scores().pixel_accuracy
    assert title("mean IoU") == "mean IoU"
    assert title("boat called car") == "share of boat called car"
    assert title("boat") == "IoU of boat"


def test_one_class_everywhere_scores_its_share():
    scores = score_over_dial(Always(9), "thin", (2, 8), ("mast", "sky"), count=3)
    for value, iou in zip((2, 8), scores["mast"], strict=True):
        masks = torch.stack([Harbour("test", 3, thin=value)[i][1] for i in range(3)])
        share = (masks == 9).sum() / (masks != 255).sum()
        assert iou == pytest.approx(share.item(), abs=1e-9)
    assert scores["sky"] == [0, 0]


def test_scores_become_a_card_that_can_be_drawn():
    scores = {"old": {"0": {"mast": [0.12345, 0.2]}, "1": {"mast": [0.3, 0.4]}}}
    parts = curves(scores, ["mast"])
    assert parts["mast"]["methods"]["old"] == {"0": [0.1235, 0.2], "1": [0.3, 0.4]}
    failure_curve({"dial": "thin", "values": [1, 2], **parts["mast"]})


@pytest.mark.parametrize("name", [n for n in CURVES if "detection" not in CURVES[n]])
def test_a_kept_card_has_three_seeds_and_can_be_drawn(name):
    card, plan = read_card(f"curve_harbour_{name}"), find_plan(name)
    assert card["values"] == list(plan.VALUES) and card["num_pictures"] >= 200
    assert set(card["methods"]) == set(plan.RECIPES)
    for part in (card, *card["others"].values()):
        assert all(set(seeds) == {"0", "1", "2"} for seeds in part["methods"].values())
        failure_curve(card | part)


@pytest.mark.parametrize("method", ["converted classifier", "FCN-32s"])
def test_a_point_of_the_kept_curve_is_measured_again(method):
    card = read_card(CARD)
    net, _ = load_net(weights_dir() / f"{card['shipped'][method]}.safetensors")
    place = card["values"].index(8)
    [iou] = score_over_dial(net, "thin", [8], ["lamp post"])["lamp post"]
    part = card if card["score"].endswith("lamp post") else card["others"]["lamp post"]
    assert iou == pytest.approx(part["methods"][method]["0"][place], abs=0.01)


def test_the_command_scores_what_is_shipped(capsys):
    main(["curve", "thin_fcn32s", "--shipped", "--count", "2"])
    out = capsys.readouterr().out
    assert "FCN-32s, seed 0, over thin (px)" in out and "lamp post" in out


def test_an_unknown_curve_is_told(capsys):
    with pytest.raises(SystemExit):
        main(["curve", "nothing"])
    assert "thin_fcn32s" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["thin_fcn", "thin_resnet", "context_heads"])
def test_a_point_of_a_curve_of_the_table_is_measured_again(name):
    card, plan = read_card(f"curve_harbour_{name}"), find_plan(name)
    method, file = list(plan.SHIPPED.items())[-1]
    net, _ = load_net(weights_dir() / f"{file}.safetensors")
    [score] = score_over_dial(net, plan.DIAL, plan.VALUES[-1:], plan.CLASSES[:1])[
        plan.CLASSES[0]
    ]
    assert score == pytest.approx(card["methods"][method]["0"][-1], abs=0.01)
