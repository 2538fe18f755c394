"""FCN-32s and the registry of networks."""

import pytest
import torch

from course_lib.errors import InputError
from course_lib.models import build
from course_lib.models.dense import to_dense
from course_lib.models.fcn import FCN32s
from course_lib.models.small_vgg import SmallVGG


def test_fcn32s_on_vgg16_without_its_numbers():
    with torch.device("meta"):  # shapes only
        net = build("fcn32s_vgg16", num_classes=21)
        shape = net(torch.empty(1, 3, 200, 300))["out"].shape
    assert shape == (1, 21, 200, 300)
    # 14.7 million before fc6, then 7 x 7 x 512 x 4096, 4096 x 4096 and 4096 x 21
    assert sum(p.numel() for p in net.parameters()) == 134_346_581


def test_an_unknown_name_lists_the_known():
    with pytest.raises(InputError, match="'fcn33s'; known: .*fcn32s_small"):
        build("fcn33s", num_classes=3)


def test_a_wrong_option_and_no_class_are_told():
    with pytest.raises(InputError, match="'fcn32s_small' does not take {'depth': 3}"):
        build("fcn32s_small", num_classes=3, depth=3)
    with pytest.raises(InputError, match="num_classes is 0"):
        build("fcn32s_small", num_classes=0)


def test_the_middle_of_a_cell_has_the_score_of_the_cell():
    torch.manual_seed(0)
    net = FCN32s(to_dense(SmallVGG(4))).eval()
    images = torch.randn(1, 3, 96, 128)
    with torch.no_grad():
        cells = net.score(net.body(images))  # (1, 4, 3, 4)
        logits = net(images)["out"]
    corners = [logits[..., 15 + i :: 32, 15 + j :: 32] for i in (0, 1) for j in (0, 1)]
    middles = torch.stack(corners).mean(dim=0)  # pixels 15 and 16 enclose the middle
    torch.testing.assert_close(middles, cells, atol=0.02 * cells.std(), rtol=0.02)


def test_the_score_layer_is_fc8_or_fresh():
    classifier = SmallVGG(4)
    own = FCN32s(to_dense(classifier)).score
    assert torch.equal(own.weight[..., 0, 0], classifier.classifier[-1].weight)
    assert FCN32s(to_dense(classifier), 7).score.weight.shape == (7, 128, 1, 1)


def test_all_of_fcn32s_learns():
    net = build("fcn32s_small", num_classes=3)
    net(torch.randn(2, 3, 64, 64))["out"].square().mean().backward()
    assert all(p.grad is not None for p in net.parameters())
