"""The training loop of every detector: batches, steps, one line an epoch.

A detector takes a list of pictures and a list of targets and gives a dict of
losses. What it is inside, R-CNN or YOLO, does not matter here.
"""

from collections.abc import Callable
from pathlib import Path

from torch import nn
from torch.utils.data import Dataset
from tqdm import tqdm

from course_lib.detection.batches import aspect_ratios, detector_batches
from course_lib.detection.recipe import DetectorRecipe
from course_lib.detection.training import Training
from course_lib.training.checkpoint import load_checkpoint, save_checkpoint


def fit(
    detector: nn.Module,
    dataset: Dataset,
    recipe: DetectorRecipe,
    *,
    transform: Callable | None = None,
    score: Callable[[nn.Module], float] | None = None,
    folder: Path | None = None,
    resume: bool = False,
    device: str = "cpu",
    workers: int = 0,
    say: Callable[[str], None] = print,
) -> Training:
    """Train a detector.

    Args:
        detector: training mode: (images, targets) -> dict of losses.
        dataset: of (image uint8 (3, H, W), target); boxes xyxy in pixels.
        recipe: how.
        transform: joint random transform of (image, target).
        score: of the detector, after every epoch, such as AP on "val"; said in the
            line. It sees the averaged weights.
        folder: where ``last.pt`` goes after every epoch; None writes nothing.
        resume: go on from ``folder/last.pt``.
        device: as ``pick_device``.
        workers: loader processes.
        say: takes one line an epoch, with every loss in it.

    Returns:
        The training: ``.detector`` and ``.losses``.

    Raises:
        InputError: for a loss that is not finite, a checkpoint of other settings.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    training = Training(detector, len(dataset), recipe, device)
    if resume:
        training.restore(load_checkpoint(Path(folder) / "last.pt"))
    ratios = aspect_ratios(dataset) if recipe.group_aspect else None
    batches = detector_batches(
        dataset, recipe.batch_size, recipe.seed, training.step, training.steps,
        transform=transform, ratios=ratios, workers=workers,
    )  # fmt: skip
    for images, targets in tqdm(batches, unit="step", disable=None):
        training.train_step(images, targets)
        if training.step % training.per_epoch and training.step < training.steps:
            continue
        scored = "" if score is None else f"  score {score(training.detector):.3f}"
        say(training.line() + scored)
        if folder:
            save_checkpoint(Path(folder) / "last.pt", training.state())
    return training
