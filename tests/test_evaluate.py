"""``evaluate`` on folders of predictions and on networks, from the command line."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from functools import partial

import numpy as np
import pytest
import torch
from colour_net import fitted, painted, ship
from PIL import Image

from course_lib.__main__ import main
from course_lib.data.classes import CAMVID
from course_lib.data.harbour import Harbour
from course_lib.data.opening import open_dataset, read_dials, trained_classes
from course_lib.errors import InputError
from course_lib.metrics import ConfusionMatrix
from course_lib.training.checkpoint import load_net
from course_lib.training.evaluation import evaluate_folders, evaluate_net, file_ids


def write_ids(path, ids):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(ids, dtype=np.uint8)).save(path)


@pytest.fixture
def folders(tmp_path):
    """Two label pictures in CamVid's files (11 is void), one pixel predicted wrong."""
    labels, predictions = tmp_path / "labels", tmp_path / "predictions"
    write_ids(labels / "a.png", [[0, 0, 1, 11]])
    write_ids(labels / "b.png", [[3, 3], [8, 8]])
    write_ids(predictions / "a.png", [[0, 1, 1, 1]])
    write_ids(predictions / "b.png", [[3, 3], [8, 11]])
    return labels, predictions


def command(*words):
    return [str(word) for word in ("evaluate", *words)]


def on_folders(folders, *words):
    labels, predictions = folders
    return command(
        "--dataset", "camvid", "--labels", labels, "--predictions", predictions, *words
    )


def test_two_folders_by_hand(folders, capsys):
    assert main(on_folders(folders, "--json")) == 0
    got = json.loads(capsys.readouterr().out)
    ignored, counted = got["void_ignored"], got["void_counted"]
    iou = dict(zip(got["classes"], ignored["class_iou"], strict=True))
    assert iou["sky"] == 1 / 2 and iou["building"] == 1 / 2 and iou["road"] == 1
    assert iou["car"] == 1 / 2 and iou["tree"] is None  # void is no answer to a car
    assert counted["class_iou"][1] == 1 / 3
    assert got["mean_iou"] == ignored["mean_iou"] == pytest.approx((1.5 + 1) / 4)
    assert got["pixel_accuracy"] == 5 / 7 and counted["pixel_accuracy"] == 5 / 8
    assert got["num_pictures"] == 2 and got["void"] == "ignored"
    assert sum(map(sum, got["confusion_matrix"])) == 8
    assert main(on_folders(folders, "--json", "--void", "count")) == 0
    chosen = json.loads(capsys.readouterr().out)
    assert chosen["void"] == "counted"
    assert {k: chosen[k] for k in counted} == counted


def test_the_table_shows_both_treatments_in_per_cent(folders, capsys):
    assert main(on_folders(folders)) == 0
    lines = capsys.readouterr().out.splitlines()
    row = {line[:28].strip(): line[28:].split() for line in lines}
    assert row["class"] == ["IoU", "IoU", "accuracy"]
    assert row["void pixels"] == ["ignored", "counted", "ignored"]
    assert row["building"] == ["50.00", "33.33", "100.00"]
    assert row["tree"] == ["absent"] * 3
    assert row["mean IoU"] == ["62.50", "58.33"]
    assert "mean IoU without background" not in row  # CamVid's class 0 is the sky


def drop(folders):
    (folders[1] / "b.png").unlink()


def rename(folders):
    write_ids(folders[1] / "c.png", [[0]])


def shrink(folders):
    write_ids(folders[1] / "b.png", [[3]])


def invent(folders):
    write_ids(folders[1] / "b.png", [[3, 3], [8, 12]])


def colour(folders):
    Image.new("RGB", (2, 2)).save(folders[0] / "b.png")


def cut(folders):
    path = folders[1] / "b.png"
    path.write_bytes(path.read_bytes()[:30])


def empty(folders):
    for path in folders[0].iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (drop, r"labels/b.png has no partner b\.\* in .*predictions \(1 such of 2\)"),
        (rename, r"predictions/c.png has no partner c\.\* in .*labels \(1 such of 3\)"),
        (shrink, "predictions/b.png is 1x1 pixels but its labels are 2x2; bring"),
        (invent, "b.png, prediction: id 12 is none of the 11 classes"),
        (colour, "labels/b.png"),
        (cut, "predictions/b.png"),
        (empty, "labels holds no picture"),
    ],
)
def test_folders_that_do_not_fit_end_in_one_sentence(folders, damage, sentence, capsys):
    damage(folders)
    with pytest.raises(InputError, match=sentence):
        evaluate_folders(*folders, "camvid")
    assert main(on_folders(folders)) == 2
    out, err = capsys.readouterr()
    assert not out and len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--labels", "nowhere"], "--labels is given without --predictions"),
        (["--labels", "nowhere", "--predictions", "there"], "there is no folder now"),
        (["--checkpoint", "nowhere.pt"], "there is no checkpoint nowhere.pt"),
    ],
)
def test_wrong_words_end_in_one_sentence(words, sentence, capsys):
    assert main(command("--dataset", "camvid", *words)) == 2
    assert sentence in capsys.readouterr().err


def test_void_of_the_files_becomes_255():
    ids = torch.tensor([0, 1, 11, 150])
    assert file_ids(ids, "camvid").tolist() == [0, 1, 255, 150]
    assert file_ids(ids, "ade20k").tolist() == [255, 0, 10, 149]
    assert file_ids(ids, "voc").tolist() == ids.tolist()


