"""Checks of chapters/07_psp_deeplab."""

import torch
import torch.nn.functional as F

from course_lib.teaching.checks import exercise, expect


@exercise("07.1")
def pyramid(answer):
    """The map beside its enlarged averages, without any weights."""
    x = torch.arange(16.0).view(1, 1, 4, 4)
    got = answer(x, (1, 2))
    shape = None if got is None else list(got.shape)
    expect("the shape for a map (1, 1, 4, 4) and bins (1, 2)", shape, [1, 3, 4, 4])
    first = "the mean of the first channel, which is the map itself,"
    expect(first, got[:, 0].mean(), 7.5)
    expect("one bin: the top left cell", got[0, 1, 0, 0], 7.5)
    asked = "two bins, whose means are 2.5 and 4.5 above: the first row, enlarged"
    expect(asked, got[0, 2, 0], [2.5, 3.0, 4.0, 4.5])
    x = torch.randn(2, 3, 7, 5, generator=torch.Generator().manual_seed(7))
    levels = [F.adaptive_avg_pool2d(x, bins) for bins in (3, 6)]
    levels = [F.interpolate(level, (7, 5), mode="bilinear") for level in levels]
    asked = "a map (2, 3, 7, 5) of noise, bins (3, 6)"
    expect(asked, answer(x, (3, 6)), torch.cat([x, *levels], dim=1))


@exercise("07.2")
def valid_share(answer):
    """The mean share of the nine taps that lie on a square map."""
    expect("a map of 65 cells, rate 65", answer(65, 65), 1 / 9)
    expect("a map of 65 cells, rate 100", answer(65, 100), 1 / 9)
    expect("a map of 4 cells, rate 2", answer(4, 2), 4 / 9)
    expect("a map of 4 cells, rate 1", answer(4, 1), 6.25 / 9)
    expect("a map of 65 cells, rate 36", answer(65, 36), (123 / 65) ** 2 / 9)


@exercise("07.3")
def cells_seen(answer):
    """Width of the square that branches of 3x3 kernels see."""
    expect("rates [6], side by side", answer([6], False), 13)
    expect("rates [6, 12, 18], side by side", answer([6, 12, 18], False), 37)
    expect("rates [3, 1, 2], side by side", answer([3, 1, 2], False), 7)
    expect("rates [1, 1], in a row", answer([1, 1], True), 5)
    expect("rates [3, 6, 12, 18, 24], in a row", answer([3, 6, 12, 18, 24], True), 127)
