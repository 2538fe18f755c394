"""Dense CRF: labels that follow the edges of the picture, by mean field.

The energy of a labelling x of the N pixels of a picture is

    E(x) = sum_i u_i(x_i) - 1/2 sum_ij (G[x_i, x_j] g_ij + B[x_i, x_j] b_ij)

with the unary ``u``, the Gaussian kernel ``g`` over positions, the bilateral kernel
``b`` over positions and colours, and their compatibilities ``G`` and ``B``: what it is
*worth* that a pixel has label x_i while another has x_j. Here every pair of pixels is
summed, exactly; ``course_lib.crf_fast`` gives nearly the same much sooner.

Krähenbühl and Koltun, Efficient inference in fully connected CRFs with Gaussian edge
potentials, NeurIPS 2011. Taught in chapters/04_crf_refinement.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.crf_arguments import check_arguments

EXACT_PIXELS = 12_000  # the most that "auto" sums pair by pair
ROWS = 256  # pixels whose kernel with all others is held at once


def mean_field(
    image: Tensor,
    probabilities: Tensor,
    *,
    gaussian_sxy: float,
    gaussian_compat: float | Tensor,
    bilateral_sxy: float,
    bilateral_srgb: float,
    bilateral_compat: float | Tensor,
    iterations: int,
    method: str = "auto",
) -> Tensor:
    """Refine the probabilities of a net with a dense CRF.

    Args:
        image: (H, W, 3) uint8, the picture.
        probabilities: (C, H, W) float, the softmax of a net.
        gaussian_sxy: standard deviation of the Gaussian kernel, px.
        gaussian_compat: a float w: reward for the same label (Potts). A (C, C) tensor
            M: M[c, l] is the reward of label c for a neighbour with label l, so w is
            ``w * torch.eye(C)`` and a penalty is negative. M is used as it is, also
            when it is not symmetric; but only a symmetric one belongs to an energy.
            0.0 switches the kernel off.
        bilateral_sxy: standard deviation of the bilateral kernel, px.
        bilateral_srgb: its standard deviation in colour, in steps of 0 to 255.
        bilateral_compat: as ``gaussian_compat``.
        iterations: parallel updates; 0 gives the probabilities back (clipped).
        method: "exact", "fast", or "auto": exact up to 12,000 pixels.

    Returns:
        (C, H, W) marginals, on the device of ``probabilities``; differentiable with
        respect to ``probabilities`` and both compatibilities.

    Raises:
        InputError: for a wrong shape, range or method.

    Krähenbühl and Koltun, NeurIPS 2011, algorithm 1, with the symmetric
    normalisation of their code. Taught in chapters/04_crf_refinement.
    """
    arguments = dict(
        gaussian_sxy=gaussian_sxy,
        gaussian_compat=gaussian_compat,
        bilateral_sxy=bilateral_sxy,
        bilateral_srgb=bilateral_srgb,
        bilateral_compat=bilateral_compat,
        iterations=iterations,
    )
    check_arguments(image, probabilities, method, **arguments)
    image = image.to(probabilities.device)
    if method == "exact" or method == "auto" and image[..., 0].numel() <= EXACT_PIXELS:
        return exact_mean_field(image, probabilities, **arguments)
    from course_lib.crf_fast import fast_mean_field

    return fast_mean_field(image, probabilities, **arguments)


def exact_mean_field(
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
    """Mean field with every pair of pixels; see ``mean_field``.

    Taught in chapters/04_crf_refinement.
    """
    unary = unary_from_probabilities(probabilities)  # (C, H, W)
    size, like = unary.shape[1:], unary.detach()
    messages = [
        (normalised(kernel_sum, size, like), compat_matrix(compat, unary))
        for kernel_sum, compat in (
            (gaussian_kernel(size, gaussian_sxy, like), gaussian_compat),
            (bilateral_kernel(image, bilateral_sxy, bilateral_srgb, like),
             bilateral_compat),
        )
        if isinstance(compat, Tensor) or compat
    ]  # fmt: skip
    q = (-unary).softmax(dim=0)
    for _ in range(iterations):
        scores = -unary
        for message, compat in messages:
            scores = scores + torch.einsum("cl,lhw->chw", compat, message(q))
        q = scores.softmax(dim=0)
    return q


def unary_from_probabilities(probabilities: Tensor, smallest: float = 1e-8) -> Tensor:
    """Cost of every label at every pixel: -log p, p clipped to [smallest, 1].

    Args:
        probabilities: (C, H, W) float; 16-bit floats become 32-bit.
        smallest: what a probability of 0 is taken for.

    Taught in chapters/04_crf_refinement.
    """
    if probabilities.dtype in (torch.float16, torch.bfloat16):
        probabilities = probabilities.float()
    return -probabilities.clamp(smallest, 1).log()


def labels_to_probabilities(labels: Tensor, num_classes: int, certainty: float
                            ) -> Tensor:  # fmt: skip
    """Probabilities for hard labels: ``certainty`` for the label, the rest shared.

    Args:
        labels: (H, W) int64; where it is 255 (void), all labels are equally likely.
        num_classes: C, at least 2.
        certainty: in (0, 1): how far a label is trusted.

    Returns:
        (C, H, W) float32.

    Taught in chapters/04_crf_refinement.
    """
    ids = torch.arange(num_classes, device=labels.device)[:, None, None]  # (C, 1, 1)
    other = (1 - certainty) / (num_classes - 1)
    found = torch.where(labels == ids, certainty, other)  # (C, H, W)
    return torch.where(labels == 255, 1 / num_classes, found)


def gaussian(a: Tensor, b: Tensor) -> Tensor:
    """Kernel exp(-|a - b|^2 / 2) of every feature of a (N, D) with every one of b.

    Returns:
        (N, M) in (0, 1]; what lies below exp(-80) stays there (denormals are slow).
    """
    half = [x.square().sum(dim=1) / 2 for x in (a, b)]  # (N,), (M,)
    exponent = (a @ b.T).sub_(half[0][:, None]).sub_(half[1])  # -|a - b|^2 / 2
    return exponent.clamp_(-80, 0).exp_()


def gaussian_kernel(size: tuple[int, int], sxy: float, like: Tensor) -> Callable:
    """Sum over all pixels, weighed by distance: (C, H, W) -> (C, H, W).

    A Gaussian of positions is one of rows times one of columns, so two small matrices
    do the work of all pairs. ``like`` gives device and dtype.

    Taught in chapters/04_crf_refinement.
    """
    steps = [torch.arange(n, device=like.device, dtype=like.dtype) for n in size]
    rows, columns = (gaussian(x[:, None] / sxy, x[:, None] / sxy) for x in steps)
    return lambda values: rows @ values @ columns


def bilateral_kernel(image: Tensor, sxy: float, srgb: float, like: Tensor) -> Callable:
    """Sum over all pixels, weighed by distance and colour: (C, H, W) -> (C, H, W).

    Args:
        image: (H, W, 3) uint8.
        sxy: standard deviation, px.
        srgb: standard deviation in colour, in steps of 0 to 255.
        like: a tensor with the device and dtype of the values.

    Taught in chapters/04_crf_refinement.
    """
    features = bilateral_features(image.to(like), sxy, srgb)  # (N, 5)
    return lambda values: AllPairs.apply(values.flatten(1), features).view_as(values)


def bilateral_features(image: Tensor, sxy: float, srgb: float) -> Tensor:
    """Place and colour of every pixel in standard deviations, centred: (N, 5)."""
    axes = (torch.arange(n, device=image.device) for n in image.shape[:2])
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)  # (H, W, 2)
    features = torch.cat([places / sxy, image / srgb], dim=-1).flatten(0, 1)
    return features - features.mean(dim=0)


class AllPairs(torch.autograd.Function):
    """Sum of all pixels' values, weighed by the kernel, in blocks of rows.

    The kernel is symmetric, so the gradient of the sum is the same sum.
    """

    @staticmethod
    def forward(ctx, values: Tensor, features: Tensor) -> Tensor:
        """(C, N) values and (N, D) features to (C, N)."""
        ctx.save_for_backward(features)
        blocks = (values @ gaussian(f, features).T for f in features.split(ROWS))
        return torch.cat(list(blocks), dim=1)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        """The same sum of the gradients."""
        return AllPairs.apply(gradient, *ctx.saved_tensors), None


def normalised(kernel_sum: Callable, size: tuple[int, int], like: Tensor) -> Callable:
    """The sum with the weights k_ij / sqrt(k_i k_j), k_i = sum_j k_ij.

    So the kernel stays symmetric, and a large flat region counts no more than a
    small one.
    """
    scale = kernel_sum(like.new_ones(1, *size)).rsqrt()  # (1, H, W)
    return lambda values: scale * kernel_sum(scale * values)


def compat_matrix(compat: float | Tensor, like: Tensor) -> Tensor:
    """(C, C) rewards: of a number, that reward for equal labels."""
    compat = torch.as_tensor(compat).to(like)
    return compat if compat.ndim == 2 else compat * torch.eye(len(like)).to(like)
