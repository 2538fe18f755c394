"""Checks of chapters/05_training_recipes."""

import torch
from torch import nn

from course_lib.teaching.checks import exercise, expect


@exercise("05.1")
def masked_mean(answer):
    """Mean of losses over the pixels that are not void."""
    losses, labels = torch.tensor([1.0, 2.0, 9.0]), torch.tensor([0, 4, 255])
    expect("losses [1, 2, 9], labels [0, 4, 255]", answer(losses, labels), 1.5)
    all_void = answer(losses, torch.full((3,), 255))
    expect("losses [1, 2, 9], every label 255", all_void, 0.0)
    drawn = torch.Generator().manual_seed(5)
    losses = torch.rand(2, 3, 4, generator=drawn)
    labels = torch.randint(0, 3, (2, 3, 4), generator=drawn)
    labels[labels == 2] = 255
    kept = losses[labels != 255].mean()
    expect("losses and labels of shape (2, 3, 4)", answer(losses, labels), kept)


@exercise("05.2")
def rate(answer):
    """Linear schedule with warm-up from a third, and a clamp."""
    asked = "rate({}, steps=100, lr=0.3, warmup=10)"
    right = {0: 0.1, 5: 0.3 * (2 / 3) * 0.95, 10: 0.27, 50: 0.15, 100: 0.0, 130: 0.0}
    for step, expected in right.items():
        got = answer(step, 100, 0.3, 10)
        expect(asked.format(step), got, expected)
    expect("rate(0, steps=100, lr=0.3, warmup=0)", answer(0, 100, 0.3, 0), 0.3)


@exercise("05.3")
def left_out(answer):
    """Names of trainable parameters that no group holds."""
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))
    everything = [{"params": list(net.parameters())}]
    expect("all parameters in one group", list(answer(net, everything)), [])
    part = [{"params": [net[0].weight]}, {"params": list(net[1].parameters())}]
    names = ["0.bias", "2.weight", "2.bias"]
    asked = "a net whose groups hold 0.weight, 1.weight and 1.bias"
    expect(asked, list(answer(net, part)), names)
    net[2].bias.requires_grad_(False)
    asked = "the same with 2.bias frozen, which needs no group"
    expect(asked, list(answer(net, part)), names[:2])
