"""``detect`` from the command line: what it writes, and what it says."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from course_lib.__main__ import main
from course_lib.commands.detect import coco_results
from course_lib.detection.darknet.cfg import parse_text
from course_lib.detection.darknet.names import COCO_IDS, category_ids, read_names
from course_lib.detection.darknet.network import Darknet
from course_lib.detection.darknet.weights import save_weights
from course_lib.errors import InputError

# One cell of 32 x 32 pixels, one anchor: a box of 20 x 20 in the middle of each cell.
CFG = """[net]
width=64
height=64
[convolutional]
filters=7
size=32
stride=32
activation=linear
[yolo]
anchors=20,20
num=1
classes=2
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Files of a net that calls every cell the second class, and two pictures."""
    monkeypatch.chdir(tmp_path)
    net = Darknet(parse_text(CFG))
    torch.nn.init.zeros_(net.layers[0].conv.weight)
    net.layers[0].conv.bias.data = torch.tensor([0.0, 0, 0, 0, 9, -9, 9])
    save_weights(net, tmp_path / "a.weights")
    (tmp_path / "a.cfg").write_text(CFG)
    (tmp_path / "a.names").write_text("cat\ntraffic light\n")
    for i, size in enumerate([(64, 64), (100, 50)], start=7):
        path = tmp_path / "shots" / f"{i:012}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", size, "navy").save(path)
    return tmp_path


def detect(*words, weights="a.weights"):
    files = ["--cfg", "a.cfg", "--weights", weights, "--names", "a.names"]
    one = ["--device", "cpu", "--threads", "1"]
    return main(["detect", *files, *one, *map(str, words)])


def test_json_of_every_picture(folder, capsys):
    assert detect("shots", "--json", "out/o.json") == 0
    square, wide = json.loads((folder / "out/o.json").read_text())
    assert (square["width"], square["height"]) == (64, 64)
    assert square["file"] == "shots/000000000007.png"
    assert sorted(square["boxes"])[0] == [6, 6, 26, 26]
    assert square["labels"] == ["traffic light"] * 4
    assert square["class_ids"] == [1] * 4 and min(square["scores"]) > 0.99
    assert sorted(wide["boxes"])[0] == pytest.approx([9.38, -15.62, 40.62, 15.62])
    assert "000000000007.png: traffic light 1.00" in capsys.readouterr().out


def test_stretched_clipped_and_thresholds(folder):
    words = ["shots", "--json", "o.json", "--resize", "stretch", "--clip"]
    assert detect(*words, "--size", "32") == 0
    (square, wide) = json.loads((folder / "o.json").read_text())
    assert square["boxes"] == [[12, 12, 52, 52]]
    assert wide["boxes"] == [[18.75, 9.38, 81.25, 40.62]]
    assert detect(*words, "--threshold", "1") == 0
    assert all(
        not each["boxes"] for each in json.loads((folder / "o.json").read_text())
    )


def test_coco_results(folder):
    assert detect("shots", "--json", "o.json", "--format", "coco", "--size", "32") == 0
    first, second = json.loads((folder / "o.json").read_text())
    assert (first["image_id"], second["image_id"], first["category_id"]) == (7, 8, 2)
    assert first["bbox"] == [12, 12, 40, 40]
    found = {"boxes": [[0, 0, 1, 1]], "class_ids": [0], "scores": [1.0]}
    rows = coco_results([{"file": "b.png"} | found, {"file": "7.png"} | found], ["cat"])
    assert [row["image_id"] for row in rows] == [1, 2]  # not all names are numbers


def test_pictures_with_boxes(folder):
    assert detect("shots", "--output", "drawn") == 0
    names = ["000000000007_boxes.png", "000000000008_boxes.png"]
    assert sorted(path.name for path in (folder / "drawn").iterdir()) == names
    with Image.open(folder / "drawn" / names[0]) as drawn:
        assert drawn.size == (64, 64) and len(drawn.getcolors(10_000)) > 1


def test_one_broken_picture_does_not_stop_the_others(folder, capsys):
    (folder / "shots" / "000000000006.png").write_bytes(b"no picture")
    assert detect("shots", "nowhere.png", "--json", "o.json", "--output", "drawn") == 1
    assert len(json.loads((folder / "o.json").read_text())) == 2
    lines = [x for x in capsys.readouterr().err.splitlines() if "%|" not in x]
    assert lines[0].startswith("there is no picture or folder nowhere.png")
    assert lines[1].startswith("shots/000000000006.png is not a picture")
    assert len(list((folder / "drawn").iterdir())) == 2


WRONG = {
    "size 100 x 100 does not suit the net; give multiples of 32": ["--size", "100"],
    "score_threshold is 2.0; give 0 to 1": ["--threshold", "2"],
    "nms_threshold is -1.0; give 0 to 1": ["--nms", "-1"],
    "--json shots is a folder; name a file": ["--json", "shots"],
    "cannot write to a.cfg": ["--output", "a.cfg/x"],
    "has the SHA-256": ["--sha256", "00"],
}


@pytest.mark.parametrize("sentence", WRONG)
def test_wrong_words_end_in_one_sentence(folder, capsys, sentence):
    before = sorted(folder.rglob("*"))
    assert detect("shots", *WRONG[sentence]) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1
    assert sorted(folder.rglob("*")) == before


def test_damaged_files_end_in_one_sentence(folder, capsys):
    shutil.copy("a.cfg", "b.weights")
    assert detect("shots", weights="b.weights") == 2
    assert "which no Darknet wrote" in capsys.readouterr().err
    (folder / "a.names").write_text("cat\n")
    assert detect("shots") == 2
    assert "a.names has 1 names, but the net has 2 classes" in capsys.readouterr().err


def test_names_and_their_ids_in_coco(tmp_path):
    assert len(COCO_IDS) == 80 and COCO_IDS[:12] == [*range(1, 12), 13]
    coco = ["person", *(f"thing {i}" for i in range(78)), "toothbrush"]
    assert category_ids(coco) == COCO_IDS and category_ids(["a", "b"]) == [1, 2]
    (tmp_path / "a.names").write_bytes(b"cat\r\n\xff")
    with pytest.raises(InputError, match="no text at byte 5"):
        read_names(tmp_path / "a.names")
    with pytest.raises(InputError, match="there is no names file"):
        read_names(tmp_path / "b.names")


@pytest.mark.real
def test_photographs_of_scikit_image(real_data, tmp_path):
    import skimage

    darknet, photos = real_data / "darknet", Path(skimage.__file__).parent / "data"
    net, out = darknet / "weights" / "yolo-fastest-1.1-xl", tmp_path / "o.json"
    wanted = {"astronaut": "person", "chelsea": "cat", "coffee": "cup"}
    words = ["detect", "--size", "320", "--threshold", "0.5", "--threads", "1"]
    words += ["--cfg", f"{net}.cfg", "--weights", f"{net}.weights"]
    words += ["--names", str(darknet / "coco.names"), "--json", str(out)]
    assert main([*words, *(str(photos / f"{name}.png") for name in wanted)]) == 0
    found = json.loads(out.read_text())
    assert [each["labels"][0] for each in found] == list(wanted.values())
    annotations = real_data / "coco128" / "annotations" / "instances_train2017.json"
    categories = json.loads(annotations.read_text())["categories"]
    ids = category_ids(read_names(darknet / "coco.names", 80))
    assert ids == sorted(category["id"] for category in categories)
