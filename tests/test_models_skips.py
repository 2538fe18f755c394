"""FCN-16s and FCN-8s begin as the coarser net and learn from there."""

import pytest
import torch

from course_lib.errors import InputError
from course_lib.models import build
from course_lib.models.blocks import resize
from course_lib.models.skips import start_from_coarser

SIZES = [(96, 128), (97, 131), (33, 20), (1, 1)]
FAMILIES = {
    "small": {"width": 4},
    "resnet18": {"width": 8},
    "resnet34": {"width": 4},
    "resnet50": {"width": 4},
}
FAMILY = pytest.mark.parametrize("family", FAMILIES)


def trio(family: str):
    torch.manual_seed(0)
    options = FAMILIES[family]
    return [build(f"fcn{s}s_{family}", 5, **options).eval() for s in (32, 16, 8)]


def randomise(net: torch.nn.Module) -> None:
    """Move every number of a net, statistics of batch norm too."""
    with torch.no_grad():
        for value in net.state_dict().values():
            if value.is_floating_point():
                value.add_(0.1 * torch.rand_like(value))


@FAMILY
@pytest.mark.parametrize("size", SIZES)
def test_a_finer_net_begins_as_the_coarser_to_the_bit(family, size):
    coarse, middle, fine = trio(family)
    images = torch.randn(2, 3, *size)
    assert not any(p.any() for p in fine.skips.parameters())
    for coarser, finer, stride in ((coarse, middle, 16), (middle, fine, 8)):
        randomise(coarser)
        randomise(finer)  # also its skips, which must become zero
        new = start_from_coarser(finer, coarser.state_dict())
        assert new == [f"skips.{stride}.weight", f"skips.{stride}.bias"]
        with torch.no_grad():
            assert torch.equal(finer(images)["out"], coarser(images)["out"])


@FAMILY
def test_8s_may_start_from_32s_and_is_then_32s(family):
    coarse, _, fine = trio(family)
    randomise(coarse)
    assert len(start_from_coarser(fine, coarse.state_dict())) == 4
    images = torch.randn(1, 3, 65, 40)
    with torch.no_grad():
        assert torch.equal(fine(images)["out"], coarse(images)["out"])


@FAMILY
def test_each_skip_adds_its_own_enlarged_scores(family):
    _, _, net = trio(family)
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        before, seen = net(images)["out"], {}
        for stride, skip in net.skips.items():
            skip.register_forward_hook(lambda m, i, o, s=stride: seen.update({s: o}))
            torch.nn.init.normal_(skip.weight)
        added = net(images)["out"] - before
    assert {s: tuple(o.shape[-2:]) for s, o in seen.items()} == {
        "16": (4, 6),
        "8": (8, 12),
    }
    expected = sum(resize(scores, (64, 96)) for scores in seen.values())
    torch.testing.assert_close(added, expected, atol=1e-4, rtol=1e-4)


@FAMILY
def test_all_of_fcn8s_learns_from_its_second_step(family):
    *_, net = trio(family)
    images, labels = torch.randn(2, 3, 64, 64), torch.randint(5, (2, 64, 64))
    optimiser = torch.optim.SGD(net.train().parameters(), lr=0.1)
    for step in range(2):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(images)["out"], labels)
        loss.backward()
        optimiser.step()
        for skip in net.skips.values():
            assert skip.weight.grad.abs().sum() > 0, step
    assert all(p.grad is not None for p in net.parameters())


def test_weights_of_another_net_are_refused():
    _, middle, fine = trio("small")
    with pytest.raises(InputError, match="coarser net does not fit .* unknown skips.8"):
        start_from_coarser(middle, fine.state_dict())
    with pytest.raises(InputError, match="the coarser net does not fit .*missing body"):
        start_from_coarser(fine, {})
    other = build("fcn32s_small", 6, width=4).state_dict()
    with pytest.raises(InputError, match=r"score.weight is \(6, 128, 1, 1\), wanted"):
        start_from_coarser(fine, other)


@pytest.mark.parametrize("stride, skips", [(16, 512 + 1), (8, 512 + 1 + 256 + 1)])
def test_on_vgg16_without_its_numbers(stride, skips):
    with torch.device("meta"):  # shapes only
        net = build(f"fcn{stride}s_vgg16", num_classes=21)
        shape = net(torch.empty(1, 3, 200, 300))["out"].shape
    assert shape == (1, 21, 200, 300)
    weights = sum(p.numel() for p in net.parameters())
    assert weights == 134_346_581 + 21 * skips  # FCN-32s and the skip scores
