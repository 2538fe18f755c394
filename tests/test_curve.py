"""The failure curve of chapter 02: how it is measured, and what is kept."""

import pytest
import torch
from torch import nn

from course_lib.__main__ import main
from course_lib.data.harbour import Harbour
from course_lib.paths import weights_dir
from course_lib.show import failure_curve
from course_lib.training.cards import read_card
from course_lib.training.checkpoint import load_net
from course_lib.training.curve import TurnedHarbour, curves, score_over_dial

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


def test_the_kept_card_has_three_seeds_and_can_be_drawn():
    card = read_card(CARD)
    assert card["values"] == [1, 2, 3, 4, 6, 8] and card["num_pictures"] >= 200
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
    assert "FCN-32s, seed 0: IoU at thin (px)" in out and "lamp post" in out


def test_an_unknown_curve_is_told(capsys):
    with pytest.raises(SystemExit):
        main(["curve", "nothing"])
    assert "thin_fcn32s" in capsys.readouterr().err
