"""ResNets at every output stride: against torchvision, and against themselves."""

import copy

import pytest
import torch
from torch import nn
from torchvision import models
from torchvision.models.segmentation import fcn_resnet50

from course_lib.errors import InputError
from course_lib.models import build
from course_lib.models.dilation import stride_to_dilation
from course_lib.models.resnet import BLOCKS, resnet
from course_lib.training import cifar_dilation

NAMES = tuple(BLOCKS)


def lived_in(net):
    """Statistics as after a little training, so that maps stay of the size of 1."""
    net.train()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.3)
            module.momentum = 1.0
    with torch.no_grad():
        net(torch.randn(2, 3, 97, 129))
    return net.eval()


def stages(theirs, x):
    """The four maps of a torchvision ResNet."""
    x, maps = theirs.maxpool(theirs.relu(theirs.bn1(theirs.conv1(x)))), []
    for layer in (theirs.layer1, theirs.layer2, theirs.layer3, theirs.layer4):
        x = layer(x)
        maps.append(x)
    return maps


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "resnet101"])
def test_keys_shapes_and_maps_are_those_of_torchvision(name):
    torch.manual_seed(0)
    deep = name in ("resnet34", "resnet101")  # too slow to run, shapes will do
    with torch.device("meta" if deep else "cpu"):
        theirs, ours = models.get_model(name), resnet(name)
    expected = {k: v.shape for k, v in theirs.state_dict().items() if "fc." not in k}
    assert {k: v.shape for k, v in ours.state_dict().items()} == expected
    if not deep:
        lived_in(theirs)
        ours.load_state_dict(theirs.state_dict(), strict=False)
        x = torch.randn(1, 3, 65, 90)
        for a, b in zip(stages(theirs, x), ours.eval()(x), strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-5)


