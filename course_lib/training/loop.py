"""The training loop: batches, loss, step, validation, checkpoint.

Read ``train`` first; what it calls follows in the order it is called.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from course_lib.data.checker import check_labels
from course_lib.data.transforms import training_transform
from course_lib.training.checkpoint import load_checkpoint, save_checkpoint
from course_lib.training.device import autocast
from course_lib.training.evaluation import evaluate_net
from course_lib.training.recipe import Recipe
from course_lib.training.run import Run
from course_lib.training.stream import stream

WARM_STEPS, TIMED_STEPS = 10, 30  # of a budget: to fill caches, to time
SAVE_SECONDS = 30


def train(
    recipe: Recipe,
    train_set: Dataset,
    val_set: Dataset | None = None,
    *,
    start: dict[str, Tensor] | None = None,
    folder: Path | None = None,
    resume: bool = False,
    device: str = "cpu",
    workers: int = 0,
    say: Callable[[str], None] = print,
) -> Run:
    """Train a segmentation network.

    Args:
        recipe: how; see ``Recipe``.
        train_set: samples (Image uint8 (3, H, W), Mask int64 (H, W)), no transform.
        val_set: likewise; None trains without choosing.
        start: state dict to start from; None takes the network's random weights.
        folder: where ``last.pt`` and ``best.pt`` go; None writes nothing.
        resume: go on from ``folder/last.pt``: on a CPU with the same number of
            threads, steps and epochs end in the same bits as if never stopped.
        device: as ``pick_device``.
        workers: loader processes; the samples drawn do not depend on it.
        say: takes one line an epoch.

    Returns:
        The run: ``run.net`` (averaged weights), ``run.losses`` (one a step),
        ``run.validations``.

    Raises:
        InputError: for labels outside the classes, a loss that is not finite, a
            resume that does not match its checkpoint.

    Taught in chapters/02_fcn_conversion; in full in
    chapters/05_training_recipes.
    """
    check_labels(train_set, train_set.classes.num_classes)
    run = Run(recipe, train_set, device)
    if start is not None:
        run.start_from(start)
    if resume:
        run.restore(load_checkpoint(Path(folder) / "last.pt"))
    job = Job(run, train_set, val_set, folder, workers, say)
    if run.steps is None:  # a budget: the clock says how many steps
        job.turn_budget_into_steps()
    job.advance(run.steps)
    return run


@dataclass
class Job:
    """A run at work: its data, its folder, its clock."""

    run: Run
    train_set: Dataset
    val_set: Dataset | None
    folder: Path | None
    workers: int
    say: Callable[[str], None]

    def advance(self, stop: int) -> None:
        """Train up to step ``stop``, validating and saving on the way."""
        run, before, start = self.run, self.run.seconds, time.monotonic()
        saved = start
        bar = tqdm(total=stop, initial=run.step, unit="step", disable=None)
        for images, labels in self.batches(stop):
            loss = run.train_step(images, labels)
            bar.update()
            bar.set_postfix(loss=f"{loss:.3f}")
            run.seconds = before + time.monotonic() - start
            if run.ends_epoch:
                self.validate()
                run.seconds = before + time.monotonic() - start
            if run.ends_epoch or time.monotonic() - saved > SAVE_SECONDS:
                self.save("last.pt")
                saved = time.monotonic()
        bar.close()

    def batches(self, stop: int) -> DataLoader:
        """The batches between the run's step and ``stop``."""
        recipe = self.run.recipe
        transform = training_transform(
            recipe.crop_size, recipe.scale, colour=recipe.colour, blur=recipe.blur
        )
        size, start = recipe.batch_size, self.run.step
        return stream(
            self.train_set, transform, size, recipe.seed, start, stop, self.workers
        )

    def validate(self) -> None:
        """Say how the epoch went; measure and keep the best where it is due."""
        run = self.run
        line = f"epoch {run.epoch:g}  step {run.step}  loss {run.recent_loss():.3f}"
        if self.val_set is not None and run.validation_is_due:
            score = self.measure()
            run.validations.append({"step": run.step, "mean_iou": score})
            line += f"  val mean IoU {score:.3f}"
            if run.best is None or score > run.best["mean_iou"]:
                run.best = run.validations[-1]
                self.save("best.pt")
                line += "  best so far"
        self.say(line)

    def measure(self) -> float:
        """Mean IoU of the averaged weights on the validation pictures."""
        run = self.run
        context = autocast(run.recipe.precision, run.device)
        matrix = evaluate_net(
            run.net, self.val_set, device=run.device, autocast=context
        )
        return matrix.scores().mean_iou

    def save(self, name: str) -> None:
        """Write the state, if there is a folder to write to."""
        if self.folder:
            save_checkpoint(Path(self.folder) / name, self.run.state())

    def turn_budget_into_steps(self) -> None:
        """Time some steps and a validation, then fix how many steps fit.

        Two validations more than will be made are set aside for what follows the
        last step, and two hundredths of the budget for checkpoints.
        """
        run, budget = self.run, 60 * self.run.recipe.budget_minutes
        self.advance(run.step + WARM_STEPS)
        before = run.seconds
        self.advance(run.step + TIMED_STEPS)
        per_step = (run.seconds - before) / TIMED_STEPS
        start = time.monotonic()
        if self.val_set is not None:
            self.measure()
        validation = time.monotonic() - start
        run.seconds += validation
        left = 0.98 * budget - run.seconds - (run.num_validations + 2) * validation
        run.steps = run.step + max(1, int(left / per_step))
        self.say(
            f"{per_step:.3f} s a step, {validation:.1f} s a validation: "
            f"{run.steps} steps in {run.recipe.budget_minutes:g} minutes"
        )
