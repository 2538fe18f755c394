"""The failure curve of chapter 02: stride 32 while masts and posts grow thinner."""

from dataclasses import asdict, replace

import torch
from torch import nn

from course_lib.data.classes import HARBOUR
from course_lib.models.dense import to_dense
from course_lib.models.fcn import Converted, FCN32s
from course_lib.models.small_vgg import SmallVGG
from course_lib.training.curve import TurnedHarbour
from course_lib.training.loop import train
from course_lib.training.recipe import Recipe
from course_lib.training.stream import Cached
from course_lib.training.windows import train_classifier

DIAL, UNIT, VALUES = "thin", "px", (1, 2, 3, 4, 6, 8)
CLASSES = ("lamp post", "mast", "building", "road", "sky")  # the first leads
SHIPPED = {
    "converted classifier": "small_vgg_harbour",
    "FCN-32s": "fcn32s_harbour",
}
RECIPES = {
    "converted classifier": Recipe("small_vgg", steps=700, batch_size=32, lr=2e-3),
    "FCN-32s": Recipe("fcn32s_small", steps=1500, batch_size=8, lr=2e-3),
}


def methods(seed: int, precision: str, say=print) -> dict[str, nn.Module]:
    """Train the classifier on windows, then FCN-32s from it on whole pictures."""
    train_set = Cached(TurnedHarbour(thin=range(1, 9)))
    old, new = (replace(r, seed=seed, precision=precision) for r in RECIPES.values())
    torch.manual_seed(seed)
    classifier = SmallVGG(HARBOUR.num_classes)
    losses = train_classifier(classifier, train_set, old)
    say(f"classifier: {len(losses)} steps, last loss {sum(losses[-50:]) / 50:.3f}")
    start = FCN32s(to_dense(classifier)).state_dict()
    run = train(new, train_set, start=start, say=say)
    return {"converted classifier": Converted(classifier).eval(), "FCN-32s": run.net}


def info(method: str) -> dict:
    """What a net file of that method says beside its weights."""
    return {
        "model": RECIPES[method].model,
        "options": {},
        "num_classes": HARBOUR.num_classes,
        "classes": asdict(HARBOUR),
        "dataset": "harbour",
    }
