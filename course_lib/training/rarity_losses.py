"""The failure curve of chapter 05: a rare class, plain cross entropy and its cures."""

from dataclasses import asdict, replace
from pathlib import Path

from torch import nn

from course_lib.data.classes import HARBOUR
from course_lib.training.curve import TurnedHarbour
from course_lib.training.loop import train
from course_lib.training.recipe import Recipe
from course_lib.training.stream import Cached
from course_lib.training.tables import FEATHER

DIAL, UNIT, VALUES = "rarity", "", (0.02, 0.1, 0.3, 0.6, 1)
CLASSES = ("mean IoU", "pixel accuracy", "buoy", "person")  # the first leads
SHORT = {"steps": 900, "batch_size": 4, "crop_size": (48, 64), "scale": (1, 1)}
RATES = {"lr": 1e-2, "warmup_iters": 50, "average": 0.98}
PLAIN = Recipe("dilated_fpn", FEATHER, **SHORT, **RATES)
RECIPES = {
    "cross entropy": PLAIN,
    "class weights": replace(PLAIN, class_weight=0.5),
    "focal loss": replace(PLAIN, loss="focal"),
    "with Lovász": replace(PLAIN, lovasz_weight=1.0),
}
SHIPPED = {
    "cross entropy": "feather_harbour",
    "class weights": "feather_weights_harbour",
    "focal loss": "feather_focal_harbour",
    "with Lovász": "feather_lovasz_harbour",
}


def methods(seed: int, precision: str, say=print) -> dict[str, nn.Module]:
    """One net a loss, trained on pictures of all rarities; stopped runs go on."""
    train_set = Cached(TurnedHarbour(count=300, **{DIAL: VALUES}))
    nets = {}
    for method, recipe in RECIPES.items():
        recipe = replace(recipe, seed=seed, precision=precision)
        folder = Path("runs") / "rarity_losses" / f"{SHIPPED[method]}-seed{seed}"
        resume = (folder / "last.pt").is_file()
        run = train(recipe, train_set, folder=folder, resume=resume, say=lambda _: None)
        say(f"{method}: last loss {run.recent_loss():.3f}")
        nets[method] = run.net
    return nets


def info(method: str) -> dict:
    """What a net file of that method says beside its weights."""
    return {
        "model": PLAIN.model,
        "options": PLAIN.options,
        "num_classes": HARBOUR.num_classes,
        "classes": asdict(HARBOUR),
        "dataset": "harbour",
    }
