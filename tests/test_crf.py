"""Mean field against enumeration, loops, kept references and its own symmetries."""

import itertools
import math
import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import crf, crf_fast
from course_lib.crf import mean_field
from course_lib.errors import InputError

TEXTBOOK = dict(
    gaussian_sxy=3.0,
    gaussian_compat=3.0,
    bilateral_sxy=8.0,
    bilateral_srgb=13.0,
    bilateral_compat=10.0,
    iterations=5,
)
exact = partial(mean_field, method="exact")


def case(seed, size=(3, 3), classes=3, dtype=torch.float64):
    draw = torch.Generator().manual_seed(seed)
    image = torch.randint(0, 256, (*size, 3), generator=draw, dtype=torch.uint8)
    logits = torch.randn(classes, *size, generator=draw, dtype=dtype)
    return image, logits.softmax(dim=0)


def symmetric(seed, classes=3):
    m = torch.randn(
        classes, classes, generator=torch.Generator().manual_seed(seed)
    ).double()
    return m + m.T


# The model in slow loops: numbers, no tensors ------------------------------------


def kernels(image, p):
    """Both normalised kernels as (N, N) matrices, from the formula."""
    places = list(itertools.product(*map(range, image.shape[:2])))
    matrices = []
    for sxy, srgb in (
        (p["gaussian_sxy"], math.inf),
        (p["bilateral_sxy"], p["bilateral_srgb"]),
    ):
        k = torch.zeros(len(places), len(places), dtype=torch.float64)
        for (i, a), (j, b) in itertools.product(enumerate(places), repeat=2):
            colour = math.dist(image[a].tolist(), image[b].tolist())
            k[i, j] = math.exp(
                -((math.dist(a, b) / sxy) ** 2) / 2 - (colour / srgb) ** 2 / 2
            )
        sums = k.sum(dim=1)
        matrices.append(k / (sums[:, None] * sums).sqrt())
    return matrices


def one_update_in_loops(unary, q, ks, compats):
    """q after one parallel update, pixel by pixel and label by label."""
    classes, n = q.shape
    new = torch.zeros_like(q)
    for i in range(n):
        scores = []
        for c in range(classes):
            score = -float(unary[c, i])
            for k, m in zip(ks, compats, strict=True):
                for j in range(n):
                    for other in range(classes):
                        score += float(k[i, j] * m[c, other] * q[other, j])
            scores.append(score)
        total = sum(math.exp(s - max(scores)) for s in scores)
        for c in range(classes):
            new[c, i] = math.exp(scores[c] - max(scores)) / total
    return new


def pair_rewards(ks, compats):
    """(N, N, C, C): what it is worth that i has label c and j has label l."""
    return sum(
        k[:, :, None, None] * m for k, m in zip(ks, compats, strict=True)
    )  # fmt: skip


def free_energy(q, unary, rewards):
    """Mean cost minus entropy; pairs are counted once, so by half."""
    pairs = torch.einsum("ci,ijcl,lj->", q, rewards, q) / 2
    return (q * unary).sum() - pairs + torch.xlogy(q, q).sum()


def without_self(rewards):
    mask = 1 - torch.eye(len(rewards), dtype=rewards.dtype)
    return rewards * mask[:, :, None, None]


def all_energies(unary, rewards):
    """Energy of every labelling: (C,)*N labellings in rows, (labellings,)."""
    classes, n = unary.shape
    rows = itertools.product(range(classes), repeat=n)
    labellings = torch.tensor(list(rows))  # (C**N, N)
    energies = []
    for x in labellings:
        i = torch.arange(n)
        cost = unary[x, i].sum() - rewards[i[:, None], i, x[:, None], x].sum() / 2
        energies.append(cost)
    return labellings, torch.stack(energies)


def setting(seed, classes=2, matrix=False):
    image, probabilities = case(seed, classes=classes)
    unary = crf.unary_from_probabilities(probabilities).flatten(1)
    ks = kernels(image, TEXTBOOK)
    compats = [symmetric(seed + i, classes) for i in (1, 2)]
    if not matrix:
        compats = [w * torch.eye(classes).double() for w in (0.8, 1.5)]
    return image, probabilities, unary, pair_rewards(ks, compats), ks, compats


# Enumeration ---------------------------------------------------------------------


