"""Result cards of detectors: average precision in the place of IoU."""

from pathlib import Path

from torch.utils.data import Dataset

from course_lib.detection.report import STAT_NAMES, Report
from course_lib.errors import InputError
from course_lib.paths import weights_dir
from course_lib.training import cards

FIGURES = tuple(name.lower() for name in STAT_NAMES)  # ap, ap50, ... ar_large
PREFIX = {"bbox": "", "segm": "mask_"}
REQUIRED = (
    "name", "dataset", "split", "num_pictures", "resolution", "ap", "ap50", "ap75",
    "ar100", "class_ap50", "seed", "recipe", "steps", "epochs", "minutes", "hardware",
    "threads", "versions", "commit", "split_hash", "weights_sha256", "command",
)  # fmt: skip


def detection_card(
    name: str, dataset: Dataset, split: str, reports: dict[str, Report], training: dict
) -> dict:
    """The card of a detector.

    Args:
        name: of its file.
        dataset: what it was measured on.
        split: of that data set.
        reports: of boxes ("bbox": ``ap``, ``ap50`` ... ``class_ap50``), and of masks
            ("segm": the same with ``mask_`` before them).
        training: recipe, steps, epochs, minutes, seed, threads, hardware,
            weights_sha256 and command, and what else there is to say.

    Returns:
        Plain data; None stands where there was nothing to find.

    Raises:
        InputError: where something of ``REQUIRED`` is missing.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    card = {
        "name": name,
        "dataset": dataset.name,
        "split": split,
        "num_pictures": len(dataset),
        "resolution": list(getattr(dataset, "size", ())) or "as the pictures are",
        **{k: v for kind in reports for k, v in figures(reports[kind], kind).items()},
        **training,
        "versions": cards.versions(),
        "commit": cards.commit(),
        "split_hash": cards.split_hash(dataset),
    }
    missing = [key for key in REQUIRED if key not in card]
    if missing:
        raise InputError(f"card {name!r} does not say {missing[0]!r}; give it")
    return card


def figures(report: Report, iou_type: str = "bbox") -> dict:
    """``ap``, ``ap50`` ... and ``class_ap50`` of a report, None for what is absent."""
    stats = dict(zip(FIGURES, map(_known, report.stats), strict=True))
    classes = {name: _known(row["AP50"]) for name, row in report.per_class.items()}
    prefix = PREFIX[iou_type]
    return {prefix + k: v for k, v in {**stats, "class_ap50": classes}.items()}


def weights_file(name: str) -> Path | None:
    """The shipped weights of that name, ``.safetensors`` or ``.weights``, or None."""
    files = [weights_dir() / f"{name}{end}" for end in (".safetensors", ".weights")]
    return next((file for file in files if file.is_file()), None)


def _known(value: float) -> float | None:
    return None if value < 0 else float(value)
