"""An R-CNN for ``train-detector``: the net, its data, its recipe, its file."""

import json
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from torch import nn
from torch.utils.data import ConcatDataset, Dataset, Subset

from course_lib.data.opening import read_dials
from course_lib.detection.models import build_detector, open_detector
from course_lib.detection.plan import Plan
from course_lib.detection.rcnn.recipes import RECIPES
from course_lib.detection.recipe import DetectorRecipe
from course_lib.detection.transforms import training_transform
from course_lib.errors import InputError
from course_lib.models.weights import fit, read_net_file
from course_lib.training.checkpoint import save_net

MIXED = 2000  # pictures of the harbour, when the command line does not say


def plan_rcnn(args: Namespace, given: dict) -> Plan:
    """The plan that the options of the command line ask for.

    Args:
        args: of ``train-detector``.
        given: fields of the recipe that were said.

    Raises:
        InputError: for an unknown model or data set, and options that are not JSON.
    """
    options, recipe, augment = RECIPES.get((args.model, args.dataset), ({}, {}, {}))
    options = options | read_options(args.options)
    start = Path(args.weights or "")
    if args.weights and start.suffix != ".safetensors":
        options["weights"] = args.weights
    if {"epochs", "steps"} & given.keys():  # one of them, the other goes
        recipe = {k: v for k, v in recipe.items() if k not in ("epochs", "steps")}
    sets = {split: open_split(args, split) for split in ("train", "val", "test")}
    classes = sets["test"].classes
    detector = build_detector(args.model, classes.num_classes, **options)
    if start.suffix == ".safetensors":
        fit(detector, read_net_file(start)[1], start.name)
    info = {
        "model": args.model,
        "options": without_files(options),
        "num_classes": classes.num_classes,
        "classes": asdict(classes),
        "dataset": args.dataset,
    }
    name = args.name or f"{args.model}_{args.dataset}"

    def save(folder: Path, net: nn.Module) -> list[Path]:
        file = folder / f"{name}.safetensors"
        save_net(file, net, info)
        return [file]

    return Plan(
        name=name,
        detector=detector,
        train_set=sets["train"],
        val_set=sets["val"],
        test_set=sets["test"],
        recipe=DetectorRecipe(
            **({"epochs": 10} if not recipe else {}) | recipe | given
        ),
        transform=training_transform(**augment),
        iou_types=("bbox", "segm") if detector.roi_heads.has_mask() else ("bbox",),
        save=save,
        load=lambda files: open_detector(files[0])[0],
        about={"model": args.model, "options": options, "augment": augment},
        command=f"python -m course_lib evaluate-detector --checkpoint {{file}} "
        f"--dataset {args.dataset}",
    )


def harbour_mix(count: int) -> Dataset:
    """Half as it is drawn, half with four times as many buoys, the rare class."""
    from course_lib.data.harbour import HarbourThings

    half = count // 2
    usual, more = (
        HarbourThings("train", half),
        HarbourThings("train", count, rarity=0.4),
    )
    return ConcatDataset([usual, Subset(more, range(half, count))])


def read_options(text: str | None) -> dict:
    """Options of a net as JSON; a word where it is none."""
    if text is None:
        return {}
    try:
        options = json.loads(text)
    except ValueError:
        options = None
    if not isinstance(options, dict):
        raise InputError(
            f"--options {text!r} is no JSON object; give such as "
            "'{\"short_side\": 320}'"
        )
    return options


def without_files(options: dict) -> dict:
    """Options with no file to start from: shipped weights replace those anyway.

    (A ResNet-50 that began with weights has frozen norms; one that did not, has not.)
    """
    kept = {k: v for k, v in options.items() if k != "weights"}
    if "weights" in options:
        kept["frozen_norms"] = True
    inner = kept.get("backbone_options", {})
    if inner:
        kept["backbone_options"] = {
            k: v for k, v in inner.items() if k not in ("weights", "start")
        }
    return kept


def open_split(args: Namespace, split: str) -> Dataset:
    """A split of "harbour" or "penn_fudan" as ``args`` name it.

    ``args.count`` is of the pictures trained on, or of those a command looks at.
    """
    if args.dataset == "harbour" and split == "train" and not args.dial:
        return harbour_mix(args.count or MIXED)
    if args.dataset == "harbour":
        from course_lib.data.harbour import HarbourThings

        count = args.count if split in ("train", getattr(args, "split", "")) else None
        return HarbourThings(split, count, **read_dials(args.dial))
    if args.dataset == "penn_fudan":
        from course_lib.data.readers.penn_fudan import PennFudan
        from course_lib.data.world import penn_fudan_dir

        return PennFudan(args.data or penn_fudan_dir(), split=split)
    raise InputError(
        f"there is no data set {args.dataset!r} for this detector; choose harbour or "
        "penn_fudan"
    )