@pytest.mark.parametrize("matrix", [False, True])
@pytest.mark.parametrize("classes", [2, 3])
def test_kl_computed_directly_is_free_energy_plus_log_z(classes, matrix):
    image, p, unary, rewards, _, compats = setting(0, classes, matrix)
    rewards = without_self(rewards)
    labellings, energies = all_energies(unary, rewards)
    assert len(labellings) == classes**9
    log_z = (-energies).logsumexp(0)
    q = exact(
        image,
        p,
        **TEXTBOOK | dict(gaussian_compat=compats[0], bilateral_compat=compats[1]),
    )
    q = q.flatten(1)  # (C, 9)
    log_q = q.log()[labellings, torch.arange(9)].sum(dim=1)
    direct = (log_q.exp() * (log_q - (-energies - log_z))).sum()
    formula = free_energy(q, unary, rewards) + log_z
    torch.testing.assert_close(direct, formula, rtol=0, atol=1e-9)
    assert direct > 0


def test_log_z_of_independent_pixels_is_known():
    _, _, unary, rewards, _, _ = setting(3)
    _, energies = all_energies(unary, rewards * 0)
    expected = (-unary).logsumexp(0).sum()  # a product of sums
    torch.testing.assert_close((-energies).logsumexp(0), expected)


def test_the_self_term_of_potts_moves_every_energy_alike():
    _, _, unary, rewards, _, _ = setting(4)
    _, whole = all_energies(unary, rewards)
    _, without = all_energies(unary, without_self(rewards))
    difference = without - whole
    torch.testing.assert_close(difference, difference[0].expand_as(difference))


@pytest.mark.parametrize("matrix", [False, True])
def test_one_update_is_the_explicit_loops(matrix):
    image, p, unary, _, ks, compats = setting(5, 3, matrix)
    given = TEXTBOOK | dict(
        gaussian_compat=compats[0], bilateral_compat=compats[1], iterations=1
    )
    slow = one_update_in_loops(unary, p.flatten(1), ks, compats)
    got = exact(image, p, **given).flatten(1)
    torch.testing.assert_close(got, slow, rtol=0, atol=1e-6)
    again = one_update_in_loops(unary, slow, ks, compats)
    got = exact(image, p, **given | {"iterations": 2}).flatten(1)
    torch.testing.assert_close(got, again, rtol=0, atol=1e-6)


# Where the free energy may not rise ----------------------------------------------


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**20))
def test_sequential_updates_never_raise_the_free_energy(seed):
    """One pixel at a time, no self term: for any symmetric compatibility."""
    _, p, unary, rewards, _, _ = setting(seed, 3, matrix=True)
    rewards, q = without_self(rewards), p.flatten(1).clone()
    last = free_energy(q, unary, rewards)
    for i in list(range(9)) * 2:
        scores = -unary[:, i] + torch.einsum("jcl,lj->c", rewards[i], q)
        q[:, i] = scores.softmax(0)
        now = free_energy(q, unary, rewards)
        assert now <= last + 1e-10
        last = now


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**20), st.floats(0, 50))
def test_parallel_updates_with_self_term_never_raise_it_for_potts_rewards(seed, w):
    """Kernel and compatibility positive semidefinite, self term included."""
    image, p, unary, _, ks, _ = setting(seed, 3)
    eye = torch.eye(3).double()
    rewards = pair_rewards(ks, [w * eye, 2 * w * eye])
    values = []
    for iterations in range(6):
        given = dict(gaussian_compat=w, bilateral_compat=2 * w, iterations=iterations)
        q = exact(image, p, **TEXTBOOK | given).flatten(1)
        values.append(free_energy(q, unary, rewards).item())
    assert all(b <= a + 1e-9 * (1 + w) for a, b in itertools.pairwise(values))


def test_parallel_updates_may_raise_it_when_neighbours_repel():
    image, _, _, _, ks, _ = setting(1)
    unary = torch.tensor([[0.0], [0.01]]).double().expand(2, 9)
    q, compats = (-unary).softmax(0), [-20 * torch.eye(2).double()] * 2
    rewards = pair_rewards(ks, compats)
    values = []
    for _ in range(4):
        values.append(free_energy(q, unary, rewards).item())
        q = (torch.einsum("ijcl,lj->ci", rewards, q) - unary).softmax(0)
    assert max(b - a for a, b in itertools.pairwise(values)) > 1


# Symmetries ----------------------------------------------------------------------

sizes = st.tuples(st.integers(1, 6), st.integers(1, 7))
seeds = st.integers(0, 2**31)


@settings(deadline=None, max_examples=25)
@given(seeds, sizes, st.integers(1, 5))
def test_probabilities_sum_to_one(seed, size, classes):
    q = exact(*case(seed, size, classes, torch.float32), **TEXTBOOK)
    assert q.shape == (classes, *size) and q.dtype == torch.float32
    torch.testing.assert_close(q.sum(0), torch.ones(size), rtol=0, atol=1e-5)
    assert q.min() >= 0


