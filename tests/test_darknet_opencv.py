"""Nets of other cfgs, filled with random weights, beside OpenCV 4's Darknet reader."""

import re

import numpy as np
import pytest
import torch

from course_lib.detection.darknet.cfg import parse_text
from course_lib.detection.darknet.decode import decode
from course_lib.detection.darknet.network import Darknet
from course_lib.detection.darknet.plan import plan
from course_lib.detection.darknet.weights import named_tensors, save_weights

YOLO = """[yolo]
mask={}
anchors=10,14, 23,27, 37,58, 81,82, 135,169, 344,319
classes=80
num=6
scale_x_y=1.05
"""


def conv(filters, size, stride=1, activation="leaky"):
    norm = "batch_normalize=1\n" if activation != "linear" else ""
    return (
        f"[convolutional]\n{norm}filters={filters}\nsize={size}\nstride={stride}\n"
        f"pad=1\nactivation={activation}\n"
    )


def yolov4_tiny():
    """The published net, whose weights file has 24,251,276 bytes."""
    text = "[net]\nwidth=416\nheight=416\n" + conv(32, 3, 2) + conv(64, 3, 2)
    for filters in (64, 128, 256):
        text += conv(filters, 3) + "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n"
        text += conv(filters // 2, 3) * 2 + "[route]\nlayers=-1,-2\n"
        text += (
            conv(filters, 1) + "[route]\nlayers=-6,-1\n[maxpool]\nsize=2\nstride=2\n"
        )
    text += conv(512, 3) + conv(256, 1) + conv(512, 3) + conv(255, 1, 1, "linear")
    text += YOLO.format("3,4,5") + "[route]\nlayers=-4\n" + conv(128, 1)
    text += "[upsample]\nstride=2\n[route]\nlayers=-1,23\n" + conv(256, 3)
    return text + conv(255, 1, 1, "linear") + YOLO.format("1,2,3")


def thin(text):
    """An eighth of the filters, so that it is quick."""
    narrow = lambda found: f"filters={int(found[1]) // 8}\n"  # noqa: E731
    return re.sub(r"filters=(1024|512|384|256)\n", narrow, text)


def test_yolov4_tiny_has_its_size():
    floats = sum(layer.floats for layer in plan(parse_text(yolov4_tiny())))
    assert 20 + 4 * floats == 24_251_276


@pytest.mark.parametrize("activation", ["leaky", "mish", "swish", "relu", "logistic"])
def test_yolov4_tiny(activation, tmp_path):
    text = thin(yolov4_tiny()).replace("=leaky", f"={activation}")
    check(text, (224, 320), tmp_path)


@pytest.mark.real
@pytest.mark.parametrize(
    "name",
    ["yolov3", "yolov3-tiny", "yolov3-spp", "yolov3-voc", "yolov2", "yolov2-tiny"],
)
def test_cfgs_of_darknet(real_data, name, tmp_path):
    text = (real_data / "darknet" / "cfg" / f"{name}.cfg").read_text()
    check(thin(text), (224, 224), tmp_path)


def check(text, size, folder):
    """Rows of both readers of the same two files agree to 1e-5."""
    cv2 = pytest.importorskip("cv2", reason="OpenCV 4 is in the extra `bench`")
    if not hasattr(cv2.dnn, "readNetFromDarknet"):
        pytest.skip("this OpenCV reads no Darknet files; install 4.x")
    net = Darknet(parse_text(text)).eval()
    fill(net)
    (folder / "a.cfg").write_text(text)
    save_weights(net, folder / "a.weights")
    theirs = cv2.dnn.readNetFromDarknet(
        str(folder / "a.cfg"), str(folder / "a.weights")
    )
    x = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1))
    theirs.setInput(x.numpy())
    outs = theirs.forward(theirs.getUnconnectedOutLayersNames())
    wanted = np.concatenate([out.reshape(-1, out.shape[-1]) for out in outs])
    with torch.inference_mode():
        rows = decode(net(x), net)[0].numpy()
    assert np.abs(rows[:, :5] - wanted[:, :5]).max() < 1e-5
    assert rows[:, 4].std() > 1e-3  # the net answers something


def fill(net):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in named_tensors(net):
            if name.startswith("variance"):
                tensor.uniform_(0.5, 1.5, generator=generator)
            elif not name.startswith(("kernel", "scale")):
                tensor.normal_(0, 0.1, generator=generator)
