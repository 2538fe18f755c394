"""Weights files: both headers, round trip, cut-off, hash, and what is damaged."""

import hashlib
import struct

import numpy as np
import pytest
import torch

from course_lib.detection.darknet.cfg import parse_text
from course_lib.detection.darknet.detector import load_net
from course_lib.detection.darknet.network import Darknet
from course_lib.detection.darknet.weights import (
    Header,
    load_weights,
    named_tensors,
    save_weights,
)
from course_lib.errors import InputError

CFG = """[net]
width=32
height=32
[convolutional]
batch_normalize=1
filters=2
size=3
pad=1
activation=leaky
[convolutional]
filters=7
activation=linear
[yolo]
anchors=4,4
num=1
classes=2
"""
FLOATS = 2 * 4 + 2 * 3 * 9 + 7 + 7 * 2
NEW = struct.pack("<iiiq", 0, 2, 5, 6_400_000_000)
OLD = struct.pack("<iiii", 0, 1, 0, 32_000)


@pytest.fixture
def net():
    return Darknet(parse_text(CFG))


def floats(count=FLOATS):
    values = np.random.default_rng(0).normal(size=count).astype("<f4")
    values[6:8] = 1  # the variances
    return values


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.weights"
    path.write_bytes(NEW + floats().tobytes())
    return path


def test_darknets_order_bias_scale_mean_variance_kernel(net, file):
    header, values = load_weights(net, file), torch.from_numpy(floats())
    first, second = net.layers[0], net.layers[1]
    assert (header.minor, header.seen) == (2, 6_400_000_000)
    for tensor, at in [
        (first.norm.bias, 0), (first.norm.weight, 2), (first.norm.running_mean, 4),
        (first.norm.running_var, 6), (first.conv.weight, 8), (second.conv.bias, 62),
        (second.conv.weight, 69),
    ]:  # fmt: skip
        assert torch.equal(tensor.flatten(), values[at : at + tensor.numel()])


@pytest.mark.parametrize("header", [NEW, OLD], ids=["20 bytes", "16 bytes"])
def test_read_then_written_gives_the_same_bytes(net, file, header):
    file.write_bytes(header + floats().tobytes())
    load_weights(net, file)
    save_weights(net, file.with_name("b.weights"))
    assert file.with_name("b.weights").read_bytes() == file.read_bytes()


def test_a_net_made_here_is_written_and_read(net, tmp_path):
    net.header = Header(seen=64)
    save_weights(net, tmp_path / "b.weights")
    other = Darknet(parse_text(CFG))
    assert load_weights(other, tmp_path / "b.weights") == Header(0, 2, 5, 64)
    for (_, a), (_, b) in zip(named_tensors(net), named_tensors(other), strict=True):
        assert torch.equal(a, b)


def test_cut_off_fills_the_trunk_alone(net, file):
    before = net.layers[1].conv.weight.clone()
    load_weights(net, file, cut_off=1)
    assert torch.equal(net.layers[1].conv.weight, before)
    assert net.layers[0].norm.bias.tolist() == floats()[:2].tolist()
    save_weights(net, file.with_name("trunk"), cut_off=1)
    assert file.with_name("trunk").read_bytes() == NEW + floats()[:62].tobytes()
    load_weights(Darknet(parse_text(CFG)), file.with_name("trunk"), cut_off=1)
    with pytest.raises(InputError, match="cut_off is 9; the net has layers 0 to 3"):
        load_weights(net, file, cut_off=9)


def test_a_flipped_bit_is_found_by_the_hash(net, file):
    content = bytearray(file.read_bytes())
    digest = hashlib.sha256(content).hexdigest()
    load_weights(net, file, sha256=digest.upper())
    content[-2] ^= 1
    file.write_bytes(content)
    load_weights(net, file)  # still a weights file
    with pytest.raises(InputError, match="has the SHA-256"):
        load_weights(net, file, sha256=digest)


def set_float(index, value):
    values = floats()
    values[index] = value
    return NEW + values.tobytes()


DAMAGED = {
    "ends at byte 0, within the header": b"",
    "ends at byte 15, within the header": NEW[:15],
    "ends at byte 17, within the header": NEW[:17],
    "holds 0 floats": NEW,
    "holds 82 floats behind its header, but the cfg wants 83": NEW
    + floats(82).tobytes(),
    "holds 84 floats": NEW + floats(84).tobytes(),
    "holds 82 and 3/4 floats": NEW + floats().tobytes()[:-1],
    "begins with version -1.2.5": struct.pack("<iiiq", -1, 2, 5, 0)
    + floats().tobytes(),
    "begins with version 0.2000": struct.pack("<iiiq", 0, 2000, 5, 0)
    + floats().tobytes(),
    "says at byte 12 that -7": struct.pack("<iiiq", 0, 2, 5, -7) + floats().tobytes(),
    "holds nan at byte 20, in the bias of layer 0": set_float(0, np.nan),
    "holds inf at byte 348, in the kernel of layer 1": set_float(82, np.inf),
    "holds -1.0 at byte 48, in the variance of layer 0": set_float(7, -1),
}


@pytest.mark.parametrize("sentence", DAMAGED)
def test_damage_is_named_and_leaves_the_net_as_it_was(net, file, sentence):
    before = [t.clone() for _, t in named_tensors(net)]
    file.write_bytes(DAMAGED[sentence])
    with pytest.raises(InputError) as error:
        load_weights(net, file)
    assert sentence in str(error.value) and str(file) in str(error.value)
    for old, (_, new) in zip(before, named_tensors(net), strict=True):
        assert torch.equal(old, new)


def test_the_length_is_compared_before_anything_is_allocated(file, monkeypatch):
    cfg = file.with_suffix(".cfg")
    cfg.write_text(CFG.replace("filters=2", "filters=60000"))
    monkeypatch.setattr("torch.nn.Conv2d.__init__", None)  # would fail
    with pytest.raises(InputError, match="the cfg wants 2,280,007"):
        load_net(cfg, file)
