"""The state of a detector's training and its smallest move, one step."""

import time

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from course_lib.detection.recipe import DetectorRecipe
from course_lib.errors import InputError
from course_lib.models.weights import fit as fit_weights
from course_lib.training.device import autocast, pick_device
from course_lib.training.optimiser import OPTIMISERS, groups, set_learning_rate
from course_lib.training.schedules import learning_rate


class Training:
    """A detector at training: its optimiser, its average, its place in the run.

    Attributes:
        losses: of every step, a dict of floats, ``"sum"`` among them.
        step, steps, per_epoch: where the run is, where it ends, steps an epoch.
        seconds: on the clock and of the processor, over all resumes.

    Taught in chapters/13_mask_rcnn_finetuning.
    """

    def __init__(
        self, detector: nn.Module, count: int, recipe: DetectorRecipe, device="cpu"
    ):
        torch.manual_seed(recipe.seed)
        self.recipe, self.device = recipe, pick_device(device)
        self.model = detector.to(self.device)
        self.averaged = None
        if recipe.average:
            average = get_ema_multi_avg_fn(recipe.average)
            self.averaged = AveragedModel(
                detector, multi_avg_fn=average, use_buffers=True
            )
        parameters = groups(detector, recipe.weight_decay, recipe.head_lr)
        self.optimiser = OPTIMISERS[recipe.optimiser](parameters, recipe.lr)
        self.per_epoch = max(1, count // recipe.batch_size)
        self.steps = recipe.steps or max(1, round(recipe.epochs * self.per_epoch))
        self.step, self.losses, self.seconds = 0, [], (0.0, 0.0)
        self.before, self.start = self.seconds, clocks()

    @property
    def detector(self) -> nn.Module:
        """The detector, averaged where the recipe averages, ready to predict."""
        return (self.averaged.module if self.averaged else self.model).eval()

    def train_step(self, images: list[Tensor], targets: list[dict]) -> dict:
        """One batch: a step down the sum of the losses; the losses as floats."""
        self.model.train()
        lr = learning_rate(self.recipe, self.step, self.steps)
        set_learning_rate(self.optimiser, lr)
        with autocast(self.recipe.precision, self.device):
            losses = self.model(*self.to_device(images, targets))
        total = sum(losses.values())
        values = {name: loss.item() for name, loss in losses.items()}
        if not torch.isfinite(total):
            told = ", ".join(f"{name} {value:g}" for name, value in values.items())
            raise InputError(
                f"the loss is not finite at step {self.step} ({told}); "
                f"lower lr ({self.recipe.lr:g}) or look for boxes without area"
            )
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        if self.recipe.clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        self.optimiser.step()
        if self.averaged:
            self.averaged.update_parameters(self.model)
        self.step += 1
        passed = zip(self.before, clocks(), self.start, strict=True)
        self.seconds = tuple(old + now - start for old, now, start in passed)
        self.losses.append(values | {"sum": total.item()})
        return self.losses[-1]

    def to_device(self, images: list[Tensor], targets: list[dict]) -> tuple:
        """Pictures and the tensors of their targets where the detector is."""
        moved = [
            {
                key: value.to(self.device) if isinstance(value, Tensor) else value
                for key, value in target.items()
            }
            for target in targets
        ]
        return [image.to(self.device) for image in images], moved

    def line(self) -> str:
        """The epoch in a line: mean of every loss over its steps."""
        recent = self.losses[-((self.step - 1) % self.per_epoch + 1) :]
        means = {k: sum(each[k] for each in recent) / len(recent) for k in recent[0]}
        told = "  ".join(f"{short(k)} {value:.3f}" for k, value in means.items())
        epoch = -(-self.step // self.per_epoch)
        return f"epoch {epoch}  step {self.step}  {told}"

    def state(self) -> dict:
        """All of it as plain data, for ``save_checkpoint``."""
        return {
            "recipe": self.recipe.as_dict(),
            "weights": self.model.state_dict(),
            "averaged": self.averaged and self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "generator": torch.get_rng_state(),
            "step": self.step,
            "seconds": self.seconds,
            "losses": self.losses,
        }

    def restore(self, state: dict) -> None:
        """Take over a checkpoint of the same recipe, to the bit."""
        ours = self.recipe.as_dict()
        for name, value in state["recipe"].items():
            if ours.get(name) != value:
                raise InputError(
                    f"{name} is {ours.get(name)} but the checkpoint was made with "
                    f"{value}; resume with the same settings"
                )
        fit_weights(self.model, state["weights"], "the checkpoint")
        if self.averaged:
            fit_weights(self.averaged, state["averaged"], "the checkpoint's average")
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["generator"])
        self.step, self.losses = state["step"], state["losses"]
        self.before, self.start = tuple(state["seconds"]), clocks()


def clocks() -> tuple[float, float]:
    """Seconds on the clock, and of the processor (all threads together)."""
    return time.monotonic(), time.process_time()


def short(name: str) -> str:
    """``"loss_rpn_box_reg"`` without what every loss is called."""
    return name.removeprefix("loss_")
