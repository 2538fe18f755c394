"""The study of aspects: sizes, ways, and a card whose scores are those of the ways."""

import pytest
import torch

from course_lib.data.harbour import HarbourThings
from course_lib.detection.darknet.cfg import parse_text
from course_lib.detection.darknet.network import Darknet
from course_lib.detection.darknet.weights import save_weights
from course_lib.detection.studies import aspect_resize

CFG = """[net]
width=256
height=192
channels=3
[convolutional]
filters=11
size=1
stride=32
activation=linear
[yolo]
anchors=8,8
classes=6
"""


@pytest.mark.parametrize("aspect", aspect_resize.VALUES)
def test_pictures_of_every_aspect_have_as_many_pixels(aspect):
    height, width = aspect_resize.size_of(aspect)
    assert width / height == pytest.approx(aspect, rel=0.01)
    assert height * width == pytest.approx(192 * 256, rel=0.01)


def test_the_fitting_input_has_the_pictures_shape(tmp_path, monkeypatch):
    (tmp_path / "yolo_harbour.cfg").write_text(CFG)
    save_weights(Darknet(parse_text(CFG)), tmp_path / "yolo_harbour.weights")
    monkeypatch.setattr(aspect_resize, "weights_dir", lambda: tmp_path)
    for aspect, width in [(0.5, 96), (1.33, 256), (4.0, 768)]:
        ways = aspect_resize.detectors(aspect)
        assert [way.size for way in ways.values()] == [
            (192, 256), (192, 256), (192, width)]  # fmt: skip
        assert [way.resize for way in ways.values()] == [
            "stretch", "letterbox", "letterbox"]  # fmt: skip


def test_the_card_has_a_score_for_each_way_aspect_and_set(monkeypatch):
    pictures = HarbourThings("test", 3, aspect_resize.size_of(2.0))
    boxes = {tuple(pictures[i][0].sum(dim=(1, 2)).tolist()): pictures[i][1]
             for i in range(3)}  # fmt: skip

    def knowing(images):
        key = tuple((images[0] * 255).round().sum(dim=(1, 2)).int().tolist())
        found = {name: boxes[key][name] for name in ("boxes", "labels")}
        return [{**found, "scores": torch.ones(len(found["labels"]))}]

    def blind(images):
        return [{"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=int),
                 "scores": torch.zeros(0)}]  # fmt: skip

    ways = {"knowing": knowing, "blind": blind}
    monkeypatch.setattr(aspect_resize, "detectors", lambda aspect: ways)
    monkeypatch.setattr(aspect_resize, "VALUES", (2.0,))
    card = aspect_resize.measure([0], count=3)
    assert card["methods"] == {
        "knowing": {"0": [1.0], "1": [1.0], "2": [1.0]},
        "blind": {"0": [0.0], "1": [0.0], "2": [0.0]},
    }
    assert card["values"] == [2.0] and card["num_pictures"] == 3