class Painted:
    """Pictures of several sizes in CamVid's colours; the last one is half wrong."""

    name, classes, transform = "painted", CAMVID, None
    sizes = [(2, 3)] * 6 + [(4, 5), (1, 1), (2, 3)]

    def __len__(self):
        return len(self.sizes)

    def __getitem__(self, i):
        generator = torch.Generator().manual_seed(i)
        mask = torch.randint(11, self.sizes[i], generator=generator)
        image = painted(mask, "camvid")
        if i == len(self) - 1:
            mask = mask.clone()
            mask[0] = (mask[0] + 1) % 11
        return image, mask

    def file(self, i):
        return f"picture {i}"


def test_a_network_is_measured_on_pictures_of_any_size():
    net, _ = fitted("camvid")
    matrix = evaluate_net(net.train(), Painted())
    assert net.training  # left as it came
    by_hand = ConfusionMatrix(11)
    for image, mask in Painted():
        colours = CAMVID.colour_map()[:11].float()  # (C, 3)
        pixels = image.flatten(1).T.float()  # (pixels, 3)
        by_hand.update(mask, torch.cdist(pixels, colours).argmin(1).view(mask.shape))
    assert torch.equal(matrix.matrix, by_hand.matrix)
    assert matrix.scores().pixel_accuracy == pytest.approx(1 - 3 / 63)
    half = evaluate_net(net, Painted(), autocast=torch.autocast("cpu", torch.bfloat16))
    assert half.scores().pixel_accuracy > 0.9


def test_a_wrong_id_in_a_data_set_names_the_file():
    class Wrong(Painted):
        def __getitem__(self, i):
            image, mask = super().__getitem__(i)
            return image, mask.fill_(11) if i == 7 else mask

    with pytest.raises(InputError, match="picture 7, labels: id 11 is none"):
        evaluate_net(fitted("camvid")[0], Wrong())


def test_a_network_is_scored_on_the_harbour(tmp_path, monkeypatch, capsys):
    words = ["--dataset", "harbour", "--dial", "thin=1", "--json"]
    words += ["--device", "cpu", "--threads", "1"]
    few = partial(Harbour, count=20)
    monkeypatch.setattr("course_lib.data.harbour.Harbour", few)
    net_file = ship(tmp_path, monkeypatch, "harbour")
    assert main(command("--checkpoint", net_file, *words)) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["dials"] == {"thin": 1} and report["num_pictures"] == 20
    assert report["mean_iou_without_background"] < report["pixel_accuracy"]
    net, _ = load_net(net_file)
    scores = evaluate_net(net, open_dataset("harbour", "test", thin=1)).scores()
    assert report["mean_iou"] == scores.mean_iou
    stranger = ship(tmp_path, monkeypatch, "camvid")
    assert main(command("--checkpoint", stranger, *words)) == 2
    assert (
        "trained on the 11 classes of camvid, not on the 12 of harbour"
        in capsys.readouterr().err
    )


def test_dials_are_read():
    words = ["thin=1", "contrast=0.5", "materials=photo"]
    assert read_dials(words) == {"thin": 1, "contrast": 0.5, "materials": "photo"}
    with pytest.raises(InputError, match='"thin" is not NAME=VALUE'):
        read_dials(["thin"])


def test_a_data_set_that_is_not_there(monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    with pytest.raises(InputError, match='no data set "camwid"; choose one of'):
        open_dataset("camwid", "test")
    with pytest.raises(InputError, match="where is camvid. Give --data FOLDER"):
        open_dataset("camvid", "test")
    with pytest.raises(InputError, match="camvid has no dial thin"):
        open_dataset("camvid", "test", thin=1)
    with pytest.raises(InputError, match='harbour has no dial "thn"; it has thin'):
        open_dataset("harbour", "test", thn=1)


def test_the_class_table_of_a_checkpoint_is_a_name_or_all_of_it():
    assert trained_classes({"classes": "camvid"}) == CAMVID
    stored = json.loads(json.dumps(asdict(CAMVID)))
    assert trained_classes({"classes": stored}) == CAMVID


@pytest.mark.real
def test_the_reference_of_camvid_from_the_shell(real_data):
    folder = real_data / "camvid"
    words = command(
        *("--dataset", "camvid", "--labels", folder / "testannot", "--json"),
        *("--predictions", folder / "espnet_test_predictions"),
    )
    done = subprocess.run(
        [sys.executable, "-m", "course_lib", *words],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    got = json.loads(done.stdout)
    wanted = json.loads((folder / "espnet_test_reference.json").read_text())
    ignored, counted = got["void_ignored"], got["void_counted"]
    for value, key in [
        (counted["mean_iou"], "mean_iou_11_void_pixels_counted_as_false_positives"),
        (got["mean_iou"], "mean_iou_11_void_pixels_ignored"),
        (got["mean_accuracy"], "mean_class_accuracy_11"),
        (got["pixel_accuracy"], "pixel_accuracy_void_ignored"),
        (got["frequency_weighted_iou"], "frequency_weighted_iou_void_ignored"),
    ]:
        assert value == pytest.approx(wanted[key], abs=1e-9), key
    for values, key in [
        (counted["class_iou"], "iou_void_counted"),
        (ignored["class_iou"], "iou_void_ignored"),
        (got["class_accuracy"], "class_accuracy"),
    ]:
        assert [round(value, 6) for value in values] == wanted[key], key
    assert got["confusion_matrix"] == wanted["confusion_matrix"]
    assert got["num_pictures"] == wanted["images"]
