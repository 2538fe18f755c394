"""The failure curve of chapter 07: a net that sees 5 x 5 pixels, and what it gains.

A deep net sees the whole of our pictures without any help. Here only the head can look
around, so that the curve shows the head alone.
"""

from dataclasses import asdict, replace

from torch import nn

from course_lib.data.classes import HARBOUR
from course_lib.training.curve import TurnedHarbour
from course_lib.training.loop import train
from course_lib.training.recipe import Recipe
from course_lib.training.stream import Cached

DIAL, UNIT, VALUES = "context", "", (0, 0.25, 0.5, 0.75, 1)
CLASSES = ("boat or car mixed up", "boat", "car")  # the first leads
HEADS = {
    "5 x 5 pixels": "none",
    "with PPM": "ppm",
    "with ASPP": "aspp",
    "with both": "both",
}
SHIPPED = {method: f"near_sighted_{head}_harbour" for method, head in HEADS.items()}
RECIPES = {
    method: Recipe(
        "near_sighted",
        options={"head": head, "width": 8},
        steps=300,
        batch_size=4,
        lr=1e-2,
        warmup_iters=20,
        scale=(1, 1),
        class_weight=0.5,
        average=0.97,
    )
    for method, head in HEADS.items()
}


def methods(seed: int, precision: str, say=print) -> dict[str, nn.Module]:
    """Train the net with each of its heads, on harbours of every context."""
    train_set = Cached(TurnedHarbour(count=200, context=VALUES))
    nets = {}
    for method, recipe in RECIPES.items():
        recipe = replace(recipe, seed=seed, precision=precision)
        run = train(recipe, train_set, say=lambda line: None)
        say(f"{method}: {run.steps} steps, last loss {run.recent_loss():.3f}")
        nets[method] = run.net
    return nets


def info(method: str) -> dict:
    """What a net file of that method says beside its weights."""
    return {
        "model": RECIPES[method].model,
        "options": RECIPES[method].options,
        "num_classes": HARBOUR.num_classes,
        "classes": asdict(HARBOUR),
        "dataset": "harbour",
    }
