"""Kept cards say all they must and belong to the weights beside them."""

import json
import statistics

import pytest

from course_lib.detection import cards as detection_cards
from course_lib.detection.average_precision import evaluate
from course_lib.errors import InputError
from course_lib.paths import results_dir, weights_dir
from course_lib.training import cards
from course_lib.training.checkpoint import load_net

FILES = sorted(results_dir().glob("*.json"))
CARDS = {path.stem: json.loads(path.read_text()) for path in FILES}
WITH_WEIGHTS = {n: card for n, card in CARDS.items() if "weights_sha256" in card}
NETS = sorted(name for name, card in WITH_WEIGHTS.items() if "mean_iou" in card)
DETECTORS = sorted(name for name, card in WITH_WEIGHTS.items() if "ap" in card)
WEIGHTS = sorted(
    file
    for file in weights_dir().iterdir()
    if file.suffix in (".safetensors", ".weights")
)


@pytest.mark.parametrize("name", NETS)
def test_a_card_of_a_net_is_whole_and_fits_its_file(name):
    card = CARDS[name]
    assert [key for key in cards.REQUIRED if key not in card] == []
    file = weights_dir() / f"{name}.safetensors"
    assert cards.file_hash(file) == card["weights_sha256"]
    assert str(file.name) in card["command"]
    assert 0 <= card["mean_iou"] <= 1 and len(card["class_iou"]) > 1
    _, info = load_net(file)
    assert info["model"] == card["recipe"]["model"]


@pytest.mark.parametrize("name", DETECTORS)
def test_a_card_of_a_detector_is_whole_and_fits_its_file(name):
    card = CARDS[name]
    assert [key for key in detection_cards.REQUIRED if key not in card] == []
    assert 0 <= card["ap"] <= card["ap50"] <= 1 and card["class_ap50"]
    file = detection_cards.weights_file(name)
    if file:  # those that began with others' weights are not shipped
        assert cards.file_hash(file) == card["weights_sha256"]
        assert file.name in card["command"]


def test_every_shipped_net_has_a_card_and_all_are_small():
    names = [file.stem for file in WEIGHTS]
    assert len(set(names)) == len(names)
    assert set(NETS) <= set(names) <= {*NETS, *DETECTORS}
    for file in WEIGHTS:
        if file.suffix == ".weights":
            assert file.with_suffix(".cfg").is_file(), file.name
    assert sum(file.stat().st_size for file in weights_dir().iterdir()) < 20e6
    assert all(file.stat().st_size < 4e6 for file in WEIGHTS)


def test_no_card_names_a_path_of_a_machine():
    for name, card in CARDS.items():
        text = json.dumps(card)
        assert '"/' not in text and ":\\\\" not in text, name


def test_a_card_that_lacks_something_is_not_written(tmp_path):
    with pytest.raises(InputError, match="'a' does not say 'dataset'"):
        cards.write_card({"name": "a"}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_card_lists_the_known():
    with pytest.raises(InputError, match="card 'nothing'; kept are .*difficulty"):
        cards.read_card("nothing")


def test_a_card_of_a_detector_says_what_was_found_of_boxes_and_masks():
    truth = {
        "images": [{"id": 1, "height": 60, "width": 60}],
        "categories": [{"id": 1, "name": "boat"}, {"id": 2, "name": "car"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 50, 50]}
            | {"area": 2500, "iscrowd": 0, "segmentation": [[0, 0, 0, 50, 50, 50]]}
        ],
    }
    row = {"image_id": 1, "category_id": 1, "score": 0.5, "bbox": [0, 0, 50, 28]}
    reports = {kind: evaluate(truth, [row], kind) for kind in ("bbox", "segm")}
    about = dict.fromkeys(detection_cards.REQUIRED, 0)
    about = {k: about[k] for k in detection_cards.REQUIRED[10:-5]}
    about |= {"weights_sha256": "0", "command": "detect"}
    dataset = Painted()
    card = detection_cards.detection_card("a", dataset, "test", reports, about)
    found = [card["ap50"], card["ap75"], card["mask_ap50"]]
    assert found == pytest.approx([1, 0, 0])
    assert card["class_ap50"] == {"boat": pytest.approx(1), "car": None}
    assert card["ap_small"] is None and card["resolution"] == [60, 60]
    assert json.loads(json.dumps(card)) == card
    del about["minutes"]
    with pytest.raises(InputError, match="card 'a' does not say 'minutes'; give it"):
        detection_cards.detection_card("a", dataset, "test", reports, about)


class Painted:
    """A data set as far as a card asks for it."""

    name, size = "painted", (60, 60)

    def __len__(self):
        return 1

    def file(self, i):
        return "one.png"


@pytest.mark.real
def test_the_camvid_card_can_be_measured_again(real_data, capsys):
    from course_lib.__main__ import main

    card = CARDS["dilated_fpn_camvid"]
    command = card["command"].split()[3:]
    command[command.index("--checkpoint") + 1] = str(
        weights_dir() / "dilated_fpn_camvid.safetensors"
    )
    main([*command, "--data", str(real_data / "camvid"), "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["mean_iou"] == pytest.approx(card["mean_iou"], abs=1e-3)
    counted = card["void_counted"]["mean_iou"]
    assert report["void_counted"]["mean_iou"] == pytest.approx(counted, abs=1e-3)


def test_the_front_page_says_what_the_cards_say():
    page = (results_dir().parent.parent / "README.md").read_text()
    for name in ("dilated_fpn_camvid", "fcn32s_harbour"):
        card = CARDS[name]
        for figure in (card["mean_iou"], card["void_counted"]["mean_iou"]):
            assert f"{100 * figure:.1f}" in page, (name, figure)


def test_the_front_page_says_what_the_tables_say():
    page = (results_dir().parent.parent / "README.md").read_text()
    for row in CARDS["table_harbour"]["rows"]:
        if len(row["runs"]) == 2:  # equal steps and equal time
            figures = [_figure(runs) for runs in row["runs"].values()]
            cells = [row["net"], *figures, f"{row['params']:,}"]
            assert f"| {' | '.join(cells)} |" in page.replace("**", "")
    page = (results_dir() / "README.md").read_text()
    for row in CARDS["table_camvid"]["rows"]:
        for run in row.get("runs", {}).get("30 epochs", {}).values():
            assert f"{row['net']} {100 * run['mean_iou']:.1f}" in page


def _figure(runs):
    scores = [100 * run["mean_iou"] for run in runs.values()]
    return f"{statistics.mean(scores):.1f} ± {statistics.pstdev(scores):.1f}"
