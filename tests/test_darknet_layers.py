"""Every layer against plain loops, which follow Darknet's C, or against torch."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from course_lib.detection.darknet.cfg import parse_text
from course_lib.detection.darknet.layers import (
    ACTIVATIONS,
    MaxPool,
    Reorg,
    Route,
    Shortcut,
    convolutional,
)
from course_lib.detection.darknet.network import Darknet, fused
from course_lib.detection.darknet.plan import plan


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def pooled(x, size, stride, padding):
    """Darknet's forward_maxpool_layer: offset -padding / 2, nothing counts beyond."""
    c, h, w = x.shape
    out = np.empty(
        (c, (h + padding - size) // stride + 1, (w + padding - size) // stride + 1)
    )
    for k, i, j in np.ndindex(out.shape):
        top, left = i * stride - padding // 2, j * stride - padding // 2
        rows = range(max(0, top), min(h, top + size))
        columns = range(max(0, left), min(w, left + size))
        out[k, i, j] = max(x[k, r, q] for r in rows for q in columns)
    return out


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("shape", [(8, 8), (7, 9), (13, 10)])
def test_max_pooling(size, stride, shape):
    x = random(2, *shape, seed=size * stride)
    paddings = (
        {size - 1, 0, size // 2, 2 * (size - 1)} if size <= min(shape) else {size - 1}
    )
    for padding in paddings:
        found = MaxPool(size, stride, padding)([x[None]])[0]
        assert np.array_equal(
            found.numpy(), pooled(x.numpy(), size, stride, padding).astype("f4")
        )


def test_max_pooling_of_stride_1_keeps_the_size_and_the_gradient():
    x = random(1, 2, 6, 6).requires_grad_()
    MaxPool(2, 1, 1)([x]).sum().backward()
    assert x.grad.sum() == x.numel()  # every window gave its 1 to one pixel


def reorganised(x, stride):
    """Darknet's reorg_cpu with forward = 0, index by index."""
    c, h, w = x.shape
    flat, out, out_c = x.reshape(-1), np.empty(x.size, x.dtype), c // stride**2
    for k, j, i in np.ndindex(c, h, w):
        c2, offset = k % out_c, k // out_c
        w2, h2 = i * stride + offset % stride, j * stride + offset // stride
        out[i + w * (j + h * k)] = flat[w2 + w * stride * (h2 + h * stride * c2)]
    return out.reshape(c * stride**2, h // stride, w // stride)


@pytest.mark.parametrize(
    ("shape", "stride"), [((8, 4, 6), 2), ((64, 26, 26), 2), ((9, 6, 3), 3)]
)
def test_reorg(shape, stride):
    x = random(*shape)
    found = Reorg(stride)([x[None]])[0]
    assert np.array_equal(found.numpy(), reorganised(x.numpy(), stride))


def summed(out, add):
    """Darknet's shortcut_cpu: the common channels, in steps where sizes differ."""
    (c1, h1, w1), (c2, h2, w2) = add.shape, out.shape
    stride, sample = max(1, w1 // w2), max(1, w2 // w1)
    out = out.copy()
    for k, j, i in np.ndindex(min(c1, c2), min(h1, h2), min(w1, w2)):
        if i * sample < w2 and j * sample < h2 and i * stride < w1 and j * stride < h1:
            out[k, j * sample, i * sample] += add[k, j * stride, i * stride]
    return out


@pytest.mark.parametrize(
    "mine", [(4, 8, 8), (2, 4, 4), (6, 4, 4), (3, 8, 8), (4, 7, 7)]
)
def test_shortcut_of_unlike_shapes(mine):
    x, other = random(*mine), random(4, 8, 8, seed=1)
    found = Shortcut("linear")([x[None], other[None]])[0]
    assert np.allclose(found.numpy(), summed(x.numpy(), other.numpy()), atol=1e-6)


def test_shortcut_of_more_than_one_and_its_activation():
    x, y, z = random(1, 2, 3, 3), random(1, 2, 3, 3, seed=1), random(1, 2, 3, 3, seed=2)
    kept = x.clone()
    torch.testing.assert_close(Shortcut("relu")([x, y, z]), (x + y + z).relu())
    assert torch.equal(x, kept)


def test_route_joins_and_parts():
    x, y = random(1, 4, 3, 3), random(1, 6, 3, 3)
    assert torch.equal(Route()([x, y]), torch.cat([x, y], dim=1))
    assert torch.equal(Route(2, 1)([x, y]), torch.cat([x[:, 2:], y[:, 3:]], dim=1))
    assert Route()([x]) is x


def test_activations_by_their_formulas():
    x = torch.linspace(-8, 8, 33)
    formulas = {
        "linear": x,
        "leaky": torch.where(x > 0, x, 0.1 * x),
        "relu": x.clamp(min=0),
        "relu6": x.clamp(0, 6),
        "logistic": 1 / (1 + (-x).exp()),
        "tanh": (x.exp() - (-x).exp()) / (x.exp() + (-x).exp()),
        "elu": torch.where(x > 0, x, x.exp() - 1),
        "mish": x * (1 + x.exp()).log().tanh(),
        "swish": x / (1 + (-x).exp()),
    }
    for name, make in ACTIVATIONS.items():
        torch.testing.assert_close(make()(x.clone()), formulas[name], rtol=0, atol=2e-6)


def test_a_convolution_is_batch_normalised_with_darknets_epsilon():
    layer = convolutional(4, 6, 3, 2, 1, 1, 2, True, "leaky").eval()
    layer.norm.running_mean.copy_(random(6))
    layer.norm.running_var.fill_(1e-6)
    x = random(2, 4, 9, 9)
    y = F.conv2d(x, layer.conv.weight, stride=2, padding=1, groups=2)
    y = (y - layer.norm.running_mean[:, None, None]) / (1e-6 + 1e-6) ** 0.5
    torch.testing.assert_close(
        layer([x]), torch.where(y > 0, y, 0.1 * y), rtol=1e-4, atol=1e-3
    )


ALL = """
[net]
width=32
height=32
[convolutional]
batch_normalize=1
filters=8
size=3
stride=2
pad=1
activation=mish
[convolutional]
batch_normalize=1
filters=8
size=3
pad=1
groups=4
activation=swish
[dropout]
probability=.2
[shortcut]
from=-3
activation=linear
[route]
layers=-1
groups=2
group_id=1
[reorg]
stride=2
[upsample]
stride=2
[maxpool]
size=5
stride=1
[route]
layers=-1,-4,0
[convolutional]
filters=21
size=1
activation=linear
[region]
anchors=1,1, 2,2, 3,3
num=3
classes=2
softmax=1
"""


def test_a_net_of_every_layer_trains_and_folds():
    torch.manual_seed(0)
    sections = parse_text(ALL)
    net = Darknet(sections)
    for i, layer in enumerate(plan(sections, (48, 32))):
        net.layers[i].register_forward_hook(
            lambda _, __, out, wanted=layer.out: shapes.append((out.shape[1:], wanted))
        )
    shapes = []
    (out,) = net(random(2, 3, 48, 32))
    assert len(shapes) == 11 and all(a == b for a, b in shapes)
    out.square().mean().backward()
    assert all(p.grad.abs().sum() > 0 for p in net.parameters())
    x, net = random(2, 3, 48, 32, seed=1), net.eval()
    torch.testing.assert_close(fused(net)(x)[0], net(x)[0], rtol=1e-4, atol=1e-5)
    assert net.layers[0].norm is not None  # the copy alone is folded


def test_a_classifier_gives_probabilities():
    text = "[net]\nwidth=8\nheight=8\n[convolutional]\nfilters=6\nactivation=linear\n"
    net = Darknet(parse_text(text + "[avgpool]\n[softmax]\ngroups=2\n"))
    (out,) = net(random(2, 3, 9, 7))
    assert out.shape == (2, 6, 1, 1)
    torch.testing.assert_close(out.reshape(2, 2, 3).sum(dim=2), torch.ones(2, 2))
