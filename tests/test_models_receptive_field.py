"""Receptive field: by arithmetic, by gradient, and by the number in the blog posts."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib.errors import InputError
from course_lib.models.classifiers import classifier
from course_lib.models.dense import to_dense
from course_lib.models.receptive_field import (
    receptive_field,
    receptive_field_by_gradient,
)


def layer(kind: str, kernel: int, stride: int, padding: int, dilation: int):
    if kind == "conv":
        return nn.Conv2d(3, 3, kernel, stride, padding, dilation)
    return nn.MaxPool2d(kernel, stride, min(padding, kernel // 2))


LAYERS = st.builds(
    layer, st.sampled_from(["conv", "pool"]), st.integers(1, 4), st.integers(1, 2),
    st.integers(0, 2), st.integers(1, 3),
)  # fmt: skip


def test_two_convolutions_and_a_pooling_by_hand():
    net = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                        nn.Conv2d(3, 3, 3, dilation=2))  # fmt: skip
    assert receptive_field(net) == [
        ("conv1", 3, 1, -1),
        ("pool1", 4, 2, -1),
        ("conv2", 4 + 2 * 2 * 2, 2, -1),
    ]


def test_fc6_of_vgg16_sees_404_px_at_stride_32():
    from torchvision.models import vgg16

    with torch.device("meta"):  # shapes only
        features = vgg16().features
    layers = [*features, nn.Conv2d(512, 8, 7)]
    fields = {field.name: field for field in receptive_field(layers)}
    assert fields["pool5"][1:] == (212, 32, -90)
    assert fields["conv14"][1:] == (404, 32, -90)


def test_arithmetic_and_gradient_agree_on_a_vgg_of_few_channels():
    from torchvision.models.vgg import make_layers

    plan = [2, 2, "M", 2, 2, "M", 2, 2, 2, "M", 2, 2, 2, "M", 2, 2, 2, "M"]
    net = nn.Sequential(make_layers(plan), nn.Conv2d(2, 2, 7))
    assert receptive_field_by_gradient(net, 900) == receptive_field(net)[-1].size == 404


@settings(max_examples=40, deadline=None)
@given(st.lists(LAYERS, min_size=1, max_size=4))
def test_arithmetic_and_gradient_agree(layers):
    net = nn.Sequential(*layers)
    field = receptive_field(net)[-1]
    seen = receptive_field_by_gradient(net, 3 * field.size + 40)
    assert seen == field.size


def test_nets_with_branches_go_by_gradient():
    squeezenet, _ = classifier("squeezenet1_0")
    with pytest.raises(InputError, match="a Fire is no link of a chain"):
        receptive_field(to_dense(squeezenet))
    resnet, _ = classifier("resnet18")
    assert receptive_field_by_gradient(to_dense(resnet), 600) == 435


def test_a_field_that_reaches_the_border_is_refused():
    with pytest.raises(InputError, match="reaches the border of 5 px"):
        receptive_field_by_gradient(nn.Conv2d(3, 3, 5), 5)


def test_the_net_is_left_alone():
    net = nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3), nn.MaxPool2d(2))
    before = net[0].weight.clone()
    receptive_field_by_gradient(net, 20)
    assert isinstance(net[2], nn.MaxPool2d) and torch.equal(net[0].weight, before)
