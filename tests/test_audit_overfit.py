"""The parameter audit, the overfit harness and the optimiser groups.

That every net of the course passes both stands in test_models_registry.py.
"""

import pytest
import torch
from torch import nn

from course_lib.data.harbour import Harbour
from course_lib.errors import InputError
from course_lib.models import build
from course_lib.training.audit import audit, without_gradient
from course_lib.training.optimiser import OPTIMISERS, groups
from course_lib.training.overfit import overfit


def narrow(name, num_classes=5):
    torch.manual_seed(0)
    return build(name, num_classes, width=8)


def squares(side=32):
    """2 x 2 squares in two colours: a picture that any stride up to 32 can learn."""
    board = torch.tensor([[1, 4], [4, 1]])
    mask = board.repeat_interleave(side, 0).repeat_interleave(side, 1)  # (64, 64)
    image = torch.where(mask == 1, 60, 200).expand(3, -1, -1).to(torch.uint8)
    return image, mask.long()


def test_the_classifier_that_sees_windows_passes_it_too():
    net = build("small_vgg", 5, width=8).net
    assert audit(net, groups(net, 0.1), torch.randn(2, 3, 96, 96)).passed


def test_a_coarse_net_overfits_a_coarse_picture():
    went = overfit(narrow("fcn32s_small"), *squares(), steps=25)
    assert went.losses[-1] < 0.5 * went.losses[0]
    assert went.pixel_accuracy > 0.85


def test_overfit_is_not_fooled_by_a_net_that_cannot_learn():
    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(5))

        def forward(self, images):
            size = (len(images), 5, *images.shape[-2:])
            return {"out": self.bias.view(1, 5, 1, 1).expand(size)}

    went = overfit(Constant(), *squares(), steps=40)
    assert went.pixel_accuracy < 0.6 and went.losses[-1] > 0.3 * went.losses[0]


def test_overfit_learns_a_harbour_and_leaves_void_alone():
    image, mask = Harbour("train", size=(64, 96))[0]
    assert (mask == 255).any()
    went = overfit(narrow("resnet18_8s", 12), image, mask, steps=40)
    assert went.mean_iou > 0.5 and len(went.losses) == 40


class TwoHeads(nn.Module):
    """A net with one layer that no output uses."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.head = nn.Conv2d(4, 2, 1)
        self.unused = nn.Linear(2, 2, bias=False)

    def forward(self, images):
        return {"out": self.head(self.backbone(images))}


def test_the_audit_names_what_is_missing_twice_foreign_and_unused():
    net, other = TwoHeads(), TwoHeads()
    given = [
        {"params": list(net.backbone.parameters())},
        {"params": [net.unused.weight, net.unused.weight, *other.head.parameters()]},
    ]
    found = audit(net, given)
    assert found.missing == ("head.weight", "head.bias")
    assert found.twice == ("unused.weight",)
    assert found.foreign == 2
    assert found.without_gradient == ("unused.weight",)
    with pytest.raises(InputError, match=r"2 in no optimiser group \(head.weight, h"):
        found.check()


def test_a_frozen_tensor_needs_neither_group_nor_gradient():
    net = TwoHeads()
    net.unused.requires_grad_(False)
    assert audit(net, groups(net, 0.1)).passed


def test_the_audit_leaves_the_net_as_it_was():
    net = build("resnet18_8s", 3, width=8).eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    chance = torch.get_rng_state()
    assert without_gradient(net) == []
    assert not net.training and torch.equal(torch.get_rng_state(), chance)
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert all(p.grad is None for p in net.parameters())


def test_a_gradient_that_is_zero_everywhere_counts_as_none():
    net = TwoHeads()
    net.unused.requires_grad_(False)
    with torch.no_grad():
        net.head.weight.zero_()  # nothing reaches what lies below
    names = without_gradient(net)
    assert "backbone.0.weight" in names and "head.weight" not in names


def test_groups_head_times_ten_and_no_decay_on_norms_and_biases():
    net = TwoHeads()
    given = groups(net, 0.1, head_lr=10.0)
    sizes = [sorted(tuple(p.shape) for p in g["params"]) for g in given]
    assert sizes == [
        [(4, 3, 3, 3)],
        [(4,), (4,), (4,)],
        [(2, 2), (2, 4, 1, 1)],
        [(2,)],
    ]
    assert [g["weight_decay"] for g in given] == [0.1, 0.0, 0.1, 0.0]
    assert [g.get("lr_scale") for g in given] == [None, None, 10.0, 10.0]


def test_a_net_without_a_named_backbone_is_told():
    net = nn.Sequential(nn.Conv2d(3, 2, 1))
    with pytest.raises(InputError, match="head_lr is 10.0 but Sequential has no"):
        groups(net, 0.1, head_lr=10.0)
    assert len(groups(net, 0.1)) == 2


@pytest.mark.parametrize("name", OPTIMISERS)
def test_each_optimiser_takes_the_groups_and_moves_the_net(name):
    net = TwoHeads()
    before = net.head.weight.clone()
    optimiser = OPTIMISERS[name](groups(net, 0.1, 10.0), lr=0.1)
    net(torch.randn(2, 3, 8, 8))["out"].square().mean().backward()
    optimiser.step()
    assert not torch.equal(before, net.head.weight)
