"""Odd and broken input, as it meets the command line.

Each gets the right treatment or one sentence; never a traceback, never a guess.
How a single file is read is tested in test_images.
"""

import json
import re

import numpy as np
import pytest
import torch
from colour_net import painted, ship
from PIL import Image

from course_lib.__main__ import main
from course_lib.data.classes import CAMVID

SKY, BUILDING, ROAD, CAR = 0, 1, 3, 8
EXIF_ROTATION = 0x0112


@pytest.fixture
def net_file(tmp_path, monkeypatch):
    return ship(tmp_path, monkeypatch)


def street():
    """Sky, building and road in rows, a car at the lower left: no symmetry."""
    mask = torch.full((12, 20), ROAD)
    mask[:3], mask[3:6], mask[9:, :4] = SKY, BUILDING, CAR
    return mask


def rgb(mask):
    return Image.fromarray(painted(mask, "camvid").permute(1, 2, 0).numpy())


def grey(values, mode="L"):
    kind = np.uint8 if mode == "L" else np.uint16
    return Image.fromarray(np.asarray(values, dtype=kind))


def as_palette(mask):
    """Colours by a palette whose order is not that of the classes."""
    picture = grey(100 - mask)
    colours = [0, 0, 0] * 256
    for index in range(CAMVID.num_classes):
        colours[3 * (100 - index) : 3 * (101 - index)] = CAMVID.palette[index]
    picture.putpalette(colours)
    return picture


def with_alpha(mask):
    picture = rgb(mask).convert("RGBA")
    picture.putalpha(255)
    return picture


def on_its_side(path, mask):
    """A camera's way: pixels lie on their side, a tag says how to hold them."""
    exif = Image.Exif()
    exif[EXIF_ROTATION] = 6  # turn clockwise to see it upright
    rgb(mask.rot90(1)).save(path, exif=exif)


def save_kind(folder, kind):
    """Write a picture of that kind; gives the labels that must come back."""
    mask, path = street(), folder / f"{kind}.png"
    flat = torch.full_like(mask, SKY)  # CamVid's sky is the grey (128, 128, 128)
    if kind == "rgb":
        rgb(mask).save(path)
    elif kind == "palette":
        as_palette(mask).save(path)
    elif kind == "alpha":
        with_alpha(mask).save(path)
    elif kind == "exif":
        on_its_side(path, mask)
    elif kind == "cmyk":
        rgb(mask).convert("CMYK").save(path.with_suffix(".tif"))
    elif kind == "one_pixel":
        mask = torch.tensor([[CAR]])
        rgb(mask).save(path)
    elif kind == "one_row":
        mask = street()[:, :1].T
        rgb(mask).save(path)
    elif kind == "three_wide":  # as many columns as channels
        mask = street()[:, :3]
        rgb(mask).save(path)
    elif kind == "grey":
        mask = flat
        grey(np.full(mask.shape, 128)).save(path)
    elif kind == "sixteen_bit":
        mask = flat
        grey(np.full(mask.shape, 128 * 257), "I;16").save(path)
    return mask


KINDS = ["rgb", "palette", "alpha", "exif", "cmyk", "one_pixel", "one_row"]
KINDS += ["three_wide", "grey", "sixteen_bit"]


def output(capsys, *words):
    if words[0] != "data":
        words = [*words, "--device", "cpu", "--threads", "1"]
    status = main([str(word) for word in words])
    return status, *capsys.readouterr()


def test_predict_treats_every_kind_of_picture_rightly(net_file, tmp_path, capsys):
    shots, out = tmp_path / "shots", tmp_path / "out"
    shots.mkdir()
    wanted = {kind: save_kind(shots, kind) for kind in KINDS}
    words = ["predict", shots, "--checkpoint", net_file, "--out", out, "--json"]
    status, stdout, _ = output(capsys, *words)
    assert status == 0
    ratios = json.loads(stdout)
    assert set(ratios) == set(KINDS)
    for kind, mask in wanted.items():
        labels = np.array(Image.open(out / f"{kind}_labels.png"))
        assert np.array_equal(labels, mask.numpy()), kind
        assert sum(ratios[kind].values()) == pytest.approx(1)
        with Image.open(out / f"{kind}_overlay.png") as overlay:
            assert overlay.size == mask.shape[::-1], kind


def no_picture(path):
    path.write_text("this is a shopping list")


def nothing(path):
    path.write_bytes(b"")


