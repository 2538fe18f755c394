"""Batch norm frozen, with exact statistics, or replaced by group norm."""

import pytest
import torch
from torch import nn

from course_lib.errors import InputError
from course_lib.models import build
from course_lib.models.normalisation import (
    freeze_batch_norm,
    group_norm,
    population_statistics,
)
from course_lib.training.audit import audit
from course_lib.training.optimiser import groups


def used_net():
    """A net whose batch norms have seen something, so that they differ from new."""
    torch.manual_seed(0)
    net = build("resnet18_8s", 3, width=8).train()
    for _ in range(3):
        net(2 + 3 * torch.randn(2, 3, 32, 48))
    return net


def test_frozen_batch_norm_answers_as_in_evaluation_in_both_modes():
    net, images = used_net(), torch.randn(2, 3, 32, 48)
    with torch.no_grad():
        expected = net.eval()(images)["out"]
        frozen = freeze_batch_norm(net)
        torch.testing.assert_close(frozen.train()(images)["out"], expected)
        torch.testing.assert_close(frozen.eval()(images)["out"], expected)
    names = [n for n, _ in net.named_parameters()]
    assert names and not any("bn" in name for name in names)
    assert audit(net, groups(net, 0.1)).passed


def test_population_statistics_by_explicit_average():
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(4, momentum=0.3)
    batches = [torch.randn(6, 4, 3, 5) * 2 + 1 for _ in range(7)]
    norm(torch.randn(6, 4, 3, 5) + 50)  # a history to be forgotten
    net = population_statistics(nn.Sequential(norm), batches)
    mean = sum(b.mean(dim=(0, 2, 3)) for b in batches) / 7
    var = sum(b.var(dim=(0, 2, 3), unbiased=True) for b in batches) / 7
    torch.testing.assert_close(norm.running_mean, mean)
    torch.testing.assert_close(norm.running_var, var)
    assert norm.momentum == 0.3 and not net.training and not norm.training


def test_population_statistics_see_no_dropout():
    norm = nn.BatchNorm1d(2)
    net = nn.Sequential(nn.Dropout(0.9), norm)
    batches = [torch.ones(4, 2), torch.ones(4, 2)]
    population_statistics(net, batches)
    assert norm.running_mean.tolist() == [1, 1]


def test_group_norm_keeps_scale_and_shift_and_does_not_see_the_batch():
    net = used_net()
    scales = [m.weight for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    grouped = group_norm(net).train()
    norms = [m for m in grouped.modules() if isinstance(m, nn.GroupNorm)]
    assert all(a.weight is b for a, b in zip(norms, scales, strict=True))
    assert not any(isinstance(m, nn.BatchNorm2d) for m in grouped.modules())
    images = torch.randn(3, 3, 32, 48)
    with torch.no_grad():
        alone = torch.cat([grouped(image[None])["out"] for image in images])
        torch.testing.assert_close(grouped(images)["out"], alone, atol=1e-4, rtol=1e-4)


def test_group_norm_against_its_equation():
    torch.manual_seed(0)
    [norm] = group_norm(nn.Sequential(nn.BatchNorm2d(12)), groups=8)
    assert norm.num_groups == 4  # the largest number that divides 8 and 12
    x = torch.randn(2, 12, 3, 5)
    parts = x.view(2, 4, -1)
    mean = parts.mean(-1, keepdim=True)
    spread = (parts.var(-1, unbiased=False, keepdim=True) + norm.eps).sqrt()
    torch.testing.assert_close(norm(x), ((parts - mean) / spread).view_as(x))


def test_every_net_takes_norm_group():
    net = build("resnet9_8s", 3, width=8, norm="group")
    assert not any("running_mean" in key for key in net.state_dict())
    with pytest.raises(InputError, match="norm is 'layer'; use batch or group"):
        build("resnet9_8s", 3, norm="layer")


def test_batch_norm_of_one_picture_has_nothing_to_normalise():
    """The failure of chapter 05: a 1 x 1 map, a batch of one."""
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        nn.BatchNorm2d(4).train()(torch.randn(1, 4, 1, 1))
    assert nn.GroupNorm(2, 4)(torch.randn(1, 4, 1, 1)).isfinite().all()
