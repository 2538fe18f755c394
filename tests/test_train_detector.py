"""``train-detector`` and ``evaluate-detector``: a training of two steps, and errors."""

import json

import pytest

from course_lib.__main__ import main
from course_lib.commands.train_detector import trained_by
from course_lib.detection import cards

SMALL = {
    "backbone_options": {"name": "resnet9", "width": 4, "channels": 8, "stages": 3},
    "rpn_post_nms_top_n_test": 20,
}
TRAIN = ["train-detector", "--model", "maskrcnn", "--dataset", "harbour", "--steps",
         "2", "--count", "4", "--batch-size", "2", "--threads", "1",
         "--options", json.dumps(SMALL)]  # fmt: skip


@pytest.fixture
def few_pictures(monkeypatch):
    """A harbour whose test split has three pictures."""
    from course_lib.data.harbour import dataset

    monkeypatch.setitem(dataset.COUNT, "test", 3)


def test_trains_ships_measures_and_measures_the_same_again(
    tmp_path, capsys, few_pictures
):
    folder = tmp_path / "run"
    arguments = [*TRAIN, "--precision", "float32", "--save-dir", str(folder)]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    for loss in ("classifier", "box_reg", "mask", "objectness", "rpn_box_reg", "sum"):
        assert f"  {loss} " in out
    card = json.loads((folder / "maskrcnn_harbour.json").read_text())
    assert [key for key in cards.REQUIRED if key not in card] == []
    assert card["num_pictures"] == 3 and card["steps"] == 2
    assert {"mask_ap50", "class_ap50", "ap50"} <= set(card)
    assert str(tmp_path) not in json.dumps(card)
    file = folder / "maskrcnn_harbour.safetensors"
    assert main(["evaluate-detector", "--checkpoint", str(file), "--dataset",
                 "harbour", "--threads", "1", "--json"]) == 0  # fmt: skip
    again = json.loads(capsys.readouterr().out)
    assert again["bbox"]["AP50"] == card["ap50"]
    assert again["segm"]["AP50"] == card["mask_ap50"]
    assert main(arguments) == 2
    assert "holds a run already; --resume it" in capsys.readouterr().err


@pytest.mark.parametrize(
    "more, told",
    [
        (["--model", "fcn"], "there is no detector 'fcn'"),
        (["--dataset", "camvid"], "there is no data set 'camvid'"),
        (["--options", "width=3"], "--options 'width=3' is no JSON object"),
        (["--options", '{"box_chanels": 3}'], "there is no option 'box_chanels'"),
        (["--steps", "0"], "steps is 0"),
    ],
)
def test_wrong_input_ends_in_one_sentence(more, told, capsys, tmp_path):
    assert main([*TRAIN, *more, "--save-dir", str(tmp_path)]) == 2
    assert told in capsys.readouterr().err


def test_the_card_names_no_folder():
    words = ["train-detector", "--save-dir", "/x", "--resume", "--name", "a b",
             "--weights", "/x/y.safetensors"]  # fmt: skip
    told = "python -m course_lib train-detector --name 'a b' --weights y.safetensors"
    assert trained_by(words) == told
