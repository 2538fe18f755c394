"""The graphs that the book runs in a browser, beside the nets that the course ships."""

import functools
import hashlib
import json
import re
import shutil
import sys
import tarfile

import numpy as np
import pytest
import torch
from maker import ROOT

from course_lib.commands.predict import predict_mask
from course_lib.data.classes import CAMVID
from course_lib.data.harbour import Harbour
from course_lib.data.images import read_image
from course_lib.data.pocket import pocket_photo
from course_lib.data.transforms import normalise
from course_lib.detection.darknet.decode import decode
from course_lib.detection.darknet.detector import load_detector
from course_lib.detection.darknet.letterbox import letterbox
from course_lib.paths import weights_dir
from course_lib.training.checkpoint import load_net

BOOK = ROOT / "chapters" / "book"
NETS = BOOK / "static" / "nets"
FACTS = json.loads((NETS / "nets.json").read_text())
WHY = "onnxruntime is not installed; make test installs it"


@pytest.fixture
def runtime(monkeypatch):
    """The module of the book that fetches the runtime."""
    monkeypatch.syspath_prepend(str(BOOK))
    import runtime

    yield runtime
    del sys.modules["runtime"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Both nets as the book lays them out: graph and weights in one folder."""
    onnxruntime = pytest.importorskip("onnxruntime", reason=WHY)
    folder = tmp_path_factory.mktemp("nets")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    sessions = {}
    for name, facts in FACTS.items():
        shutil.copy(NETS / f"{name}.onnx", folder)
        shutil.copy(weights_dir() / facts["weights"], folder)
        path = str(folder / f"{name}.onnx")
        sessions[name] = onnxruntime.InferenceSession(path, options)
    return lambda name, image: sessions[name].run(None, {"rgba": as_canvas(image)})


def as_canvas(image):
    """(3, H, W) uint8 as a canvas has it: (H, W, 4)."""
    opaque = torch.full((1, *image.shape[-2:]), 255, dtype=torch.uint8)
    rgba = torch.cat([image.as_subclass(torch.Tensor), opaque]).permute(1, 2, 0)
    return rgba.contiguous().numpy()


@functools.cache
def pictures():
    """Harbours in two sizes, the cameraman, and a cat with odd sides."""
    return {
        "harbour": Harbour(split="test", count=3)[2][0],
        "harbour.png": read_image(NETS / "harbour.png"),
        "camera.jpg": read_image(NETS / "camera.jpg"),
        "chelsea": pocket_photo("chelsea")[:, :201, :333],
    }


@pytest.mark.parametrize("picture", list(pictures()))
def test_the_labels_of_the_graph_are_those_of_the_shipped_net(run, picture):
    image = pictures()[picture]
    logits, labels = run("dilated_fpn_camvid", image)
    net, _ = load_net(weights_dir() / "dilated_fpn_camvid.safetensors")
    with torch.no_grad():
        wanted = net(normalise(image)[None])["out"][0]
    np.testing.assert_allclose(logits, wanted, atol=1e-3)
    assert labels.dtype == np.uint8
    assert (labels == predict_mask(net, image).numpy()).mean() > 0.999


@pytest.mark.parametrize("picture", list(pictures()))
def test_the_rows_of_the_graph_are_those_of_the_shipped_detector(run, picture):
    detector = load_detector(*(weights_dir() / f"yolo_harbour.{end}"
                               for end in ("cfg", "weights")))  # fmt: skip
    size = FACTS["yolo_harbour"]["size"]
    placed, _ = letterbox(pictures()[picture].float() / 255, size)
    (rows,) = run("yolo_harbour", (placed * 255).round().byte())
    with torch.no_grad():
        maps = detector.net((placed * 255).round()[None] / 255)
    np.testing.assert_allclose(rows, decode(maps, detector.net)[0], atol=1e-3)


@pytest.mark.parametrize("name", FACTS)
def test_a_graph_points_to_all_of_the_weights_and_holds_none(name):
    onnx = pytest.importorskip("onnx", reason=WHY.replace("onnxruntime", "onnx"))
    model = onnx.load(NETS / f"{name}.onnx", load_external_data=False)
    weights = weights_dir() / FACTS[name]["weights"]
    size, taken = weights.stat().st_size, set()
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            place = {entry.key: entry.value for entry in tensor.external_data}
            start, length = int(place["offset"]), int(place["length"])
            assert place["location"] == weights.name and start + length <= size
            taken.add((start, length))
    assert 0.97 * size < sum(length for _, length in taken) < size
    assert (NETS / f"{name}.onnx").stat().st_size < 100_000


def test_the_page_has_the_names_and_colours_of_the_nets():
    _, info = load_net(weights_dir() / "dilated_fpn_camvid.safetensors")
    camvid = FACTS["dilated_fpn_camvid"]
    assert camvid["names"] == info["classes"]["names"] == list(CAMVID.names)
    assert camvid["palette"] == info["classes"]["palette"]
    card = json.loads((ROOT / "chapters/results/yolo_harbour.json").read_text())
    assert FACTS["yolo_harbour"]["names"] == card["names"]
    assert FACTS["yolo_harbour"]["size"] == card["resolution"]


def test_the_pictures_of_the_page_are_those_it_names():
    drawn = Harbour(split="test", count=2, size=(192, 256))[1][0]
    assert torch.equal(read_image(NETS / "harbour.png"), drawn)
    photo = pocket_photo("camera").float()[None]
    small = torch.nn.functional.interpolate(photo, (480, 480), mode="area")[0]
    assert (read_image(NETS / "camera.jpg").float() - small).abs().mean() < 8


def test_the_page_names_no_address_outside():
    page = (BOOK / "nets.md").read_text()
    for text in [page, *(p.read_text() for p in NETS.glob("*.[jc]s*"))]:
        assert not re.search(r"https?:|[\"'(]//", text)


def test_an_archive_is_kept_only_with_its_checksum(runtime, tmp_path):
    for name in runtime.FILES:
        (tmp_path / name).write_text(name)
    archive = tmp_path / "some.tgz"
    with tarfile.open(archive, "w:gz") as package:
        for name in runtime.FILES:
            package.add(tmp_path / name, f"package/dist/{name}")
    with pytest.raises(SystemExit, match="not used"):
        runtime.keep(archive, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
    right = hashlib.sha256(archive.read_bytes()).hexdigest()
    runtime.keep(archive, tmp_path / "kept", right)
    found = {p.name: p.read_text() for p in (tmp_path / "kept").iterdir()}
    assert found == {name: name for name in runtime.FILES}


def test_without_npm_it_says_so(runtime, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(runtime.shutil, "which", lambda name: None)
    runtime.fetch(tmp_path / "kept")
    assert "no npm here" in capsys.readouterr().out
    assert not (tmp_path / "kept").exists()
