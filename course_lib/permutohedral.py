"""The permutohedral lattice: a Gaussian filter of scattered points in linear time.

Points near each other share the corners of a lattice: every point gives its values to
the corners around it (splat), corners mix with their neighbours (blur), every point
reads its corners (slice). Each step is a product with a sparse matrix that depends on
the points alone: built once, multiplied as often as one likes.

Adams, Baek and Davis, Fast High-Dimensional Filtering Using the Permutohedral
Lattice, Eurographics 2010. Used in chapters/04_crf_refinement.
"""

import warnings

import torch
from torch import Tensor

from course_lib.errors import InputError


class Lattice:
    """The Gaussian kernel exp(-|f - g|^2 / 2) between N points, as sparse matrices.

    Normalised like the exact kernel, k_ij / sqrt(k_i k_j) with k_i the sums of rows.
    ``read(gather(values))`` is the product of the kernel with values (N, C).

    Args:
        features: (d, N) float, one point a column.

    Raises:
        InputError: where features spread over too many standard deviations.

    Taught in chapters/04_crf_refinement.
    """

    def __init__(self, features: Tensor):
        num_points = features.shape[1]
        keys, shares, strides = corners(features)  # (d + 1, N) both
        in_order, order = keys.flatten().sort()
        is_first = torch.ones_like(in_order, dtype=torch.bool)
        torch.ne(in_order[1:], in_order[:-1], out=is_first[1:])
        starts = is_first.nonzero()[:, 0]  # of each corner, among all keys
        corner_of = torch.empty_like(order, dtype=torch.int32)
        corner_of[order] = is_first.cumsum(0, dtype=torch.int32) - 1
        corner_of = corner_of.view_as(keys).T.contiguous()  # (N, d + 1)

        self.blurs = blurs(in_order[starts], strides, features.dtype)
        ends = starts.new_tensor([keys.numel()])
        pixel = (order % num_points).int()
        given = shares.flatten()[order]
        self.splat = sparse(torch.cat([starts, ends]), pixel, given, num_points)
        taken = shares.T.contiguous()  # (N, d + 1)
        self.slice = even_rows(corner_of, taken, len(starts))
        # the square roots of the sums of rows go into the shares
        sums = self.read(self.gather(features.new_ones(num_points, 1)))[:, 0]
        root = sums.clamp(min=1e-20).rsqrt()
        given.mul_(root[pixel])
        taken.mul_(root[:, None])

    def gather(self, values: Tensor) -> Tensor:
        """(N, C) -> (corners, C): splat and blur."""
        out = Product.apply(self.splat, self.slice, values, None)
        for blur in self.blurs:
            out = Product.apply(blur, blur, out, None)
        return out

    def read(self, messages: Tensor, total: Tensor | None = None) -> Tensor:
        """(corners, C) -> (N, C): slice.

        Added to ``total``, in its place unless a gradient is asked for.
        """
        if total is None or total.requires_grad or messages.requires_grad:
            return Product.apply(self.slice, self.splat, messages, total)
        return torch.addmm(total, self.slice, messages, out=total)