@settings(deadline=None, max_examples=25)
@given(seeds, sizes, st.permutations(range(4)))
def test_permuting_classes_permutes_the_answer(seed, size, order):
    image, p = case(seed, size, 4)
    m = symmetric(seed, 4)
    one = exact(image, p, **TEXTBOOK | {"bilateral_compat": m})
    turned = m[order][:, order]
    two = exact(image, p[order], **TEXTBOOK | {"bilateral_compat": turned})
    torch.testing.assert_close(two, one[order], rtol=0, atol=1e-9)


@settings(deadline=None, max_examples=25)
@given(seeds, sizes, st.sampled_from([(0,), (1,), (0, 1)]))
def test_flipping_the_picture_flips_the_answer(seed, size, axes):
    image, p = case(seed, size)
    one = exact(image, p, **TEXTBOOK).flip([a + 1 for a in axes])
    flipped = image.flip(axes), p.flip([a + 1 for a in axes])
    torch.testing.assert_close(exact(*flipped, **TEXTBOOK), one, rtol=0, atol=1e-9)


def test_turning_the_picture_turns_the_answer():
    image, p = case(1, (4, 6))
    one = exact(image, p, **TEXTBOOK).transpose(1, 2)
    two = exact(image.transpose(0, 1), p.transpose(1, 2), **TEXTBOOK)
    torch.testing.assert_close(two, one, rtol=0, atol=1e-9)


def test_blocks_of_rows_change_nothing(monkeypatch):
    image, p = case(2, (9, 11))
    whole = exact(image, p, **TEXTBOOK)
    monkeypatch.setattr(crf, "ROWS", 7)
    torch.testing.assert_close(exact(image, p, **TEXTBOOK), whole)


# Compatibilities -----------------------------------------------------------------


def test_a_number_is_that_reward_for_equal_labels():
    image, p = case(3)
    number = exact(image, p, **TEXTBOOK)
    for w in (torch.tensor(10.0), 10 * torch.eye(3), 10 * (torch.eye(3) - 1)):
        got = exact(image, p, **TEXTBOOK | {"bilateral_compat": w})
        torch.testing.assert_close(got, number, rtol=0, atol=1e-9)


def test_rows_of_the_matrix_are_the_label_that_is_paid():
    image, p = torch.zeros(4, 4, 3, dtype=torch.uint8), torch.full((2, 4, 4), 0.5)
    pays_0 = torch.tensor([[0.0, 5.0], [0.0, 0.0]])  # label 0, for neighbours of 1
    q = exact(image, p, **TEXTBOOK | dict(gaussian_compat=0.0, bilateral_compat=pays_0))
    assert q[0].min() > 0.6


@pytest.mark.parametrize("off", ["gaussian", "bilateral"])
def test_zero_switches_a_kernel_off(off):
    image, p = case(4)
    given = TEXTBOOK | {f"{off}_compat": 0.0}
    got = exact(image, p, **given)
    other = {key: 1.7 for key in TEXTBOOK if key.startswith(off) and "_s" in key}
    torch.testing.assert_close(exact(image, p, **given | other), got)
    zeros = exact(image, p, **given | {f"{off}_compat": torch.zeros(3, 3)})
    torch.testing.assert_close(zeros, got)
    both = given | dict(gaussian_compat=0.0, bilateral_compat=0.0)
    torch.testing.assert_close(exact(image, p, **both), p)
    no_steps = exact(image, p, **TEXTBOOK | {"iterations": 0})
    torch.testing.assert_close(no_steps, p)


def test_gradients_are_those_of_differences():
    image, p = case(5, (3, 4))
    logits = p.log().requires_grad_()
    compats = [symmetric(i).requires_grad_() for i in range(2)]
    number = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)

    def run(logits, gaussian_compat, bilateral_compat):
        given = dict(gaussian_compat=gaussian_compat, iterations=2)
        given |= dict(bilateral_compat=bilateral_compat)
        return exact(image, logits.softmax(0), **TEXTBOOK | given)

    assert torch.autograd.gradcheck(run, (logits, *compats))
    assert torch.autograd.gradcheck(run, (logits, number, compats[1]))
    assert torch.autograd.gradgradcheck(run, (logits, *compats))


# Unaries -------------------------------------------------------------------------


def test_unary_is_minus_log_p_clipped():
    p = torch.tensor([0.0, 1e-9, 0.5, 1.0]).view(4, 1, 1)
    expected = [-math.log(1e-8)] * 2 + [math.log(2), 0.0]
    got = crf.unary_from_probabilities(p).flatten()
    torch.testing.assert_close(got, torch.tensor(expected))
    assert crf.unary_from_probabilities(p.half()).dtype == torch.float32


