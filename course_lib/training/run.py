"""The state of a training and its smallest move, one step."""

from dataclasses import asdict

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import Dataset

from course_lib.errors import InputError
from course_lib.losses import lovasz_softmax, pick_loss, supervised
from course_lib.models import build
from course_lib.training.checkpoint import fit, versions
from course_lib.training.device import autocast, pick_device
from course_lib.training.optimiser import (
    OPTIMISERS,
    class_weights,
    groups,
    set_learning_rate,
)
from course_lib.training.recipe import Recipe
from course_lib.training.schedules import learning_rate

KEPT = ("step", "steps", "per_epoch", "seconds", "best", "losses", "validations")


class Run:
    """Everything a checkpoint holds: weights, their average, optimiser, position.

    Taught in chapters/05_training_recipes.
    """

    def __init__(self, recipe: Recipe, train_set: Dataset, device: str = "cpu"):
        self.recipe, self.device = recipe, pick_device(device)
        torch.use_deterministic_algorithms(True, warn_only=self.device.type != "cpu")
        # filling every new tensor with NaN finds bugs but costs a sixth of a step
        torch.utils.deterministic.fill_uninitialized_memory = False
        torch.manual_seed(recipe.seed)
        classes = train_set.classes
        self.info = {
            "model": recipe.model,
            "options": recipe.options,
            "num_classes": classes.num_classes,
            "classes": asdict(classes),
            "dataset": train_set.name,
        }
        net = build(recipe.model, classes.num_classes, **recipe.options)
        self.model = net.to(self.device, memory_format=torch.channels_last)
        average = get_ema_multi_avg_fn(recipe.average)
        self.averaged = AveragedModel(
            self.model, multi_avg_fn=average, use_buffers=True
        )
        parameters = groups(net, recipe.weight_decay, recipe.head_lr)
        self.optimiser = OPTIMISERS[recipe.optimiser](parameters, recipe.lr)
        masks = (train_set[i][1] for i in range(len(train_set)))
        self.class_weights = None
        if recipe.class_weight:
            weights = class_weights(masks, classes.num_classes, recipe.class_weight)
            self.class_weights = weights.to(self.device)
        self.loss = pick_loss(recipe.loss, self.class_weights)
        self.per_epoch = max(1, len(train_set) // recipe.batch_size)
        self.steps = recipe.steps  # None while a budget has not been timed
        if recipe.epochs is not None:
            self.steps = max(1, round(recipe.epochs * self.per_epoch))
        self.step, self.seconds, self.best = 0, 0.0, None
        self.losses, self.validations = [], []

    @property
    def net(self) -> nn.Module:
        """The averaged network, in evaluation mode."""
        return self.averaged.module.eval()

    @property
    def epoch(self) -> float:
        """How often every picture has been seen."""
        return round(self.step / self.per_epoch, 2)

    @property
    def ends_epoch(self) -> bool:
        """Whether the step just done was the last of an epoch, or of the run."""
        return self.step % self.per_epoch == 0 or self.step == self.steps

    @property
    def num_validations(self) -> int:
        """How many validations a run makes when the recipe does not say."""
        return 10

    @property
    def validation_is_due(self) -> bool:
        """Whether to validate after this epoch."""
        if self.step == self.steps:
            return True
        if self.recipe.val_epochs is not None:
            every = self.recipe.val_epochs * self.per_epoch
        elif self.steps is None:
            return False
        else:
            every = self.steps / self.num_validations
        return self.step // every > (self.step - self.per_epoch) // every

    def recent_loss(self) -> float:
        """Mean loss over the last epoch."""
        recent = self.losses[-self.per_epoch :]
        return sum(recent) / len(recent)

    def train_step(self, images: Tensor, labels: Tensor) -> float:
        """One batch: images (B, 3, H, W) float32, labels (B, H, W) -> loss."""
        recipe = self.recipe
        steps = self.steps or 10**9  # still timing: all of it is warm-up
        set_learning_rate(self.optimiser, learning_rate(recipe, self.step, steps))
        self.model.train()
        images = images.to(self.device, memory_format=torch.channels_last)
        with autocast(recipe.precision, self.device):
            outputs = self.model(images)
        loss = self._loss(outputs, labels.to(self.device))
        if not torch.isfinite(loss):
            raise InputError(
                f"the loss is {loss.item()} at step {self.step}; lower lr ({recipe.lr})"
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.averaged.update_parameters(self.model)
        self.step += 1
        self.losses.append(loss.item())
        return self.losses[-1]

    def _loss(self, outputs: dict[str, Tensor], labels: Tensor) -> Tensor:
        recipe = self.recipe
        loss = supervised(outputs, labels, self.loss, recipe.aux_weight)
        if recipe.lovasz_weight:
            # It sorts every pixel once a class: one pixel in 16 tells as much.
            some = (..., slice(1, None, 4), slice(2, None, 4))
            lovasz = lovasz_softmax(outputs["out"][some], labels[some])
            loss = loss + recipe.lovasz_weight * lovasz
        return loss

    def start_from(self, weights: dict[str, Tensor]) -> None:
        """Take over the weights of another training."""
        for net in (self.model, self.averaged.module):
            fit(net, weights, "the start")

    def state(self) -> dict:
        """All of it as plain data, for ``save_checkpoint``."""
        return {
            "recipe": self.recipe.as_dict(),
            "info": self.info,
            "versions": versions(),
            "weights": self.model.state_dict(),
            "averaged": self.averaged.module.state_dict(),
            "n_averaged": self.averaged.n_averaged,
            "optimiser": self.optimiser.state_dict(),
            "generator": torch.get_rng_state(),
            **{name: getattr(self, name) for name in KEPT},
        }

    def restore(self, state: dict) -> None:
        """Take over a checkpoint of the same recipe."""
        ours = self.recipe.as_dict()
        theirs = Recipe.from_dict(state["recipe"]).as_dict()
        differ = [k for k in ours if _plain(theirs[k]) != _plain(ours[k])]
        if differ:
            name = differ[0]
            raise InputError(
                f"{name} is {ours[name]} but the checkpoint was made with "
                f"{theirs.get(name)}; resume with the same settings"
            )
        fit(self.model, state["weights"], "the checkpoint")
        fit(self.averaged.module, state["averaged"], "the checkpoint's average")
        self.averaged.n_averaged.copy_(state["n_averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["generator"])
        for name in KEPT:
            setattr(self, name, state[name])


def _plain(value):
    return list(value) if isinstance(value, tuple) else value
