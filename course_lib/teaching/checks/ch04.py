"""Checks of chapters/04_crf_refinement."""

import torch

from course_lib.teaching.checks import exercise, expect


def _drawn(classes: int, pixels: int):
    draw = torch.Generator().manual_seed(4)
    unary = torch.rand(classes, pixels, generator=draw)
    k = torch.rand(pixels, pixels, generator=draw)
    return unary, (k + k.T) / 2


@exercise("04.1")
def energy_of(answer):
    """The energy of a labelling."""
    unary = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    k = torch.tensor([[1.0, 0.5], [0.5, 1.0]])
    asked = "the two pixels of the text, labels 0 and {}"
    expect(asked.format(1), answer(torch.tensor([0, 1]), unary, k, 2.0), 6.0)
    expect(asked.format(0), answer(torch.tensor([0, 0]), unary, k, 2.0), 3.0)
    unary, k = _drawn(3, 6)
    labels = torch.tensor([0, 2, 1, 1, 0, 2])
    cost = sum(unary[labels[i], i] for i in range(6))
    for i in range(6):
        for j in range(i):
            cost = cost + 0.7 * k[i, j] * (labels[i] != labels[j])
    got = answer(labels, unary, k, 0.7)
    expect("six pixels, labels 0 2 1 1 0 2, w = 0.7", got, cost)


@exercise("04.2")
def one_round(answer):
    """One parallel update with a compatibility matrix."""
    unary, k = torch.zeros(2, 2), torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    q = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    compat = torch.tensor([[0.0, 5.0], [0.0, 0.0]])  # label 0 likes to meet label 1
    got = answer(q, unary, k, compat)
    expect("the shape of q, two labels, two pixels", list(got.shape), [2, 2])
    asked = "two pixels with labels 0 and 1, compat [[0, 5], [0, 0]]: label 0"
    expected = torch.tensor([5.0, 0.0]).sigmoid()
    expect(asked, got[0], expected)
    unary, k = _drawn(3, 6)
    q, compat = (-unary).softmax(0), torch.tensor([[2.0, 1, 0], [0, 1, 0], [0, 0, -3]])
    rewards = torch.einsum("cl,lj,ji->ci", compat, q, k)
    expect("six pixels, three labels", answer(q, unary, k, compat),
           (rewards - unary).softmax(0))  # fmt: skip


@exercise("04.3")
def learn_compat(answer):
    """A compatibility matrix that lowers the loss."""
    from torch.nn import functional as F

    from course_lib.crf import mean_field

    draw = torch.Generator().manual_seed(5)
    labels = torch.zeros(8, 10, dtype=torch.int64)
    labels[:, 5:] = 1
    image = torch.where(labels == 1, 200, 60)[..., None].repeat(1, 1, 3).byte()
    logits = torch.randn(2, 8, 10, generator=draw)
    p = (logits + F.one_hot(labels, 2).permute(2, 0, 1)).softmax(0)
    labels[0] = 255

    def loss(compat):
        q = mean_field(
            image, p, gaussian_sxy=1, gaussian_compat=0.0, bilateral_sxy=5,
            bilateral_srgb=20, bilateral_compat=compat, iterations=3,
        )  # fmt: skip
        return F.nll_loss(q.clamp(1e-8).log()[None], labels[None], ignore_index=255)

    nothing = answer(image, p, labels, 0)
    expect("the matrix after 0 steps", nothing, torch.zeros(2, 2))
    learnt = answer(image, p, labels, 30)
    expect("the shape of the matrix, two classes", list(learnt.shape), [2, 2])
    assert not learnt.requires_grad, "the matrix still has its gradient: detach it"
    before, after = float(loss(torch.zeros(2, 2))), float(loss(learnt))
    if not after < 0.25 * before:
        raise AssertionError(
            f"two classes, 30 steps: the loss went from {before:.3f} to {after:.3f}, "
            "expected less than a quarter"
        )
    if not learnt[0, 0] + learnt[1, 1] > learnt[0, 1] + learnt[1, 0]:
        raise AssertionError("equal labels are not rewarded; is the loss -log q?")
