"""Checks of chapters/03_transposed_conv_upsampling."""

import torch
import torch.nn.functional as F

from course_lib.teaching.checks import exercise, expect


@exercise("03.1")
def stamp(answer):
    """A transposed convolution of a row, stamp by stamp."""
    row, kernel = torch.tensor([1.0, 10.0]), torch.tensor([1.0, 2.0, 3.0])
    asked = "row 1, 10 under the kernel 1, 2, 3, stride {}".format
    expect(asked(1), answer(row, kernel, 1), [1.0, 12.0, 23.0, 30.0])
    expect(asked(2), answer(row, kernel, 2), [1.0, 2.0, 13.0, 20.0, 30.0])
    expect(asked(4), answer(row, kernel, 4), [1.0, 2, 3, 0, 10, 20, 30])
    drawn = torch.Generator().manual_seed(3)
    row, kernel = torch.randn(7, generator=drawn), torch.randn(5, generator=drawn)
    expected = F.conv_transpose1d(row.view(1, 1, 7), kernel.view(1, 1, 5), stride=3)
    expect("a random row, stride 3", answer(row, kernel, 3), expected.flatten())


@exercise("03.2")
def grow(answer):
    """The weights of a finer net, as far as a coarser one has them."""
    finer = {
        "skip.weight": torch.full((2, 3), 7.0),
        "body.weight": torch.full((4,), 7.0),
        "score.weight": torch.full((2, 5), 7.0),
    }
    coarser = {
        "body.weight": torch.arange(4.0),
        "score.weight": torch.ones(9, 5),
        "old.bias": torch.ones(1),
    }
    weights, new = answer(finer, coarser)
    asked = "body in both, score of another shape, skip missing: "
    expect(asked + "the names", sorted(weights), sorted(finer))
    expect(asked + "the new ones", new, ["score.weight", "skip.weight"])
    expect(asked + "body.weight", weights["body.weight"], torch.arange(4.0))
    expect(asked + "score.weight", weights["score.weight"], torch.zeros(2, 5))
    expect(asked + "skip.weight", weights["skip.weight"], torch.zeros(2, 3))
    weights["body.weight"].add_(1)
    kept = "body.weight of the coarser net, after the finer one was changed"
    expect(kept, coarser["body.weight"], torch.arange(4.0))
    expect("skip.weight of the input", finer["skip.weight"], torch.full((2, 3), 7.0))


@exercise("03.3")
def fuse(answer):
    """Scores of two strides, added where they belong."""
    coarse, fine = torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 6, 8)
    coarse[0, 1, 1, 1] = 1.0
    got = answer(coarse, fine, (96, 128))
    asked = "one hot cell, row 1 and column 1, of a coarse map of 3 x 4 cells: "
    shape = None if got is None else list(got.shape)
    expect(asked + "the shape for a picture of 96 x 128", shape, [1, 2, 96, 128])
    column = (got[0, 1].sum(0) * torch.arange(128)).sum() / got[0, 1].sum()
    expect(asked + "the column its scores are centred on", column, 47.5, atol=0.01)
    whole = F.interpolate(coarse, (96, 128), mode="bilinear")
    expect(asked + "the highest score", got.max(), whole.max())
    expect(asked + "the enlarged map, with a fine map of zeros", got, whole)
    fine[0, 0, 2, 5] = 1.0
    got = answer(torch.zeros_like(coarse), fine, (96, 128))
    whole = F.interpolate(fine, (96, 128), mode="bilinear")
    expect("one hot cell in the fine map, coarse zeros", got, whole)
