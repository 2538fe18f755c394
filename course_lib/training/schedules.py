"""Learning rate as a function of the step.

Every schedule gives a factor of the highest rate. The step counts from 0; at and
past ``steps`` a schedule stays at its end. Taught in chapters/05_training_recipes.
"""

import math
from collections.abc import Sequence

from course_lib.errors import InputError


def share(step: int, steps: int) -> float:
    """How much of the run is over, 0-1: a step past the end is clamped."""
    return min(1.0, step / steps)


def step_decay(step: int, every: int, gamma: float = 0.1) -> float:
    """``gamma`` to the power of how often ``every`` steps have passed."""
    return gamma ** (step // every)


def multistep(step: int, milestones: Sequence[int], gamma: float = 0.1) -> float:
    """``gamma`` to the power of how many milestones, in steps, have been reached."""
    return gamma ** sum(step >= milestone for milestone in milestones)


def linear(step: int, steps: int) -> float:
    """A straight line from 1 to 0."""
    return 1 - share(step, steps)


def cosine(step: int, steps: int) -> float:
    """Half a wave from 1 to 0.

    Loshchilov and Hutter, SGDR, ICLR 2017, equation 5 with one period.
    """
    return (1 + math.cos(math.pi * share(step, steps))) / 2


def poly(
    step: int, steps: int, lr: float = 1.0, warmup: int = 0, power: float = 0.9
) -> float:
    """Linear warm-up, then lr (1 - step / steps) ** power, never below 0.

    Chen et al., DeepLab, PAMI 2018, section 4.1. Taught in
    chapters/05_training_recipes.
    """
    left = max(0.0, 1 - step / steps)  # a step past the end is clamped
    return lr * warm_up(step, warmup) * left**power


def warm_up(
    step: int, iters: int, factor: float | None = None, kind: str = "linear"
) -> float:
    """The factor of the first ``iters`` steps; 1 after them.

    Args:
        step: from 0.
        iters: length in steps; 0 is no warm-up.
        factor: at step 0. From there a straight line to 1 at step ``iters``; None is
            the line (step + 1) / iters.
        kind: "linear", or "constant": ``factor`` all the way.

    Goyal et al., Accurate, Large Minibatch SGD, 2017, section 2.2. Taught in
    chapters/05_training_recipes.
    """
    if kind not in ("linear", "constant"):
        raise InputError(f"warm-up {kind!r}: use linear or constant")
    if step >= iters:
        return 1.0
    if factor is None:
        return (step + 1) / iters
    return factor if kind == "constant" else factor + (1 - factor) * step / iters


SCHEDULES = ("constant", "step", "multistep", "linear", "poly", "cosine")


def learning_rate(recipe, step: int, steps: int) -> float:
    """The rate of a ``Recipe`` at a step of ``steps``: lr x warm-up x schedule.

    Its milestones are shares of the run; "step" takes the first as its period.
    Taught in chapters/05_training_recipes.
    """
    rising = warm_up(step, recipe.warmup_iters, recipe.warmup_factor)
    step = min(step, steps)
    if recipe.schedule == "poly":
        return recipe.lr * rising * (1 - step / steps) ** recipe.power
    at = [max(1, round(m * steps)) for m in recipe.milestones]
    return recipe.lr * rising * {
        "constant": lambda: 1.0,
        "step": lambda: step_decay(step, at[0]),
        "multistep": lambda: multistep(step, at),
        "linear": lambda: linear(step, steps),
        "cosine": lambda: cosine(step, steps),
    }[recipe.schedule]()
