"""A thousand damaged cfg and weights files: a net, or one sentence that names them."""

import resource
import struct
import time

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.detection.darknet.cfg import parse_text
from course_lib.detection.darknet.detector import load_net
from course_lib.detection.darknet.network import Darknet
from course_lib.detection.darknet.weights import named_tensors, save_weights
from course_lib.errors import InputError

LAYERS = """[net]
width=64
height=64
channels=3

[convolutional]
batch_normalize=1
filters=8
size=3
stride=2
pad=1
activation=leaky

[maxpool]
size=2
stride=1

[convolutional]
filters=8
size=3
stride=1
pad=1
groups=4
activation=relu

[shortcut]
from=-2
activation=linear

[route]
layers=-1,0

[convolutional]
filters=14
size=1
activation=linear

[yolo]
mask=1,2
anchors=4,5, 8,9, 20,30
num=3
classes=2
scale_x_y=1.05

[route]
layers=4

[upsample]
stride=2

[convolutional]
batch_normalize=1
filters=7
size=1
activation=linear

[yolo]
mask=0
anchors=4,5, 8,9, 20,30
num=3
classes=2
"""
ABSURD = ["0", "-1", "-9", "10" + 30 * "0", "1e30", "nan", "inf", "", "99999", "65536"]
ABSURD += ["2147483647", "1,2,3", "x", "é", "64", "7", "0.5", "\x00", "3,"]
INSERTED = [
    b"\xff",
    b"\x00",
    b"[",
    b"]\n",
    b"=",
    b"[yolo]\n",
    b"[lstm]\n",
    b"\n[net]\n",
]
MARKS = [b"\r", b"#", "٣".encode(), b"[route]\nlayers=-1\n", b"[route]\nlayers=5\n"]
SECONDS, GIGABYTE = 10, 2**20  # of processor time a file; in KiB

place = st.floats(0, 1, exclude_max=True)


def cut(content, at):
    return content[: int(at * len(content))]


def swap(content, a, b, size):
    a, b = sorted((int(a * len(content)), int(b * len(content))))
    size = min(size, b - a)
    first, second = content[a : a + size], content[b : b + size]
    return content[:a] + second + content[a + size : b] + first + content[b + size :]


def number(content, at, value):
    """Another value behind one of the equals signs."""
    lines = content.split(b"\n")
    places = [i for i, line in enumerate(lines) if b"=" in line]
    if places:
        i = places[int(at * len(places))]
        lines[i] = lines[i].split(b"=")[0] + b"=" + value.encode()
    return b"\n".join(lines)


def drop(content, at):
    lines = content.split(b"\n")
    del lines[int(at * len(lines))]
    return b"\n".join(lines)


def insert(content, at, what):
    at = int(at * len(content))
    return content[:at] + what + content[at:]


def repeat(content, at, times):
    """One section, many times."""
    parts = content.split(b"\n\n")
    i = int(at * len(parts))
    return b"\n\n".join(parts[:i] + [parts[i]] * times + parts[i + 1 :])


def header(content, at, value):
    at = 4 * int(at * 5)
    return content[:at] + struct.pack("<i", value) + content[at + 4 :]


def one_float(content, at, value):
    at = 20 + 4 * int(at * (len(content) - 20) / 4)
    return content[:at] + struct.pack("<f", value) + content[at + 4 :]


sizes, times = st.sampled_from([1, 2, 7, 40]), st.sampled_from([0, 2, 5, 300])
inserted = st.sampled_from(INSERTED + MARKS)
anything = st.one_of(
    st.builds(lambda a: lambda c: cut(c, a), place),
    st.builds(lambda a, b, n: lambda c: swap(c, a, b, n), place, place, sizes),
    st.builds(lambda a, w: lambda c: insert(c, a, w), place, inserted),
)
of_cfg = st.one_of(
    anything,
    st.builds(lambda a, v: lambda c: number(c, a, v), place, st.sampled_from(ABSURD)),
    st.builds(lambda a: lambda c: drop(c, a), place),
    st.builds(lambda a, n: lambda c: repeat(c, a, n), place, times),
)
bad_floats = st.sampled_from([np.nan, np.inf, -np.inf, 3e38, -1.0])
bad_ints = st.sampled_from([-1, 2**31 - 1, -(2**31), 1000, 7])
of_weights = st.one_of(
    anything,
    st.builds(lambda a, v: lambda c: one_float(c, a, v), place, bad_floats),
    st.builds(lambda a, v: lambda c: header(c, a, v), place, bad_ints),
    st.builds(lambda w: lambda c: c + w, st.binary(min_size=1, max_size=9)),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    torch.manual_seed(0)
    save_weights(Darknet(parse_text(LAYERS)), folder / "a.weights")
    return LAYERS.encode(), (folder / "a.weights").read_bytes(), folder


def try_to_load(folder, cfg, weights):
    """A net that runs, or a sentence that names one of the two files."""
    (folder / "a.cfg").write_bytes(cfg)
    (folder / "a.weights").write_bytes(weights)
    start = time.process_time()
    try:
        net = load_net(folder / "a.cfg", folder / "a.weights").eval()
        assert all(tensor.isfinite().all() for _, tensor in named_tensors(net))
        if net.size[0] * net.size[1] <= 256**2:
            with torch.no_grad():
                net(torch.zeros(1, net.input.c, *net.size))
    except InputError as error:
        text = str(error)
        assert "a.cfg" in text or "a.weights" in text
        assert len(text) < 600 and "\n" not in text and text.isprintable()
    assert time.process_time() - start < SECONDS


def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


quick = settings(
    max_examples=500, deadline=None, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@quick
@given(damages=st.lists(of_cfg, min_size=1, max_size=3))
def test_500_damaged_cfg_files(whole, damages):
    cfg, weights, folder = whole
    before = memory()
    for damage in damages:
        cfg = damage(cfg)
    try_to_load(folder, cfg, weights)
    assert memory() - before < GIGABYTE


@quick
@given(damages=st.lists(of_weights, min_size=1, max_size=2))
def test_500_damaged_weights_files(whole, damages):
    cfg, weights, folder = whole
    before = memory()
    for damage in damages:
        weights = damage(weights)
    try_to_load(folder, cfg, weights)
    assert memory() - before < GIGABYTE


@pytest.mark.real
def test_damaged_copies_of_the_real_files(real_data, tmp_path):
    rng, folder = np.random.default_rng(0), real_data / "darknet" / "weights"
    for cfg in sorted(folder.glob("*.cfg")):
        text, content = cfg.read_bytes(), cfg.with_suffix(".weights").read_bytes()
        for value in ABSURD:
            try_to_load(tmp_path, number(text, rng.random(), value), content)
            try_to_load(tmp_path, cut(text, rng.random()), content)
        try_to_load(tmp_path, text, cut(content, rng.random()))
        try_to_load(tmp_path, text, one_float(content, rng.random(), np.nan))
        try_to_load(tmp_path, text, content[4:])
