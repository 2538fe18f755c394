"""YOLO learns: a few pictures by heart, at several sizes, by the command line."""

import json

import pytest
import torch
from torch.utils.data import Dataset

from course_lib.__main__ import main
from course_lib.data.harbour import Harbour, HarbourThings, export
from course_lib.detection.darknet.cfg import parse_cfg
from course_lib.detection.darknet.detector import DarknetDetector, load_detector
from course_lib.detection.darknet.network import Darknet
from course_lib.detection.engine import fit
from course_lib.detection.evaluation import evaluate_detector
from course_lib.detection.recipe import DetectorRecipe
from course_lib.detection.studies.scale_anchors import BroadThings
from course_lib.detection.yolo.classes_of_cfg import (
    change_anchors,
    change_classes,
    change_size,
)
from course_lib.detection.yolo.kmeans import box_sizes, kmeans_anchors
from course_lib.detection.yolo.multi_scale import multi_scale, sizes
from course_lib.detection.yolo.plan import save_pair
from course_lib.detection.yolo.transfer import set_prior
from course_lib.errors import InputError
from course_lib.paths import weights_dir
from course_lib.training.stream import Cached
from tests.test_yolo_cfg import CFG


def small_detector(pictures: Dataset) -> DarknetDetector:
    sections = change_size(change_classes(parse_cfg(CFG), 3), (96, 128))
    sections = change_anchors(sections, kmeans_anchors(box_sizes(pictures), 6))
    torch.manual_seed(0)
    net = Darknet(sections)
    set_prior(net)
    return DarknetDetector(net.to(memory_format=torch.channels_last))


@pytest.fixture(scope="module")
def pictures():
    return Cached(BroadThings("train", 4, contact=0.0, occlusion=0.0, scale=1.5))


def test_four_pictures_are_learned_by_heart(pictures, tmp_path):
    recipe = DetectorRecipe(
        steps=150,
        batch_size=4,
        optimiser="adamw",
        lr=0.01,
        warmup_iters=20,
        average=0.9,
    )
    training = fit(small_detector(pictures), pictures, recipe, say=lambda line: None)
    for losses in training.losses:
        assert all(torch.isfinite(torch.tensor(v)) for v in losses.values())
    assert training.losses[-1]["box"] < 0.3 * training.losses[0]["box"]
    ap50 = evaluate_detector(training.detector, pictures)["bbox"].ap50
    assert ap50 > 0.95
    # and what is written is what was measured
    weights, cfg = save_pair(training.detector, tmp_path, "small")
    again = evaluate_detector(load_detector(cfg, weights), pictures)["bbox"].ap50
    assert again == pytest.approx(ap50, abs=0.01)


def test_sizes_keep_the_shape_and_fit_the_stride():
    found = sizes((192, 256), 16)
    assert (192, 256) in found and len(found) > 4
    assert all(h % 16 == w % 16 == 0 for h, w in found)
    assert all(0.7 < h / 192 < 1.3 and abs(h / w - 0.75) < 0.06 for h, w in found)
    with pytest.raises(InputError, match="from 1.2 to 0.8 times"):
        sizes((192, 256), 16, 1.2, 0.8)


def test_multi_scale_changes_the_size_in_training_alone(pictures):
    detector = small_detector(pictures)
    handle = multi_scale(detector, every=2)
    images = [pictures[i][0].float() / 255 for i in range(2)]
    targets = [pictures[i][1] for i in range(2)]
    seen = []
    for _ in range(12):
        losses = detector.train()(images, targets)
        assert all(torch.isfinite(v) for v in losses.values())
        seen.append(detector.size)
    assert seen[::2] == seen[1::2] and len(set(seen)) > 2
    detector.eval()(images)
    assert detector.size == (96, 128)
    handle.remove()


def test_the_command_line_trains_on_a_folder(tmp_path, capsys):
    """The harbour, exported as YOLO labels, trained a few steps, measured, kept."""
    for split in ("train", "val"):
        world = Harbour(split, 4, size=(64, 64), task="detection")
        export(world, tmp_path / "data", "yolo")
    plan = "train: images/train\nval: images/val\nnames: harbour.names\n"
    (tmp_path / "data/data.yaml").write_text(plan)
    options = {
        "anchors": True,
        "size": [64, 64],
        "multi_scale": [0.8, 1.2],
        "mosaic": 0.5,
    }
    arguments = [
        "train-detector", "--cfg", CFG, "--dataset", "yolo-folder", "--data",
        tmp_path / "data/data.yaml", "--steps", "3", "--batch-size", "2", "--threads",
        "1", "--precision", "float32", "--options", json.dumps(options), "--name", "t",
        "--save-dir", tmp_path / "run",
    ]  # fmt: skip
    assert main([str(a) for a in arguments]) == 0
    assert "AP50" in capsys.readouterr().out
    card = json.loads((tmp_path / "run/t.json").read_text())
    assert card["names"] == ["boat", "car", "person", "mast", "lamp post", "buoy"]
    detector = load_detector(tmp_path / "run/t.cfg", tmp_path / "run/t.weights")
    assert detector.size == (64, 64) and detector.net.heads[0].num_classes == 6


def test_unknown_options_are_named(tmp_path, capsys):
    arguments = ["train-detector", "--cfg", CFG, "--dataset", "harbour", "--count", "2",
                 "--options", '{"anchor": 1}', "--save-dir", tmp_path]  # fmt: skip
    assert main([str(a) for a in arguments]) == 2
    assert "--options has 'anchor'; known: size" in capsys.readouterr().err


def test_the_shipped_detector_finds_the_things_of_the_harbour():
    files = (weights_dir() / f"yolo_harbour.{end}" for end in ("cfg", "weights"))
    detector = load_detector(*files)
    assert sum(p.numel() for p in detector.parameters()) < 400_000
    report = evaluate_detector(detector, HarbourThings("test", 30))["bbox"]
    assert report.ap50 > 0.85