@pytest.mark.parametrize("replaced, stride", [((0, 1, 1), 8), ((0, 0, 1), 16)])
def test_surgery_on_resnet50_is_torchvisions_own(replaced, stride):
    torch.manual_seed(1)
    theirs = models.resnet50(replace_stride_with_dilation=list(map(bool, replaced)))
    lived_in(theirs)
    plain = models.resnet50().eval()
    plain.load_state_dict(theirs.state_dict())
    ours = resnet("resnet50", stride).eval()
    ours.load_state_dict(theirs.state_dict(), strict=False)
    x = torch.randn(1, 3, 97, 71, requires_grad=True)
    expected = stages(theirs, x)[-1]
    (slope,) = torch.autograd.grad(expected.square().mean(), x)
    for got in (stages(stride_to_dilation(plain, stride), x)[-1], ours(x)[-1]):
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-5)
        (ours_slope,) = torch.autograd.grad(got.square().mean(), x)
        torch.testing.assert_close(ours_slope, slope, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stride", [4, 8, 16])
def test_the_old_map_is_a_part_of_the_new_one(name, stride):
    torch.manual_seed(2)
    coarse = resnet(name, width=4).double().eval()
    fine = stride_to_dilation(copy.deepcopy(coarse), stride)
    for height, width in ((64, 96), (67, 93), (1, 40)):
        x = torch.randn(2, 3, height, width, dtype=torch.float64)
        for s, old, new in zip((4, 8, 16, 32), coarse(x), fine(x), strict=True):
            every = max(s // stride, 1)
            assert new.shape[-2:] == (-(-height // min(s, stride)),
                                      -(-width // min(s, stride)))
            shared = new[..., ::every, ::every]
            torch.testing.assert_close(shared, old, rtol=1e-10, atol=1e-10)


def test_without_dilation_the_maps_part():
    coarse = resnet("resnet18", width=4).eval()
    torn = copy.deepcopy(coarse)
    for part in torn.layer4[0].conv1, torn.layer4[0].downsample[0]:
        part.stride = (1, 1)
    x = torch.randn(1, 3, 64, 64)
    assert (torn(x)[-1][..., ::2, ::2] - coarse(x)[-1]).abs().max() > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_surgery_changes_no_parameter(name):
    with torch.device("meta"):
        nets = [resnet(name, s) for s in (4, 8, 16, 32)]
    shapes = [[(k, v.shape) for k, v in net.state_dict().items()] for net in nets]
    assert all(each == shapes[0] for each in shapes)


def test_a_resnet9_has_one_block_a_stage_and_its_weights_counted_by_hand():
    blocks = sum(9 * (a * b + b * b) + 2 * 2 * b for a, b in
                 ((64, 64), (64, 128), (128, 256), (256, 512)))
    shortcuts = sum(a * b + 2 * b for a, b in ((64, 128), (128, 256), (256, 512)))
    with torch.device("meta"):
        count = sum(p.numel() for p in resnet("resnet9").parameters())
    assert count == 3 * 49 * 64 + 2 * 64 + blocks + shortcuts


def test_multi_grid_multiplies_the_dilation_of_the_last_stage():
    net = resnet("resnet50", 8, width=8, multi_grid=(1, 2, 4))
    assert [block.conv2.dilation[0] for block in net.layer4] == [2, 8, 16]
    assert [block.conv2.padding[0] for block in net.layer4] == [2, 8, 16]
    assert net(torch.randn(2, 3, 65, 65))[-1].shape == (2, 256, 9, 9)


def test_deep_stem_is_three_small_convolutions():
    net = resnet("resnet18", 8, width=8, deep_stem=True)
    convs = [m for m in net.conv1 if isinstance(m, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.stride[0]) for c in convs] == [
        (3, 8, 2), (8, 8, 1), (8, 16, 1)]
    shapes = [m.shape[-2:] for m in net(torch.randn(2, 3, 67, 93))]
    assert shapes == [(17, 24), (9, 12), (9, 12), (9, 12)]


@pytest.mark.parametrize("stride", [2, 12, 64])
def test_an_impossible_stride_is_told_with_the_possible_ones(stride):
    with pytest.raises(InputError, match=f"is {stride}; .* can have 4, 8, 16, 32"):
        resnet("resnet18", stride)


def test_other_wrong_input_is_told():
    with pytest.raises(InputError, match="no 'resnet19'; choose one of resnet9, "):
        resnet("resnet19")
    with pytest.raises(InputError, match="dilated already"):
        stride_to_dilation(resnet("resnet9", 8, width=4), 8)
    with pytest.raises(InputError, match="3 factors and the last stage 2 blocks"):
        resnet("resnet18", 8, width=4, multi_grid=(1, 2, 4))


@pytest.mark.parametrize("training", [False, True])
def test_fcn_resnet50_is_torchvisions(training):
    torch.manual_seed(3)
    theirs = fcn_resnet50(weights=None, weights_backbone=None, aux_loss=True)
    theirs = lived_in(theirs).train(training)
    ours = build("fcn_resnet50_8s", num_classes=21).train(training)
    ours.load_state_dict(theirs.state_dict())
    x, outputs = torch.randn(2, 3, 67, 93), []
    for net in (theirs, ours):
        torch.manual_seed(4)  # the same dropout
        outputs.append(net(x))
    expected, got = outputs
    assert list(got) == (["out", "aux"] if training else ["out"])
    for key, logits in got.items():
        torch.testing.assert_close(logits, expected[key], rtol=0, atol=1e-5)
    if training:  # the same slope at the first weight
        slopes = [torch.autograd.grad(o["out"].mean() + o["aux"].mean(),
                                      net.backbone.conv1.weight)[0]
                  for net, o in zip((theirs, ours), outputs, strict=True)]
        torch.testing.assert_close(*slopes, rtol=1e-3, atol=1e-6)


def test_fcn_without_aux_loads_a_state_dict_without_aux():
    theirs = fcn_resnet50(weights=None, weights_backbone=None, num_classes=5)
    build("fcn_resnet50_8s", 5, aux=False).load_state_dict(theirs.state_dict())


def test_scores_start_small_and_the_auxiliary_ones_are_for_training():
    net = build("resnet18_8s", num_classes=5, width=16, aux=True)
    for conv in (net.classifier, net.aux_classifier):
        assert 0.008 < conv.weight.std() < 0.012 and (conv.bias == 0).all()
    assert net.aux_classifier.in_channels == 64
    x = torch.randn(2, 3, 40, 56)
    assert net(x)["aux"].shape == (2, 5, 40, 56)
    assert list(net.eval()(x)) == ["out"]


@pytest.mark.parametrize("stride", [8, 32])
def test_an_aligned_net_answers_cell_i_at_pixel_s_i(stride):
    torch.manual_seed(5)
    net = build(f"resnet9_{stride}s", 3, width=4, align=True).eval()
    x = torch.randn(1, 3, 2 * stride + 1, 3 * stride + 1)
    cells = net.classifier(net.backbone(x)[-1])  # (1, 3, 3, 4)
    at_cells = net(x)["out"][..., ::stride, ::stride]
    torch.testing.assert_close(at_cells, cells, rtol=0, atol=1e-6)


@pytest.mark.parametrize("height, width, aligned", [
    (65, 97, (65, 97)), (64, 98, (65, 129)), (1, 33, (1, 33)), (2, 34, (33, 65))])
def test_an_aligned_net_sees_a_multiple_of_its_stride_and_one(height, width, aligned):
    net = build("resnet9_32s", 3, width=4, align=True).eval()
    seen = []
    net.backbone.register_forward_pre_hook(lambda _, x: seen.append(x[0].shape[-2:]))
    assert net(torch.randn(1, 3, height, width))["out"].shape == (1, 3, height, width)
    assert seen == [aligned]


def test_a_cell_looks_around_pixel_s_i_and_not_around_the_middle_of_its_square():
    net = resnet("resnet9", 8, width=4).double().eval()
    net.maxpool = nn.AvgPool2d(3, 2, 1)  # a maximum has a slope at one place only
    for conv in net.modules():
        if isinstance(conv, nn.Conv2d):
            nn.init.ones_(conv.weight)
    image = torch.ones(1, 3, 401, 401, dtype=torch.float64, requires_grad=True)
    net(image)[-1][0, :, 25, 25].sum().backward()
    columns = image.grad[0, 0].sum(0).nonzero()
    assert 0 < columns.min() and (columns.min() + columns.max()) / 2 == 8 * 25


@pytest.mark.real
@pytest.mark.parametrize("depth, right", [(20, 0.80), (56, 0.86)])
def test_trained_resnets_answer_as_before_at_the_old_places(real_data, depth, right):
    row = cifar_dilation.measure(depth, real_data / "cifar10_resnet")
    assert row["accuracy_before"] == right
    assert row["largest_difference"] < 1e-4 < row["largest_logit"] / 1e5
    assert abs(row["accuracy_after"] - right) < 0.03
    assert row["accuracy_without_dilation"] < right - 0.3
