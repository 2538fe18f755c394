"""The fast mean field: a lattice in slow loops, kept references, gradients."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.crf import mean_field
from course_lib.crf_fast import fast_mean_field
from course_lib.errors import InputError
from course_lib.permutohedral import Lattice, corners

TEXTBOOK = dict(
    gaussian_sxy=3.0,
    gaussian_compat=3.0,
    bilateral_sxy=8.0,
    bilateral_srgb=13.0,
    bilateral_compat=10.0,
    iterations=5,
)


def case(seed, size=(12, 9), classes=3, dtype=torch.float64):
    draw = torch.Generator().manual_seed(seed)
    image = torch.randint(0, 256, (*size, 3), generator=draw, dtype=torch.uint8)
    logits = torch.randn(classes, *size, generator=draw, dtype=dtype)
    return image, logits.softmax(dim=0)


def features_of(seed, dims, points, spread=4.0):
    draw = torch.Generator().manual_seed(seed)
    return torch.rand(dims, points, generator=draw, dtype=torch.float64) * spread


# The lattice in loops, with corners in a dictionary ------------------------------


def slow_corners(point):
    """The corners of one point (d,) as {tuple of d + 1 whole numbers: share}."""
    d = len(point)
    scale = [np.sqrt(2 / 3) * (d + 1) / np.sqrt((i + 1) * (i + 2)) for i in range(d)]
    x = [
        sum(point[j] * scale[j] for j in range(i, d))
        - (i * point[i - 1] * scale[i - 1] if i else 0)
        for i in range(d + 1)
    ]
    zero = [int(np.round(value / (d + 1))) * (d + 1) for value in x]
    by_rest = sorted(range(d + 1), key=lambda i: x[i] - zero[i])
    excess = sum(zero) // (d + 1)
    for i in by_rest[:excess] if excess > 0 else by_rest[excess:] if excess else []:
        zero[i] -= np.sign(excess) * (d + 1)
    rest = [x[i] - zero[i] for i in range(d + 1)]
    order = sorted(range(d + 1), key=lambda i: -rest[i])
    found = {}
    for r in range(d + 1):
        corner = list(zero)
        for rank, i in enumerate(order):
            corner[i] += r if rank <= d - r else r - (d + 1)
        if r == 0:
            share = 1 + (rest[order[d]] - rest[order[0]]) / (d + 1)
        else:
            share = (rest[order[d - r]] - rest[order[d + 1 - r]]) / (d + 1)
        found[tuple(corner)] = found.get(tuple(corner), 0) + share
    return found


def slow_filter(features, values):
    """Splat, blur, slice for values (N,), not normalised."""
    points = [slow_corners(point) for point in features.T.tolist()]
    table = {}
    for corners_, value in zip(points, values.tolist(), strict=True):
        for corner, share in corners_.items():
            table[corner] = table.get(corner, 0) + share * value
    d = len(features)
    for j in range(d + 1):
        step = [1] * (d + 1)
        step[j] = -d
        table = {
            corner: value
            + sum(
                table.get(
                    tuple(c + sign * s for c, s in zip(corner, step, strict=True)), 0
                )
                / 2
                for sign in (1, -1)
            )
            for corner, value in table.items()
        }
    return torch.tensor([sum(s * table[c] for c, s in p.items()) for p in points])


@pytest.mark.parametrize("dims", [1, 2, 3, 5])
def test_lattice_is_splat_blur_slice_in_loops(dims):
    features = features_of(dims, dims, 60)
    ones = torch.ones(60, dtype=torch.float64)
    values = torch.randn(60, generator=torch.Generator().manual_seed(0)).double()
    root = slow_filter(features, ones).double().rsqrt()
    wanted = root * slow_filter(features, root * values).double()
    lattice = Lattice(features)
    found = lattice.read(lattice.gather(values[:, None]))[:, 0]
    assert torch.allclose(found, wanted, atol=1e-5)  # the loops end in float32


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    dims=st.integers(1, 5),
    spread=st.floats(1e-3, 1e3),
)
def test_shares_are_barycentric_and_point_back(seed, dims, spread):
    features = features_of(seed, dims, 20, spread)
    keys, shares, strides = corners(features)
    assert keys.shape == shares.shape == (dims + 1, 20)
    assert (shares > -1e-9).all()
    assert torch.allclose(shares.sum(0), torch.ones(20).double())
    remainders = keys % (dims + 1)  # corner r of every simplex has remainder r
    assert (remainders == torch.arange(dims + 1)[:, None]).all()


def test_equal_points_hear_each_other_wholly():
    lattice = Lattice(torch.zeros(5, 4, dtype=torch.float64))
    values = torch.tensor([[1.0], [2.0], [3.0], [6.0]]).double()
    found = lattice.read(lattice.gather(values))
    assert torch.allclose(found, torch.full_like(values, 3.0))


def test_far_points_hear_only_themselves():
    far = torch.tensor([[0.0, 100.0], [0.0, -50.0]]).double()
    lattice = Lattice(far)
    values = torch.tensor([[1.0, 5.0], [2.0, 7.0]]).double()
    assert torch.allclose(lattice.read(lattice.gather(values)), values)


def test_numbers_that_need_64_bits():
    """Far apart in colour: the box of cells has more than 2 ** 31 of them."""
    features = features_of(0, 5, 50, spread=1e3)
    assert corners(features)[0].dtype == torch.int64
    values = torch.rand(50, 2).double()
    lattice = Lattice(features)
    assert torch.allclose(lattice.read(lattice.gather(values)), values)


def test_a_spread_without_bounds_is_refused():
    with pytest.raises(InputError, match="give gaussian_sxy, bilateral_sxy"):
        Lattice(features_of(0, 5, 50, spread=1e6))


# The whole mean field -------------------------------------------------------------


def test_near_the_exact_one_on_a_smooth_picture():
    """Gentle rewards, so that no small difference grows: mean 0.002, labels 99 %."""
    y, x = torch.meshgrid(torch.arange(40), torch.arange(60), indexing="ij")
    image = torch.stack([2 * x, 3 * y, x + y], dim=-1).to(torch.uint8)
    _, p = case(1, (40, 60), classes=4, dtype=torch.float32)
    gentle = TEXTBOOK | {"gaussian_compat": 1.0, "bilateral_compat": 2.0}
    one, other = (mean_field(image, p, method=m, **gentle) for m in ("exact", "fast"))
    assert (one - p).abs().mean() > 0.01  # it changes something
    assert (one - other).abs().mean() < 0.002
    assert (one.argmax(0) == other.argmax(0)).float().mean() > 0.99


def test_a_matrix_of_rewards_is_the_number_on_its_diagonal():
    image, p = case(2)
    eye = torch.eye(3).double()
    changed = TEXTBOOK | {"gaussian_compat": 3 * eye, "bilateral_compat": 10 * eye}
    assert torch.allclose(
        fast_mean_field(image, p, **TEXTBOOK), fast_mean_field(image, p, **changed)
    )


def test_matrices_mean_what_they_mean_in_the_exact_one():
    """One far-apart pixel pair: only a pixel's own message is left in both."""
    image, p = case(3, (1, 2))
    compat = torch.randn(3, 3, generator=torch.Generator().manual_seed(0)).double()
    given_ = TEXTBOOK | {
        "gaussian_compat": compat,
        "gaussian_sxy": 0.01,
        "bilateral_compat": 0.0,
    }
    one, other = (mean_field(image, p, method=m, **given_) for m in ("exact", "fast"))
    assert torch.allclose(one, other, atol=1e-6)


