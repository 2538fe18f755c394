"""Every network of the course: any size, one picture by heart, all of it trained."""

import pytest
import torch
from torch import nn
from torchvision import models
from torchvision.models.vgg import make_layers

from course_lib.models import build, known
from course_lib.training.audit import audit
from course_lib.training.optimiser import groups
from course_lib.training.overfit import overfit

NETS = [name for name in known() if name != "small_vgg"]  # that one learns on windows
NO_WIDTH = ("dilated_fpn", "vgg16")
ODD = (67, 93)
# 18 cells at stride 32 are few to estimate the variance of 101 layers from
SIZES = {"resnet101_32s": (131, 189)}
FAST, SLOW = {"steps": 20, "lr": 1e-2}, {"steps": 80, "lr": 3e-3}  # no batch norm


@pytest.fixture(autouse=True)
def slim_vgg16(monkeypatch):
    """VGG-16 with an eighth of its channels: 134 million weights are too many here."""

    def slim(num_classes):
        with torch.device("meta"):
            net = models.VGG(nn.Sequential(), num_classes, init_weights=False)
        stages = ((8, 2), (16, 2), (32, 3), (64, 3), (64, 3))
        plan = [c for width, count in stages for c in (*[width] * count, "M")]
        net.features = make_layers(plan)
        for i, a, b in ((0, 64 * 49, 128), (3, 128, 128), (6, 128, num_classes)):
            net.classifier[i] = nn.Linear(a, b)
        for layer in net.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        return net

    monkeypatch.setattr(models, "vgg16", slim)


def narrow(name):
    """The net with few channels, but no other change."""
    torch.manual_seed(0)
    options = {} if name.endswith(NO_WIDTH) else {"width": 8}
    return build(name, num_classes=3, **options)


def three_fields(height, width):
    """A picture of three noisy colours and its labels, void along the top."""
    mask = torch.zeros(height, width, dtype=torch.long)
    mask[:, width // 2 :] = 1
    mask[height // 2 :, : width // 3] = 2
    colours = torch.tensor([[200, 60, 60], [60, 200, 60], [60, 60, 200]])
    image = colours[mask].permute(2, 0, 1) + torch.randint(-40, 40, (3, height, width))
    mask[:3] = 255
    return image.to(torch.uint8), mask


@pytest.mark.parametrize("name", NETS)
def test_learns_one_picture_of_an_odd_size_by_heart(name):
    net = narrow(name)
    image, mask = three_fields(*SIZES.get(name, ODD))
    done = overfit(net, image, mask, **(SLOW if name.endswith("vgg16") else FAST))
    assert done.pixel_accuracy > 0.9 and done.losses[-1] < 0.3 * done.losses[0]


@pytest.mark.parametrize("name", NETS)
def test_every_parameter_is_trained_once(name):
    net = narrow(name)
    audit(net, groups(net, weight_decay=1e-4)).check()
    audit(net, groups(net, weight_decay=1e-4, head_lr=10.0)).check()


@pytest.mark.parametrize("name", known())
@pytest.mark.parametrize("size", [(1, 1), (33, 20), (64, 96)])
def test_takes_any_size(name, size):
    net = narrow(name).eval()
    with torch.no_grad():
        logits = net(torch.randn(2, 3, *size))["out"]
    assert logits.shape == (2, 3, *size) and logits.isfinite().all()


def test_the_names_are_those_of_the_papers():
    skips = [f"fcn{s}s_{body}" for s in (8, 16, 32)
             for body in ("vgg16", "small", "resnet18", "resnet34", "resnet50")]
    plain = [f"resnet{n}_{s}s" for n in (9, 18, 34, 50, 101) for s in (8, 16, 32)]
    heads = ["fcn_resnet50_8s", "psp_resnet18_8s", "psp_resnet50_8s",
             "deeplabv3_resnet18_8s", "deeplabv3_resnet50_8s",
             "deeplabv3plus_resnet18_16s", "deeplabv3plus_resnet50_16s",
             "denseaspp_resnet18_8s", "lraspp_mobilenetv3"]
    assert {*skips, *plain, *heads} <= set(known())
