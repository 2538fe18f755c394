"""``predict`` from the command line: what it writes, and what it says."""

import csv
import json

import numpy as np
import pytest
import torch
from colour_net import fitted, painted, ship
from PIL import Image

from course_lib.__main__ import main
from course_lib.commands.predict import class_ratios, find_pictures, named, predict_mask
from course_lib.data.classes import CAMVID


def street(height=20, width=30):
    """Sky over building over road."""
    mask = torch.zeros(height, width, dtype=torch.int64)
    mask[height // 2 :] = 3
    mask[height // 4 : height // 2] = 1
    return mask


def save(path, mask, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = painted(mask, "camvid").permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(path, **options)


@pytest.fixture
def net_file(tmp_path, monkeypatch):
    return ship(tmp_path, monkeypatch)


@pytest.fixture
def predict(net_file, tmp_path, monkeypatch):
    """Run the command in an empty folder; gives the status."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        one = ["--device", "cpu", "--threads", "1"]
        words = ["predict", "--checkpoint", net_file, *one, *words]
        return main([str(word) for word in words])

    return run


def test_label_picture_overlay_and_ratios(predict, tmp_path, capsys):
    save(tmp_path / "shots" / "quay.png", street())
    assert predict("shots") == 0
    out = tmp_path / "predictions"
    names = ["quay_labels.png", "quay_overlay.png", "ratios.csv"]
    assert sorted(path.name for path in out.iterdir()) == names
    with Image.open(out / "quay_labels.png") as labels:
        assert labels.mode == "P"
        assert np.array_equal(np.array(labels), street().numpy())
        assert tuple(labels.getpalette()[9:12]) == CAMVID.palette[3]
    with Image.open(out / "quay_overlay.png") as overlay:
        assert (overlay.mode, overlay.size) == ("RGB", (30, 20))
    with (out / "ratios.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert row["picture"] == "quay" and list(row)[1:] == list(CAMVID.names)
    assert [float(row[n]) for n in ("sky", "building", "road")] == [0.25, 0.25, 0.5]
    line = "quay: road 50.0 %, sky 25.0 %, building 25.0 %"
    assert line in capsys.readouterr().out


def test_json_holds_the_same_ratios(predict, tmp_path, capsys):
    save(tmp_path / "quay.png", street())
    assert predict("quay.png", "--json", "--out", "here/and/there") == 0
    ratios = json.loads(capsys.readouterr().out)
    assert ratios["quay"]["road"] == 0.5 and sum(ratios["quay"].values()) == 1
    assert (tmp_path / "here/and/there/ratios.csv").exists()


def test_one_broken_picture_does_not_stop_the_others(predict, tmp_path, capsys):
    folder = tmp_path / "shots"
    for name in "abc":
        save(folder / f"{name}.png", street())
    whole = (folder / "b.png").read_bytes()
    (folder / "b.png").write_bytes(whole[: len(whole) // 2])
    (folder / "notes.txt").write_text("not a picture, and not named")
    (tmp_path / "empty").mkdir()
    assert predict("shots", "empty", "nowhere.jpg") == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2 and "a: road" in out and "c: road" in out
    sentences = [line for line in err.splitlines() if "%|" not in line]
    assert len(sentences) == 3 and not any("Traceback" in line for line in sentences)
    assert sentences[0].startswith("empty holds no picture")
    assert sentences[1].startswith("there is no picture or folder nowhere.jpg")
    assert sentences[2].startswith("shots/b.png is damaged")
    written = {path.name for path in (tmp_path / "predictions").iterdir()}
    assert "c_labels.png" in written and "b_labels.png" not in written


def test_a_rerun_replaces_what_is_there_and_leaves_no_scraps(predict, tmp_path):
    out = tmp_path / "predictions"
    save(tmp_path / "quay.png", street())
    assert predict("quay.png") == 0
    save(tmp_path / "quay.png", torch.full((4, 4), 8))
    assert predict("quay.png") == 0
    assert np.array(Image.open(out / "quay_labels.png")).tolist() == [[8] * 4] * 4
    assert len(list(out.iterdir())) == 3


def test_pictures_of_one_name_do_not_overwrite_each_other(tmp_path):
    files = [tmp_path / name for name in ("a.png", "a.jpg", "b/a.png", "c.png")]
    files.append(files[0])  # named twice: predicted once
    names = [name for name, _ in named(files)]
    assert names == ["a", "a_2", "a_3", "c"]


def test_folders_give_their_pictures_in_order(tmp_path):
    for name in ("b.JPG", "a.png", "notes.txt"):
        (tmp_path / name).touch()
    files, faults = find_pictures([tmp_path, tmp_path / "notes.txt"])
    assert [file.name for file in files] == ["a.png", "b.JPG", "notes.txt"]
    assert not faults  # what is named by itself is tried, whatever its ending


def test_a_large_picture_can_be_shown_smaller(predict, tmp_path):
    seen = []
    net, _ = fitted("camvid")
    net.register_forward_hook(lambda *_: seen.append(_[1][0].shape[-2:]))
    image = painted(street(40, 60), "camvid")
    small = predict_mask(net, image, longest_side=30)
    assert seen == [(20, 30)] and small.shape == (40, 60)
    assert (small == street(40, 60)).double().mean() > 0.9
    assert torch.equal(predict_mask(net, image, longest_side=60), street(40, 60))
    assert torch.equal(predict_mask(net, image), street(40, 60))


def test_ratios_sum_to_one():
    ratios = class_ratios(torch.tensor([[0, 0], [3, 10]]), CAMVID)
    assert (ratios["sky"], ratios["road"], ratios["bicyclist"]) == (0.5, 0.25, 0.25)
    assert ratios["tree"] == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--longest-side", "0"], "--longest-side is 0; give at least 1"),
        (["--out", "quay.png/x"], "cannot write to quay.png/x"),
    ],
)
def test_wrong_words_end_in_one_sentence(predict, tmp_path, capsys, words, sentence):
    save(tmp_path / "quay.png", street())
    assert predict("quay.png", *words) == 2
    assert sentence in capsys.readouterr().err


def test_a_damaged_network_ends_in_one_sentence(predict, net_file, capsys):
    net_file.write_bytes(net_file.read_bytes()[:50])
    assert predict("quay.png") == 2
    assert "is no readable weights file" in capsys.readouterr().err