def test_no_reward_and_no_iteration_give_the_probabilities_back():
    image, p = case(4)
    off = TEXTBOOK | {"gaussian_compat": 0.0, "bilateral_compat": 0.0}
    assert torch.allclose(fast_mean_field(image, p, **off), p)
    assert torch.allclose(fast_mean_field(image, p, **TEXTBOOK | {"iterations": 0}), p)


def test_gradients():
    image, p = case(5, (4, 3))
    p = p.requires_grad_()
    compat = torch.randn(3, 3, generator=torch.Generator().manual_seed(1)).double()
    weight = torch.tensor(0.7).double().requires_grad_()

    def refined(p, gaussian_compat, bilateral_compat):
        return fast_mean_field(
            image,
            p,
            **TEXTBOOK
            | {
                "gaussian_compat": gaussian_compat,
                "bilateral_compat": bilateral_compat,
                "bilateral_srgb": 200.0,
                "iterations": 2,
            },
        )

    inputs = (p, weight, compat.requires_grad_())
    assert torch.autograd.gradcheck(refined, inputs, fast_mode=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_same_on_the_gpu():
    image, p = case(6, dtype=torch.float32)
    there = fast_mean_field(image.cuda(), p.cuda(), **TEXTBOOK).cpu()
    assert torch.allclose(there, fast_mean_field(image, p, **TEXTBOOK), atol=1e-4)


# What other implementations gave ---------------------------------------------------


def references(folder):
    data = os.environ.get("COURSE_DATA")
    found = Path(data).parent / "reference" / folder if data else Path("absent")
    return sorted(found.glob("*.npz")) or [None]


def opened(path):
    if path is None:
        pytest.skip("no reference beside COURSE_DATA")
    kept = np.load(path)
    p = torch.from_numpy(kept["probabilities"].astype(np.float32))
    names = dict(
        gaussian_sxy="g_sxy",
        gaussian_compat="g_compat",
        bilateral_sxy="b_sxy",
        bilateral_srgb="b_srgb",
        bilateral_compat="b_compat",
    )
    values = {name: float(kept[key]) for name, key in names.items()}
    found = mean_field(
        torch.from_numpy(kept["image"]),
        p / p.sum(0),
        **values,
        iterations=int(kept["iterations"]),
        method="fast",
    )
    return kept, found


@pytest.mark.real
@pytest.mark.parametrize(
    "path", references("crf"), ids=lambda p: p.stem if p else "none"
)
def test_pydensecrf_to_the_last_digit(path):
    """Its own bounds: 99.9 % of labels and 1e-4; found are all of them and 3e-8."""
    kept, found = opened(path)
    assert (found.argmax(0).numpy() == kept["labels"]).mean() >= 0.9999
    sample = found.flatten(1)[:, torch.from_numpy(kept["sample_index"].astype(int))]
    assert np.abs(sample.numpy() - kept["sample_q"]).mean() < 1e-6


@pytest.mark.real
@pytest.mark.parametrize(
    "path", references("crf_exact"), ids=lambda p: p.stem if p else "none"
)
def test_as_close_to_the_exact_answer_as_pydensecrf(path):
    kept, found = opened(path)
    distance = np.abs(found.numpy() - kept["marginals_exact"].astype(np.float32)).mean()
    assert distance <= float(kept["pydensecrf_mean_abs_difference"]) + 1e-5
    agreement = (found.argmax(0).numpy() == kept["labels_exact"]).mean()
    assert agreement >= float(kept["pydensecrf_agreement"]) - 1e-3