def corners(features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The d + 1 corners of the simplex around every point.

    Args:
        features: (d, N).

    Returns:
        keys (d + 1, N) whole numbers, one per corner of the lattice; the shares
        (d + 1, N) of each, barycentric, that sum to 1; and ``strides`` (d + 1,), what
        a step of d + 1 along each coordinate adds to a key.

    Adams et al. 2010, section 3.1.
    """
    dims = len(features)
    side = dims + 1
    at = elevate(features) / side  # (d + 1, N): sums to 0, in steps of the lattice
    whole = at.round()
    rest = at - whole
    # rank 0 has the largest rest; those that rounding took off the plane go back to it
    rank = whole.sum(0).to(torch.int8).repeat(side, 1)
    for i in range(side):
        for j in range(i):
            later = rest[j] < rest[i]
            rank[j] += later
            rank[i] += ~later
    back = (rank < 0).to(torch.int8) - (rank > dims).to(torch.int8)
    rank, whole, rest = rank + back * side, whole + back, rest - back
    rank = rank.long()
    falling = torch.empty_like(rest).scatter_(0, rank, rest)
    around = 1 + falling[-1:] - falling[:1]
    shares = torch.cat([around, falling.diff(dim=0).neg().flip(0)])
    strides, whole = box(whole)
    keys = torch.empty_like(rank, dtype=strides.dtype)
    keys[0] = (whole.to(strides.dtype) * strides[:, None]).sum(0)
    stride_of = torch.empty_like(keys)
    stride_of.scatter_(0, rank, strides[:, None].expand_as(keys))
    for corner in range(1, side):  # from corner to corner another rank takes its step
        keys[corner] = keys[corner - 1] - stride_of[side - corner] + 1
    return keys, shares, strides


def elevate(features: Tensor) -> Tensor:
    """(d, N) -> (d + 1, N): onto the plane where coordinates sum to 0.

    Scaled so that splat, blur and slice together have standard deviation 1.
    Adams et al. 2010, section 3.1.
    """
    dims = len(features)
    count = torch.arange(1, dims + 1).to(features)
    plane = features.new_ones(dims + 1, dims).triu()
    plane[1:].diagonal().copy_(-count)
    scale = (2 / 3) ** 0.5 * (dims + 1) / (count * (count + 1)).sqrt()
    return (plane * scale) @ features


def box(whole: Tensor) -> tuple[Tensor, Tensor]:
    """Number the cells (d + 1, N) of the lattice within the box that holds them.

    Returns:
        strides (d + 1,) int32 or int64, that turn a cell into d + 1 times a number of
        its own; the last is 0, for coordinates sum to 0. And the cells from 0 on.
    """
    low = whole.amin(1, keepdim=True) - 2  # neighbours stay inside
    sides = [int(side) + 3 for side in (whole - low).amax(1)]
    strides = [len(sides)]
    for side in sides[:-1]:
        strides.append(strides[-1] * side)
    if strides[-1] >= 2**63:
        raise InputError(
            f"the picture spans {max(sides)} cells of the lattice along one axis, too "
            "many to number; give gaussian_sxy, bilateral_sxy and bilateral_srgb "
            "larger values"
        )
    small = torch.int32 if strides[-1] < 2**31 else torch.int64  # sorts twice as fast
    strides[-1] = 0
    return torch.tensor(strides, dtype=small, device=whole.device), whole - low


def blurs(keys: Tensor, strides: Tensor, dtype: torch.dtype) -> list[Tensor]:
    """One matrix (M, M) a direction: a corner, and half of both its neighbours.

    Args:
        keys: (M,) of the corners, ascending.
        strides: as of ``corners``.
        dtype: of the matrices.
    """
    side = len(strides)
    step_up = torch.where(keys % side == side - 1, strides.sum() - side + 1, 1)
    own = torch.arange(len(keys), device=keys.device)
    matrices = []
    for stride in strides:
        up = keys + step_up - stride
        above = torch.searchsorted(keys, up).clamp_(max=len(keys) - 1)
        there = keys[above] == up
        below = torch.zeros_like(own)
        below[above[there]] = own[there]
        below_there = torch.zeros_like(there)
        below_there[above[there]] = True
        columns = torch.stack([own, above, below], dim=1)
        halves = torch.stack([there, below_there], dim=1).to(dtype) / 2
        weights = torch.cat([torch.ones_like(halves[:, :1]), halves], dim=1)
        matrices.append(even_rows(columns, weights, len(keys)))
    return matrices


def even_rows(columns: Tensor, weights: Tensor, width: int) -> Tensor:
    """Sparse matrix (R, width) with k entries in every row: both (R, k)."""
    starts = torch.arange(0, columns.numel() + 1, columns.shape[1])
    return sparse(
        starts.to(columns.device), columns.flatten(), weights.flatten(), width
    )


def sparse(starts: Tensor, columns: Tensor, weights: Tensor, width: int) -> Tensor:
    """Matrix by compressed rows; 32-bit indices, as the fast products want them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse")  # torch calls it beta
        return torch.sparse_csr_tensor(
            starts.int(), columns.int(), weights, (len(starts) - 1, width)
        )


class Product(torch.autograd.Function):
    """total + matrix @ values, where the transposed matrix is known as well.

    torch can transpose a sparse matrix itself, but does so in every backward pass.
    """

    @staticmethod
    def forward(ctx, matrix, transposed, values, total):
        """(R, S) sparse and its (S, R), values (S, C), total (R, C) or None."""
        ctx.transposed, ctx.adds = transposed, total is not None
        return matrix @ values if total is None else torch.addmm(total, matrix, values)

    @staticmethod
    def backward(ctx, grad):
        """The gradient of values is the transposed matrix times that of the output."""
        of_total = grad if ctx.adds else None
        return None, None, ctx.transposed @ grad.contiguous(), of_total
