"""Mean field of a dense CRF on whole photographs, by the permutohedral lattice.

The exact message of ``course_lib.crf`` sums over all pairs of pixels. Here both kernels
are a ``permutohedral.Lattice``, built once for a picture and used in every iteration.

Krähenbühl and Koltun, Efficient Inference in Fully Connected CRFs with Gaussian Edge
Potentials, NIPS 2011. Used in chapters/04_crf_refinement.
"""

import torch
from torch import Tensor

from course_lib.crf import unary_from_probabilities
from course_lib.permutohedral import Lattice


def fast_mean_field(
    image: Tensor,
    probabilities: Tensor,
    *,
    gaussian_sxy: float,
    gaussian_compat: float | Tensor,
    bilateral_sxy: float,
    bilateral_srgb: float,
    bilateral_compat: float | Tensor,
    iterations: int,
) -> Tensor:
    """Marginals (C, H, W) as of ``course_lib.crf.mean_field``, in linear time.

    Arguments as there. Differentiable in ``probabilities`` and both ``compat``.
    """
    unary = unary_from_probabilities(probabilities)  # (C, H, W)
    places = pixel_positions(unary)  # (2, N)
    colours = image.to(unary).permute(2, 0, 1).flatten(1)  # (3, N)
    places_and_colours = torch.cat([places / bilateral_sxy, colours / bilateral_srgb])
    messages = [
        (Lattice(features), compat)
        for features, compat in (
            (places / gaussian_sxy, gaussian_compat),
            (places_and_colours, bilateral_compat),
        )
        if isinstance(compat, Tensor) or compat
    ]
    start = -unary.flatten(1).T.contiguous()  # (N, C)
    logits = start.clone()
    for _ in range(iterations):
        q = softmax_of_rows(logits)  # (N, C)
        logits = start.clone()
        for lattice, compat in messages:
            logits = lattice.read(reward(lattice.gather(q), compat), logits)
    return softmax_of_rows(logits).T.reshape(unary.shape)


def softmax_of_rows(logits: Tensor) -> Tensor:
    """Softmax of every row of (N, C): torch's own is slow where rows are so short.

    ``logits`` are overwritten: fresh memory costs more here than arithmetic.
    """
    low, high = logits.detach().aminmax()
    if max(-low, high) > 80:  # where exp leaves the range of float32
        logits = logits - logits.amax(dim=1, keepdim=True)
    shares = logits.exp_()
    sums = shares @ shares.new_ones(shares.shape[1], 1)
    return shares / sums if shares.requires_grad else shares.div_(sums)


def pixel_positions(like: Tensor) -> Tensor:
    """Where every pixel of a (C, H, W) is, x and y, row by row: (2, H * W)."""
    y, x = (torch.arange(n).to(like) for n in like.shape[1:])
    return torch.stack(torch.meshgrid(x, y, indexing="xy")).flatten(1)


def reward(heard: Tensor, compat: float | Tensor) -> Tensor:
    """What was heard (M, C), times a number or mixed by a matrix (C, C)."""
    if isinstance(compat, Tensor) and compat.ndim == 2:
        return heard @ compat.to(heard).T
    return heard * compat