def test_hard_labels_share_what_is_left_and_void_is_open():
    labels = torch.tensor([[0, 2, 255]])
    got = crf.labels_to_probabilities(labels, 3, certainty=0.8)[:, 0]  # (3, 3)
    expected = torch.tensor([[0.8, 0.1, 1 / 3], [0.1, 0.1, 1 / 3], [0.1, 0.8, 1 / 3]])
    torch.testing.assert_close(got, expected)


# Wrong inputs, devices, references -----------------------------------------------


@pytest.mark.parametrize(
    "change, told",
    [
        (dict(image=torch.zeros(3, 4, 5, dtype=torch.uint8)), "of a \\(3, H, W\\)"),
        (dict(image=torch.zeros(4, 5, 3)), "float32; give \\(H, W, 3\\) uint8"),
        (dict(image=np.zeros((4, 5, 3), np.uint8)), "image is a ndarray; give a ten"),
        (dict(probabilities=torch.ones(2, 5, 4) / 2), "the image is 4 x 5 pixels"),
        (dict(probabilities=torch.ones(2, 4, 5)), "sum to 2 to 2 over the classes"),
        (dict(probabilities=torch.randn(2, 4, 5) * 9), "of logits logits.softmax"),
        (dict(probabilities=torch.full((2, 4, 5), math.nan)), "reach from nan to nan"),
        (dict(probabilities=torch.ones(2, 4, 5).long()), "torch.int64; give floats"),
        (dict(bilateral_compat=torch.eye(3)), "\\(3, 3\\); give a number or \\(2, 2"),
        (dict(gaussian_sxy=0), "gaussian_sxy is 0; give a standard deviation above 0"),
        (dict(bilateral_srgb=-3.0), "bilateral_srgb is -3.0; give"),
        (dict(iterations=1.5), "iterations is 1.5; give a whole number from 0"),
        (dict(method="slow"), "method is 'slow'; choose"),
    ],
)
def test_a_wrong_input_ends_in_one_sentence(change, told):
    image, p = case(0, (4, 5), 2)
    with pytest.raises(InputError, match=told):
        exact(**TEXTBOOK | dict(image=image, probabilities=p) | change)


def test_auto_is_exact_while_pictures_are_small(monkeypatch):
    image, p = case(6, (5, 6))
    auto = mean_field(image, p, **TEXTBOOK)
    assert torch.equal(auto, exact(image, p, **TEXTBOOK))
    monkeypatch.setattr(crf_fast, "fast_mean_field", lambda *_, **__: "fast")
    assert mean_field(image, p, **TEXTBOOK, method="fast") == "fast"
    monkeypatch.setattr(crf, "EXACT_PIXELS", 29)
    assert mean_field(image, p, **TEXTBOOK) == "fast"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
def test_a_gpu_gives_the_same():
    image, p = case(7, (20, 30), 4, torch.float32)
    got = exact(image, p.cuda(), **TEXTBOOK)
    assert got.is_cuda
    torch.testing.assert_close(
        got.cpu(), exact(image, p, **TEXTBOOK), rtol=0, atol=1e-5
    )


def references():
    """Kept answers of another exact mean field, beside the real data or its folder."""
    shared = Path(__file__).resolve().parents[2] / "shared"
    for folder in (os.environ.get("COURSE_DATA", ""), shared / "data"):
        found = sorted((Path(folder).parent / "reference/crf_exact").glob("*.npz"))
        if folder and found:
            return found
    return [None]


@pytest.mark.real
@pytest.mark.parametrize("path", references(), ids=lambda p: p.stem if p else "none")
def test_agrees_with_another_exact_mean_field(path):
    if path is None:
        pytest.skip("reference/crf_exact is not there")
    kept = np.load(path)
    p = torch.from_numpy(kept["probabilities"]).float()
    got = exact(
        torch.from_numpy(kept["image"]),
        p / p.sum(dim=0),
        gaussian_sxy=kept["g_sxy"].item(),
        gaussian_compat=float(kept["g_compat"]),
        bilateral_sxy=kept["b_sxy"].item(),
        bilateral_srgb=kept["b_srgb"].item(),
        bilateral_compat=float(kept["b_compat"]),
        iterations=kept["iterations"].item(),
    )
    expected = torch.from_numpy(kept["marginals_exact"])  # kept in 16 bits
    rounding = torch.from_numpy(np.spacing(kept["marginals_exact"])).float() / 2
    assert ((got - expected.float()).abs() - rounding).max() < 1e-4
    assert torch.equal(got.argmax(0), torch.from_numpy(kept["labels_exact"]).long())
