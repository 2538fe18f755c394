"""Result cards: what was measured, on what, how, and the command to do it again."""

import hashlib
import json
import os
import platform
import subprocess
from pathlib import Path

import torch
from torch.utils.data import Dataset

from course_lib.errors import InputError
from course_lib.metrics import ConfusionMatrix
from course_lib.paths import LIBRARY, results_dir
from course_lib.training.checkpoint import versions
from course_lib.whole import write_whole

# What every card of a trained network says.
REQUIRED = (
    "name", "dataset", "split", "num_pictures", "resolution", "void", "mean_iou",
    "class_iou", "pixel_accuracy", "mean_accuracy", "void_counted", "seed", "recipe",
    "steps", "epochs", "minutes", "hardware", "threads", "versions", "commit",
    "split_hash", "weights_sha256", "command",
)  # fmt: skip


def result_card(
    name: str, dataset: Dataset, split: str, matrix: ConfusionMatrix, training: dict
) -> dict:
    """The card of a segmentation network.

    Args:
        name: of the network's file.
        dataset: what it was measured on.
        split: of that data set.
        matrix: what it scored there.
        training: recipe, steps, epochs, minutes, seed, threads, hardware,
            weights_sha256 and command.

    Taught in chapters/02_fcn_conversion.
    """
    image, _ = dataset[0]
    ignored, counted = (
        _figures(matrix, dataset.classes.names, void) for void in ("ignored", "counted")
    )
    return {
        "name": name,
        "dataset": dataset.name,
        "split": split,
        "num_pictures": len(dataset),
        "resolution": list(image.shape[-2:]),
        "void": "ignored",
        **ignored,
        "void_counted": counted,
        **training,
        "versions": versions(),
        "commit": commit(),
        "split_hash": split_hash(dataset),
    }


def _figures(matrix: ConfusionMatrix, names: tuple[str, ...], void: str) -> dict:
    scores = matrix.scores(void).as_dict()
    scores["class_iou"] = dict(zip(names, scores["class_iou"], strict=True))
    kept = ("mean_iou", "class_iou", "pixel_accuracy", "mean_accuracy")
    return {key: scores[key] for key in kept}


def write_card(card: dict, folder: Path | None = None) -> Path:
    """Write a card as NAME.json; it must say all that ``REQUIRED`` lists."""
    missing = [key for key in REQUIRED if key not in card]
    if missing:
        raise InputError(f"card {card.get('name')!r} does not say {missing[0]!r}")
    return write_json(card, folder)


def write_json(card: dict, folder: Path | None = None) -> Path:
    """Write a card of any kind as NAME.json, whole or not at all."""
    path = Path(folder or results_dir()) / f"{card['name']}.json"
    write_whole(path, (json.dumps(card, indent=1) + "\n").encode())
    return path


def read_card(name: str) -> dict:
    """The kept card of that name; an unknown one lists those there are."""
    path = results_dir() / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in results_dir().glob("*.json")))
        raise InputError(f"there is no result card {name!r}; kept are {known}")
    return json.loads(path.read_text())


def hardware() -> str:
    """The accelerator's name, or the processor's, with the number of cores."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{os.cpu_count()} cores, {_processor()}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = info.read_text().splitlines()
        names = [x.partition(":")[2] for x in lines if x.startswith("model name")]
        bf16 = any("amx_bf16" in line for line in lines)
        if names:
            return names[0].strip() + (" with bfloat16 matrix units" if bf16 else "")
    return platform.processor() or platform.machine()


def commit() -> str:
    """The commit the course stands at, or "unknown" outside a repository."""
    command = ["git", "-C", str(LIBRARY), "rev-parse", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return answer.stdout.strip()


def split_hash(dataset: Dataset) -> str:
    """SHA-256 over the names of a split's files, in their order."""
    names = "\n".join(Path(dataset.file(i)).name for i in range(len(dataset)))
    return hashlib.sha256(names.encode()).hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