def half(path):
    rgb(street().repeat(20, 20)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def folder_in_its_place(path):
    path.mkdir()


@pytest.mark.parametrize("damage", [no_picture, nothing, half, folder_in_its_place])
@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_predict_names_a_broken_picture_and_goes_on(
    damage, ending, net_file, tmp_path, capsys
):
    broken, whole = tmp_path / f"broken.{ending}", tmp_path / "whole.png"
    damage(broken)
    rgb(street()).save(whole)
    words = ["--checkpoint", net_file, "--out", tmp_path / "out"]
    status, stdout, stderr = output(capsys, "predict", broken, whole, *words)
    assert status == 1 and stdout.startswith("whole: road")
    assert (tmp_path / "out" / "whole_labels.png").exists()
    assert one_sentence(stderr).startswith(str(broken))


def one_sentence(stderr):
    """The line that is no progress bar; there must be one, and no traceback."""
    (line,) = [each for each in stderr.splitlines() if each and "it/s]" not in each]
    assert "Traceback" not in line and line[-1] not in ":;,"
    return line


@pytest.fixture
def camvid(tmp_path):
    """A whole CamVid folder of two pictures a split."""
    root = tmp_path / "camvid"
    for split in ("train", "val", "test"):
        (root / f"{split}annot").mkdir(parents=True)
        (root / split).mkdir()
        (root / f"{split}.txt").write_text("a\nb\n")
        for name in "ab":
            rgb(street()).save(root / split / f"{name}.png")
            grey(street()).save(root / f"{split}annot" / f"{name}.png")
    return root


def evaluate(capsys, camvid, net_file):
    words = ["--dataset", "camvid", "--data", camvid, "--checkpoint", net_file]
    return output(capsys, "evaluate", *words, "--json")


def test_a_network_is_scored_on_label_pictures_of_every_kind(camvid, net_file, capsys):
    folder = camvid / "testannot"
    mask = street()
    mask[0, 0] = 11  # void, in CamVid's files
    grey(mask, "I;16").save(folder / "a.png")
    indices = grey(mask)
    indices.putpalette([0, 0, 0] * 256)  # the colours mean nothing, the ids count
    indices.save(folder / "b.png")
    status, stdout, _ = evaluate(capsys, camvid, net_file)
    report = json.loads(stdout)
    assert status == 0 and report["mean_iou"] == 1.0
    assert report["void_counted"]["pixel_accuracy"] == 1 - 1 / mask.numel()
    assert (report["num_pictures"], report["model"]) == (2, "colour_net")


def picture_breaks_off(camvid):
    path = camvid / "test" / "b.png"
    path.write_bytes(path.read_bytes()[:60])


def labels_break_off(camvid):
    path = camvid / "testannot" / "b.png"
    path.write_bytes(path.read_bytes()[:60])


def labels_in_colours(camvid):
    rgb(street()).save(camvid / "testannot" / "b.png")


def labels_with_a_wrong_id(camvid):
    grey(torch.where(street() == CAR, 12, street())).save(camvid / "testannot/b.png")


def labels_of_another_size(camvid):
    grey(street()[:5, :7]).save(camvid / "testannot" / "b.png")


def labels_missing(camvid):
    (camvid / "testannot" / "b.png").unlink()


def no_labels_at_all(camvid):
    for path in (camvid / "testannot").iterdir():
        path.unlink()


def an_empty_folder(camvid):
    camvid.rename(camvid.with_name("elsewhere"))
    camvid.mkdir()


FAULTS = {
    picture_breaks_off: r"test/b.png is damaged or breaks off",
    labels_break_off: r"testannot/b.png is damaged or breaks off",
    labels_in_colours: r"testannot/b.png is RGB, but labels are one id a pixel",
    labels_with_a_wrong_id: r"testannot/b.png.*\b12\b.*\b0 to 10\b",
    labels_of_another_size: r"testannot/b.png is 7x5 but its picture .* is 20x12",
    labels_missing: r"test.txt names b, which .*testannot does not hold",
    no_labels_at_all: r"testannot holds no picture",
    an_empty_folder: r"camvid is not a whole CamVid folder, 9 of 9 entries",
}


@pytest.mark.parametrize("damage", FAULTS, ids=lambda f: f.__name__)
def test_evaluate_names_the_fault_of_a_data_set(damage, camvid, net_file, capsys):
    damage(camvid)
    status, stdout, stderr = evaluate(capsys, camvid, net_file)
    assert (status, stdout) == (2, "")
    sentence, *tree = [line for line in stderr.splitlines() if "it/s]" not in line]
    assert re.search(FAULTS[damage], sentence)
    assert all(re.match(r"  (MISSING|there) ", line) for line in tree)


def check(capsys, *words):
    return output(capsys, "data", "check", *words)


@pytest.mark.parametrize("damage", FAULTS, ids=lambda f: f.__name__)
def test_data_check_names_the_same_faults(damage, camvid, capsys):
    damage(camvid)
    words = ["--dataset", "camvid", "--data", camvid, "--split", "test"]
    status, stdout, stderr = check(capsys, *words)
    assert (status, stdout) == (2, "")
    assert re.search(FAULTS[damage], stderr.splitlines()[0])


def test_data_check_says_what_a_whole_folder_holds(camvid, capsys):
    status, stdout, _ = check(capsys, "--dataset", "camvid", "--data", camvid)
    summary, *rows = stdout.splitlines()
    assert status == 0
    assert summary.startswith("camvid: 2 label pictures (2 of 20x12), 4 of 11 classes")
    shares = dict(row.rsplit(maxsplit=1) for row in rows)
    assert (shares["  sky"], shares["  tree"]) == ("25.000%", "0.000%")


def test_your_own_labels_in_colours_are_refused_and_then_told_apart(camvid, capsys):
    colours = camvid.with_name("colours")
    colours.mkdir()
    for name in "ab":
        rgb(street()).save(colours / f"{name}.png")
    words = ["--images", camvid / "test", "--labels", colours, "--classes", "camvid"]
    status, _, stderr = check(capsys, *words)
    assert status == 2 and "a.png is RGB" in one_sentence(stderr)
    status, stdout, _ = check(capsys, *words, "--colours")
    assert status == 0 and "4 of 11 classes occur" in stdout
