"""``train-detector``: train a detector and measure it."""

import argparse
import shlex
import sys
from dataclasses import fields
from functools import partial
from pathlib import Path

from course_lib.errors import InputError

# options that are fields of the recipe: name, type, help
RECIPE_OPTIONS = (
    ("epochs", float, "how long, in passes over the pictures"),
    ("steps", int, "how long, in batches"),
    ("batch-size", int, "pictures a step"),
    ("optimiser", str, "adamw or sgd"),
    ("lr", float, "highest learning rate"),
    ("head-lr", float, "of all that is not backbone, as a multiple of lr"),
    ("weight-decay", float, "of weights; biases and norms have none"),
    ("schedule", str, "constant, step, multistep, linear, poly or cosine"),
    ("warmup-iters", int, "steps over which the learning rate rises"),
    ("clip", float, "longest gradient; 0 is any"),
    ("average", float, "decay of the running average of the weights; 0 is none"),
    ("seed", int, "of order and augmentation"),
)


def add_parser(subparsers) -> None:
    """Describe ``python -m course_lib train-detector``."""
    parser = subparsers.add_parser(
        "train-detector",
        help="train a detector",
        description="Trains on the train pictures and measures AP on test. What is "
        "not given comes from the recipe of this model and data set.",
    )
    add = parser.add_argument
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--model", help="such as maskrcnn or fasterrcnn")
    kind.add_argument("--cfg", type=Path, help="of a Darknet net, to train that")
    add("--dataset", required=True, help="harbour, penn_fudan or (--cfg) yolo-folder")
    add("--data", type=Path, help="its folder; default: inside COURSE_DATA")
    add("--weights", help="to start from: COCO_V1 (downloads), or a .weights file")
    add("--options", help="of the model, a JSON object")
    for name, kind, text in RECIPE_OPTIONS:
        add(f"--{name}", type=kind, help=text)
    add("--precision", default="auto", help="auto, float32 or bfloat16")
    add("--threads", type=int, help="processor threads; default: all")
    add("--device", default="auto", help="cpu, cuda, mps or auto")
    add("--workers", type=int, default=0, help="loader processes")
    add("--count", type=int, help="pictures of the harbour to train on")
    add("--dial", action="append", default=[], metavar="NAME=VALUE")
    add("--name", help="of the files; default: MODEL_DATASET")
    add("--save-dir", type=Path, help="default: runs/NAME")
    add("--resume", action="store_true", help="go on with the run in --save-dir")
    add("--keep", action="store_true", help="keep weights and card with the course")
    add("--keep-card", action="store_true", help="keep the card alone")


def run(args: argparse.Namespace) -> None:
    """Train, write the weights, measure just those, write their card."""
    from course_lib.detection.engine import fit

    plan = plan_of(args)
    folder = args.save_dir or Path("runs") / plan.name
    if (folder / "last.pt").exists() and not args.resume:
        raise InputError(
            f"{folder} holds a run already; --resume it or give another --save-dir"
        )
    count, recipe = len(plan.train_set), plan.recipe
    print(f"{plan.name}: {count} pictures, {recipe.threads} threads, "
          f"{recipe.precision}; {folder} keeps the run", flush=True)  # fmt: skip
    training = fit(
        plan.detector,
        plan.train_set,
        recipe,
        transform=plan.transform,
        folder=folder,
        resume=args.resume,
        device=args.device,
        workers=args.workers,
        say=partial(print, flush=True),
    )
    measure(args, plan, training, folder)


def plan_of(args: argparse.Namespace):
    """The plan that the options ask for: of an R-CNN, or of a Darknet net."""
    import torch

    from course_lib.detection.recipe import DetectorRecipe
    from course_lib.training.device import pick_device, pick_precision, use_threads

    names = {f.name for f in fields(DetectorRecipe)} - {"precision", "threads"}
    given = {name: getattr(args, name, None) for name in names}
    given = {name: value for name, value in given.items() if value is not None}
    given["threads"] = use_threads(args.threads)
    given["precision"] = pick_precision(args.precision, pick_device(args.device))
    torch.manual_seed(args.seed or 0)  # of the first weights
    if args.cfg:
        from course_lib.detection.yolo.plan import plan_darknet

        return plan_darknet(args, given)
    from course_lib.detection.rcnn.plan import plan_rcnn

    return plan_rcnn(args, given)


def measure(args: argparse.Namespace, plan, training, folder: Path) -> None:
    """Write the weights, measure what a reader will load, and write the card."""
    from course_lib.detection.cards import detection_card
    from course_lib.detection.evaluation import evaluate_detector
    from course_lib.paths import weights_dir
    from course_lib.training import cards

    named = "course_lib/weights" if args.keep else f"runs/{plan.name}"
    files = plan.save(weights_dir() if args.keep else folder, training.detector)
    detector = plan.load(files)
    reports = evaluate_detector(detector, plan.test_set, iou_types=plan.iou_types)
    about = plan.about | {
        "seed": plan.recipe.seed,
        "recipe": plan.recipe.as_dict(),
        "steps": training.step,
        "epochs": round(training.step / training.per_epoch, 1),
        "minutes": round(training.seconds[0] / 60, 2),
        "cpu_minutes": round(training.seconds[1] / 60, 2),
        "hardware": cards.hardware(),
        "threads": plan.recipe.threads,
        "weights_sha256": cards.file_hash(files[0]),
        "trained_by": trained_by(sys.argv[1:]),
        "command": plan.command.format(file=f"{named}/{files[0].name}"),
    }
    card = detection_card(plan.name, plan.test_set, "test", reports, about)
    kept = args.keep or args.keep_card
    path = cards.write_json(card, None if kept else folder)
    for kind, report in reports.items():
        print(f"{kind}: AP {report.stats[0]:.3f}  AP50 {report.stats[1]:.3f}")
    print(*(f"weights {file}" for file in files), f"card    {path}", sep="\n")


def trained_by(words: list[str]) -> str:
    """The command line without the folders of this machine."""
    kept, after = [], False
    for word in words:
        if not after and word not in ("--save-dir", "--data", "--resume"):
            kept.append(Path(word).name if Path(word).is_absolute() else word)
        after = word in ("--save-dir", "--data")
    return f"python -m course_lib {shlex.join(kept)}"
