"""Schedules against torch.optim.lr_scheduler, and what a recipe makes of them."""

import pytest
import torch
from torch.optim import lr_scheduler as theirs

from course_lib.errors import InputError
from course_lib.training.recipe import Recipe
from course_lib.training.schedules import (
    SCHEDULES,
    cosine,
    learning_rate,
    linear,
    multistep,
    poly,
    step_decay,
    warm_up,
)

STEPS = 50


def rates(make, count=STEPS):
    """The factors that a scheduler of torch gives at steps 0 to count - 1."""
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler, found = make(optimiser), []
    for _ in range(count):
        found.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return found


@pytest.mark.parametrize(
    "ours, make",
    [
        (lambda s: step_decay(s, 15), lambda o: theirs.StepLR(o, 15)),
        (lambda s: multistep(s, (10, 30), 0.5),
         lambda o: theirs.MultiStepLR(o, [10, 30], 0.5)),
        (lambda s: linear(s, STEPS), lambda o: theirs.LinearLR(o, 1.0, 0.0, STEPS)),
        (lambda s: poly(s, STEPS), lambda o: theirs.PolynomialLR(o, STEPS, 0.9)),
        (lambda s: cosine(s, STEPS), lambda o: theirs.CosineAnnealingLR(o, STEPS)),
        (lambda s: warm_up(s, 20, 1 / 3), lambda o: theirs.LinearLR(o, 1 / 3, 1, 20)),
        (lambda s: warm_up(s, 20, 1e-3), lambda o: theirs.LinearLR(o, 1e-3, 1, 20)),
        (lambda s: warm_up(s, 20, 1 / 3, "constant"),
         lambda o: theirs.ConstantLR(o, 1 / 3, 20)),
    ],
)  # fmt: skip
def test_agrees_with_torch(ours, make):
    assert [ours(s) for s in range(STEPS)] == pytest.approx(rates(make), abs=1e-9)


def test_past_the_end_a_schedule_stays_at_its_end():
    for past in (STEPS, STEPS + 1, 10 * STEPS):
        assert poly(past, STEPS) == linear(past, STEPS) == cosine(past, STEPS) == 0
        assert isinstance(poly(past, STEPS), float)


def test_warm_up_rises_to_one_and_stays():
    assert warm_up(0, 10) == pytest.approx(0.1)
    assert [warm_up(s, 0) for s in (0, 5)] == [1, 1]
    assert warm_up(10, 10, 1 / 3) == warm_up(10, 10, 1 / 3, "constant") == 1
    with pytest.raises(InputError, match="warm-up 'fast': use linear or constant"):
        warm_up(0, 10, kind="fast")


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_recipe_multiplies_rate_warm_up_and_schedule(name):
    recipe = Recipe("a", steps=90, lr=0.5, schedule=name, warmup_iters=10)
    expected = {
        "constant": 1.0, "step": 0.1, "multistep": 0.1, "linear": 0.5,
        "poly": 0.5**0.9, "cosine": 0.5,
    }[name]  # fmt: skip
    assert learning_rate(recipe, 45, 90) == pytest.approx(0.5 * expected)
    assert learning_rate(recipe, 0, 90) == pytest.approx(0.5 * 0.1)
    assert learning_rate(recipe, 1000, 90) >= 0


def test_the_old_recipe_gives_the_old_bits():
    recipe = Recipe("a", steps=700, lr=2e-3)
    for step in (0, 1, 50, 99, 100, 350, 699):
        rising = min(1.0, (step + 1) / 100)
        assert learning_rate(recipe, step, 700) == 2e-3 * rising * (
            max(0.0, 1 - step / 700) ** 0.9
        )
        assert learning_rate(recipe, step, 700) == poly(step, 700, 2e-3, 100)


@pytest.mark.parametrize(
    "field, value",
    [("schedule", "cosin"), ("loss", "crossentropy"), ("optimiser", "adam")],
)
def test_a_misspelt_choice_is_told(field, value):
    with pytest.raises(InputError, match=value):
        Recipe("a", steps=1, **{field: value})
