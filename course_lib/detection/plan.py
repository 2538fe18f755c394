"""All that ``train-detector`` needs to know, whatever kind of detector it trains."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn
from torch.utils.data import Dataset

from course_lib.detection.recipe import DetectorRecipe


@dataclass
class Plan:
    """A training before it begins.

    Attributes:
        name: of the weights and their card.
        detector: with the weights it starts from.
        train_set, val_set, test_set: of (image, target); ``val_set`` may be None.
        recipe: how.
        transform: joint random transform of training, or None.
        iou_types: what AP is measured of: "bbox", and "segm" where there are masks.
        save: ``save(folder, detector)`` writes the weights and returns the files,
            the one to be named first first.
        load: ``load(files)`` gives the detector back, as a reader gets it.
        about: what else the card should say, such as the model and its options.
        command: that measures the files again; ``{file}`` stands for the first file.
    """

    name: str
    detector: nn.Module
    train_set: Dataset
    val_set: Dataset | None
    test_set: Dataset
    recipe: DetectorRecipe
    transform: Callable | None
    iou_types: tuple[str, ...]
    save: Callable[[Path, nn.Module], list[Path]]
    load: Callable[[list[Path]], nn.Module]
    about: dict
    command: str
