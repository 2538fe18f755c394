"""Checks of chapters/06_dilated_resnets."""

import copy

import torch
from torch import nn

from course_lib.models.dilation import stride_to_dilation
from course_lib.models.resnet import resnet
from course_lib.teaching.checks import exercise, expect


@exercise("06.1")
def has_holes(answer):
    """Whether stacked dilations leave out a number."""
    for dilations, holes in (
        ([2, 2, 2], True),
        ([1, 2, 5], False),
        ([1], False),
        ([2], True),
        ([1, 1, 3], False),
        ([1, 2, 8], True),
        ([1, 2, 7, 15], False),
        ([5, 2, 1], False),
        ([1, 2, 4, 8], False),
    ):
        expect(f"has_holes({dilations})", answer(dilations), holes)


@exercise("06.2")
def dilate_stage(answer):
    """A stage of stride 2, dilated so that its old answers stay."""
    drawn = torch.Generator().manual_seed(6)
    images = torch.randn(1, 3, 64, 64, generator=drawn)
    for name, before in (("resnet18", 1), ("resnet18", 2), ("resnet50", 2)):
        old = resnet(name, width=4).eval()
        new = copy.deepcopy(old)
        if before == 2:
            stride_to_dilation(nn.Sequential(new.layer3), 1)
        answer(new.layer4, before)
        asked = f"{name}, layer4, before={before}"
        with torch.no_grad():
            maps, finer = old(images)[-1], new(images)[-1]
        size = [2 * before * side for side in maps.shape[-2:]]
        expect(f"{asked}: the size of the map", list(finer.shape[-2:]), size)
        away = (finer[..., :: 2 * before, :: 2 * before] - maps).abs().max()
        kept = bool(away < 1e-4 * maps.abs().max())
        expect(f"{asked}: are the old cells as before", kept, True)
        far = [m.dilation[0] for m in new.layer4.modules() if isinstance(m, nn.Conv2d)]
        expect(f"{asked}: the largest dilation", max(far), 2 * before)


@exercise("06.3")
def plan(answer):
    """Which part keeps its stride, and how far the layers behind are dilated."""
    resnets = [2, 2, 1, 2, 2, 2]
    for strides, wanted, pairs in (
        (resnets, 8, [(2, 1), (2, 1), (1, 1), (2, 1), (1, 2), (1, 4)]),
        (resnets, 32, [(2, 1), (2, 1), (1, 1), (2, 1), (2, 1), (2, 1)]),
        (resnets, 16, [(2, 1), (2, 1), (1, 1), (2, 1), (2, 1), (1, 2)]),
        ([1, 2, 2], 1, [(1, 1), (1, 2), (1, 4)]),
        ([4, 2, 1, 2], 4, [(4, 1), (1, 2), (1, 2), (1, 4)]),
    ):
        got = answer(list(strides), wanted)
        got = None if got is None else [list(pair) for pair in got]
        expect(f"plan({strides}, {wanted})", got, [list(pair) for pair in pairs])
