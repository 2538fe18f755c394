"""PSP, DeepLabV3 and V3+, DenseASPP, LR-ASPP: against torchvision and by hand."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.errors import InputError
from course_lib.models import build
from course_lib.models.blocks import conv_unit
from course_lib.models.deeplab import ASPP, separable
from course_lib.models.denseaspp import DenseASPP
from course_lib.models.near_sighted import HEADS
from course_lib.models.psp import PooledBranch, PyramidPooling
from course_lib.models.receptive_field import receptive_field_by_gradient

NETS = [
    "psp_resnet18_8s", "psp_resnet50_8s", "deeplabv3_resnet18_8s",
    "deeplabv3_resnet50_8s", "deeplabv3plus_resnet18_16s",
    "deeplabv3plus_resnet50_16s", "denseaspp_resnet18_8s", "lraspp_mobilenetv3",
]  # fmt: skip
TOLERANCE = 1e-5  # largest difference of any logit


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def randomise(net: nn.Module) -> nn.Module:
    """Batch norm with factors and statistics of its own, so that mixing up shows."""
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor, mean in ((layer.weight, 1), (layer.running_var, 1)):
                nn.init.uniform_(tensor, 0.7 * mean, 1.3 * mean)
            nn.init.normal_(layer.bias, std=0.1)
            layer.running_mean.normal_(0, 0.1)
    return net.eval()


def torchvisions(name: str, **options) -> nn.Module:
    from torchvision.models import segmentation

    torch.manual_seed(0)
    make = getattr(segmentation, name)
    return randomise(make(weights=None, weights_backbone=None, **options))


@pytest.mark.parametrize("ours, theirs, options", [
    ("deeplabv3_resnet50_8s", "deeplabv3_resnet50", {}),
    ("deeplabv3_resnet50_8s", "deeplabv3_resnet50", {"aux": True}),
    ("lraspp_mobilenetv3", "lraspp_mobilenet_v3_large", {}),
])
def test_torchvisions_state_dict_gives_torchvisions_logits(ours, theirs, options):
    aux = {"aux_loss": True} if options else {}
    reference = torchvisions(theirs, num_classes=21, **aux)
    net = build(ours, num_classes=21, **options).eval()
    assert list(net.state_dict()) == list(reference.state_dict())
    net.load_state_dict(reference.state_dict())
    images = torch.randn(2, 3, 97, 130)
    with torch.no_grad():
        expected, got = reference(images)["out"], net(images)["out"]
    assert expected.std() > 0.01  # or equality would say nothing
    torch.testing.assert_close(got, expected, atol=TOLERANCE, rtol=0)
    assert count(net) == count(reference)


def test_the_auxiliary_logits_and_gradients_are_torchvisions():
    reference = torchvisions("deeplabv3_resnet50", num_classes=5, aux_loss=True)
    net = build("deeplabv3_resnet50_8s", num_classes=5, aux=True)
    net.load_state_dict(reference.state_dict())
    images, grads = torch.randn(2, 3, 41, 33), []
    for each in (net, reference):
        each.train()
        for layer in each.modules():
            if isinstance(layer, nn.Dropout):
                layer.eval()
        logits = each(images)
        (logits["out"].square().mean() + 0.4 * logits["aux"].square().mean()).backward()
        grads.append((logits["aux"], each.backbone.conv1.weight.grad))
    (aux, grad), (their_aux, their_grad) = grads
    torch.testing.assert_close(aux, their_aux, atol=1e-4, rtol=0)
    torch.testing.assert_close(grad, their_grad, atol=1e-3 * grad.abs().max(), rtol=0)


@pytest.mark.parametrize("name", NETS)
def test_odd_sizes_and_a_narrower_width(name):
    net = build(name, num_classes=4, width=8).eval()
    for size in ((65, 65), (33, 47), (7, 90)):
        with torch.no_grad():
            assert net(torch.randn(1, 3, *size))["out"].shape == (1, 4, *size)
    net.train()
    for logits in net(torch.randn(2, 3, 65, 41)).values():
        assert logits.shape == (2, 4, 65, 41)


@pytest.mark.parametrize("name", NETS)
def test_all_of_a_net_learns_and_its_width_sets_the_head_too(name):
    small, large = (build(name, num_classes=4, width=w) for w in (8, 16))
    assert 3 < count(large) / count(small) < 4.1  # 4 but for first and last layers
    small.train()
    outputs = small(torch.randn(2, 3, 64, 64))
    sum(logits.square().mean() for logits in outputs.values()).backward()
    assert all(p.grad is not None for p in small.parameters())


def test_parameters_of_the_psp_head_by_hand():
    net = build("psp_resnet18_8s", num_classes=21)
    branch = 512 * 128 + 2 * 128  # 1x1 convolution, batch norm
    fuse = 9 * 1024 * 128 + 2 * 128
    assert count(net.classifier) == 4 * branch + fuse + 128 * 21 + 21 == 1_445_781
    assert count(net.aux_classifier) == 9 * 256 * 64 + 2 * 64 + 64 * 21 + 21
    bare = build("psp_resnet18_8s", num_classes=21, aux=False)
    assert count(bare) == 11_176_512 + 1_445_781  # ResNet-18 without its fc


def test_parameters_of_aspp_by_hand():
    aspp = build("deeplabv3_resnet50_8s", num_classes=21).classifier[0]
    by_hand = 2 * 2048 * 256 + 3 * 9 * 2048 * 256 + 5 * 256 * 256 + 6 * 2 * 256
    assert count(aspp) == by_hand == 15_535_104
    light = build("deeplabv3plus_resnet50_16s", num_classes=21).aspp
    branch = 9 * 2048 + 2 * 2048 + 2048 * 256 + 2 * 256
    saved = 3 * (9 * 2048 * 256 + 2 * 256 - branch)
    assert count(light) == by_hand - saved


def test_a_separable_convolution_is_a_full_one_of_rank_one_a_channel():
    layers = separable(6, 4, dilation=2)
    depthwise, pointwise = layers[0], layers[3]
    kernel = pointwise.weight * depthwise.weight.transpose(0, 1)  # (4, 6, 3, 3)
    x = torch.randn(1, 6, 9, 9)
    full = F.conv2d(x, kernel, padding=2, dilation=2)
    torch.testing.assert_close(pointwise(depthwise(x)), full, atol=1e-5, rtol=0)
    assert sum(p.numel() for p in (depthwise.weight, pointwise.weight)) == 9 * 6 + 6 * 4


@pytest.mark.parametrize("size", [(6, 6), (7, 11), (13, 4), (2, 3)])
def test_pyramid_pooling_against_loops(size):
    torch.manual_seed(0)
    pyramid = randomise(PyramidPooling(8))
    x = torch.randn(2, 8, *size)
    out = pyramid(x)
    assert out.shape == (2, 16, *size) and torch.equal(out[:, :8], x)
    for i, (bins, branch) in enumerate(zip((1, 2, 3, 6), pyramid.branches,
                                           strict=True)):
        cells = torch.stack([
            torch.stack([mean_of_bin(x, row, column, bins) for column in range(bins)])
            for row in range(bins)
        ]).permute(2, 3, 0, 1)  # (2, 8, bins, bins)
        answers = nn.Sequential(*list(branch)[1:])(cells)
        level = F.interpolate(answers, size, mode="bilinear")
        got = out[:, 8 + 2 * i : 10 + 2 * i]
        torch.testing.assert_close(got, level, atol=1e-6, rtol=0)


def mean_of_bin(x, row: int, column: int, bins: int):
    """The bin from floor(i n / bins) to ceil((i + 1) n / bins), on both axes."""
    (top, bottom), (left, right) = (
        (i * n // bins, -(-(i + 1) * n // bins))
        for i, n in zip((row, column), x.shape[-2:], strict=True)
    )
    return x[..., top:bottom, left:right].mean(dim=(2, 3))


def test_aspp_branches_have_the_effective_kernel_of_their_rate():
    for rate in (1, 6, 12):
        aspp = ASPP(2, (rate,), out_channels=2)
        branch = nn.Sequential(nn.Conv2d(3, 2, 1), aspp.convs[1])
        assert receptive_field_by_gradient(branch, 65) == 2 * rate + 1


def test_dense_aspp_sees_twice_the_sum_of_its_rates():
    dense = DenseASPP(2, growth=1, rates=(2, 3, 4))
    net = nn.Sequential(nn.Conv2d(3, 2, 1), dense)
    assert receptive_field_by_gradient(net, 65) == 1 + 2 * (2 + 3 + 4)


def test_a_rate_as_large_as_the_map_leaves_one_tap():
    """Chen et al., 2017, section 3.3: on 65 x 65 cells, rate 65 and more is 1x1."""
    torch.manual_seed(0)
    unit = randomise(conv_unit(3, 5, dilation=65))
    x = torch.randn(1, 3, 65, 65)
    alone = F.conv2d(x, unit[0].weight[:, :, 1:2, 1:2])
    torch.testing.assert_close(unit(x), unit[1:](alone), atol=1e-6, rtol=0)
    near = randomise(conv_unit(3, 5, dilation=64))
    alone = near[1:](F.conv2d(x, near[0].weight[:, :, 1:2, 1:2]))
    assert (near(x) - alone).abs().max() > 1e-3


@pytest.mark.parametrize("rate", [1, 6, 12, 24, 36, 64, 65, 90])
def test_the_share_of_taps_on_the_map(rate):
    ones = torch.ones(1, 1, 65, 65)
    taps = F.conv2d(ones, torch.ones(1, 1, 3, 3), padding=rate, dilation=rate)
    inside = max(0, 65 - rate) / 65  # of the places, for a tap to one side
    assert taps.mean().item() == pytest.approx((1 + 2 * inside) ** 2, abs=1e-4)


def test_a_training_batch_of_one_is_refused_in_one_sentence():
    branch = PooledBranch(4, 4, bins=1)
    with pytest.raises(InputError, match="batch of 1 picture .* give at least 2"):
        branch(torch.randn(1, 4, 5, 5))
    assert branch(torch.randn(2, 4, 5, 5)).shape == (2, 4, 5, 5)
    assert branch.eval()(torch.randn(1, 4, 5, 5)).shape == (1, 4, 5, 5)
    assert PooledBranch(4, 4, bins=2)(torch.randn(1, 4, 5, 5)).shape == (1, 4, 5, 5)


def test_both_pyramids_in_one_head():
    net = build("deeplabv3_resnet18_8s", 4, width=8, rates=(2, 4), bins=(1, 2, 3, 6))
    assert len(net.classifier[0].convs) == 1 + 2 + 4


@pytest.mark.parametrize("head", sorted(HEADS))
def test_the_near_sighted_net_looks_as_far_as_its_head(head):
    torch.manual_seed(0)
    net = build("near_sighted", 3, width=4, head=head).eval()
    picture = torch.randn(1, 3, 97, 97, requires_grad=True)
    net(picture)["out"][0, :, 48, 48].sum().backward()
    rows = picture.grad.abs().sum(dim=(0, 1, 3)).nonzero()  # that have a vote
    assert rows.max() - rows.min() + 1 == (5 if head == "none" else 97)


def test_an_unknown_head_is_refused():
    with pytest.raises(InputError, match="head is 'far'; choose one of none, ppm"):
        build("near_sighted", 3, head="far")
