"""``train``: train a segmentation network and measure it."""

import argparse
import time
from dataclasses import fields
from functools import partial
from pathlib import Path

from course_lib.errors import InputError

# options that are fields of the recipe: name, type, help
RECIPE_OPTIONS = (
    ("epochs", float, "how long, in passes over the pictures"),
    ("steps", int, "how long, in batches"),
    ("budget-minutes", float, "how long, in minutes of training and validation"),
    ("batch-size", int, "pictures a step"),
    ("optimiser", str, "adamw or sgd"),
    ("lr", float, "highest learning rate"),
    ("head-lr", float, "of all that is not backbone, as a multiple of lr"),
    ("weight-decay", float, "of weights; biases and norms have none"),
    ("schedule", str, "constant, step, multistep, linear, poly or cosine"),
    ("warmup-iters", int, "steps over which the learning rate rises"),
    ("warmup-factor", float, "share of the rate at step 0; default: 1 / warmup-iters"),
    ("loss", str, "such as focal, or cross_entropy+dice"),
    ("aux-weight", float, "weight of the auxiliary loss"),
    ("class-weight", float, "0 weights pixels alike, 1 classes alike"),
    ("lovasz-weight", float, "weight of the Lovasz loss"),
    ("colour", float, "strength of random colour, 0-1"),
    ("blur", float, "probability of a blur"),
    ("val-epochs", float, "epochs between validations; default: ten in all"),
    ("seed", int, "of weights, order and augmentation"),
)
# where measured, if not on test: VOC keeps the labels of its test pictures
MEASURED_ON = {"voc": "val"}
LENGTHS = ("epochs", "steps", "budget_minutes")


def add_parser(subparsers) -> None:
    """Describe ``python -m course_lib train``."""
    parser = subparsers.add_parser(
        "train",
        help="train a segmentation network",
        description="Trains on the train pictures, chooses on val, measures on test. "
        "What is not given comes from the data set's recipe.",
    )
    add = parser.add_argument
    add("--dataset", required=True, help="camvid, voc or harbour")
    add("--data", type=Path, help="its folder; default: inside COURSE_DATA")
    add("--model", help="network; default: the recipe's")
    for name, kind, text in RECIPE_OPTIONS:
        add(f"--{name}", type=kind, help=text)
    add("--crop-size", type=int, nargs=2, metavar=("H", "W"), help="pixels")
    add("--scale", type=float, nargs=2, metavar=("LOW", "HIGH"))
    add("--precision", default="auto", help="auto, float32 or bfloat16")
    add("--threads", type=int, help="processor threads; default: all")
    add("--allow-other-threads", action="store_true", help="resume with another count")
    add("--device", default="auto", help="cpu, cuda, mps or auto")
    add("--workers", type=int, default=0, help="loader processes")
    add("--resume", action="store_true", help="go on with the run in --save-dir")
    add("--save-dir", type=Path, help="default: runs/MODEL_DATASET")
    add("--skip-val", action="store_true", help="no validation: the last is the best")
    add("--dial", action="append", default=[], metavar="NAME=VALUE")
    add("--count", type=int, help="pictures of the harbour to train on")
    add("--keep", action="store_true", help="keep weights and card with the course")


def run(args: argparse.Namespace) -> None:
    """Train, measure the chosen weights on test, write them and their card."""
    from course_lib.training.loop import train
    from course_lib.training.stream import Cached

    recipe, folder = plan(args)
    train_set, val_set = (Cached(dataset(args, split)) for split in ("train", "val"))
    print(f"{recipe.model} on {len(train_set)} pictures, {recipe.threads} threads, "
          f"{recipe.precision}; {folder} keeps the run", flush=True)  # fmt: skip
    train(
        recipe,
        train_set,
        None if args.skip_val else val_set,
        folder=folder,
        resume=args.resume,
        device=args.device,
        workers=args.workers,
        say=partial(print, flush=True),
    )
    measure(args, recipe, folder, train_set, val_set)


def plan(args: argparse.Namespace) -> tuple:
    """The recipe that the options ask for, and the folder of the run."""
    from course_lib.training.checkpoint import load_checkpoint
    from course_lib.training.device import pick_device, pick_precision, use_threads
    from course_lib.training.recipe import DEFAULTS, Recipe

    given = {f.name: getattr(args, f.name, None) for f in fields(Recipe)}
    given = {name: value for name, value in given.items() if value is not None}
    base = DEFAULTS.get(args.dataset, {})
    if args.model not in (None, base.get("model")):
        base = {**base, "options": {}}
    name = f"{args.model or base.get('model')}_{args.dataset}"
    folder = args.save_dir or Path("runs") / name
    threads = use_threads(args.threads)
    if args.resume:
        base = load_checkpoint(folder / "last.pt")["recipe"]
        if base["threads"] != threads and not args.allow_other_threads:
            raise InputError(
                f"the run in {folder} used {base['threads']} threads, not {threads}; "
                f"give --threads {base['threads']}, or --allow-other-threads for "
                "results that differ in the last digits"
            )
        given = {**given, "threads": base["threads"], "precision": base["precision"]}
    elif (folder / "last.pt").exists():
        raise InputError(
            f"{folder} holds a run already; --resume it or give another --save-dir"
        )
    else:
        given["precision"] = pick_precision(args.precision, pick_device(args.device))
        given["threads"] = threads
        if not any(name in given for name in LENGTHS):
            given["epochs"] = 30
    return Recipe.from_dict({**base, **given}), folder


def dataset(args: argparse.Namespace, split: str):
    """A split of the data set that the options name, without transforms."""
    from course_lib.data.opening import open_dataset, read_dials

    options = read_dials(args.dial)
    if args.count and split == "train" and args.dataset == "harbour":
        options["count"] = args.count
    return open_dataset(args.dataset, split, args.data, **options)


def measure(
    args: argparse.Namespace, recipe, folder: Path, train_set, val_set
) -> None:
    """Ship the best weights in 16 bits and measure just those, on pictures apart."""
    from course_lib.commands.evaluate import report_of, table
    from course_lib.paths import weights_dir
    from course_lib.training import cards
    from course_lib.training.checkpoint import load_checkpoint, load_net, save_net
    from course_lib.training.device import pick_device
    from course_lib.training.evaluation import evaluate_net

    name = f"{recipe.model}_{args.dataset}"
    last = load_checkpoint(folder / "last.pt")
    best = folder / ("last.pt" if last["best"] is None else "best.pt")
    net, info = load_net(best)
    calibration, seconds = calibrated(args, recipe, net, train_set, val_set)
    file = (weights_dir() if args.keep else folder) / f"{name}.safetensors"
    save_net(file, net, info)
    device = pick_device(args.device)
    net, _ = load_net(file, device)
    split = MEASURED_ON.get(args.dataset, "test")
    test_set = dataset(args, split)
    matrix = evaluate_net(net, test_set, device=device, progress=True)
    training = {
        "seed": recipe.seed,
        "recipe": recipe.as_dict(),
        "steps": last["step"],
        "epochs": round(last["step"] / last["per_epoch"], 1),
        "minutes": round((last["seconds"] + seconds) / 60, 2),
        "validation": last["best"],
        "calibration": calibration,
        "hardware": cards.hardware(),
        "threads": recipe.threads,
        "weights_sha256": cards.file_hash(file),
        "command": f"python -m course_lib evaluate --checkpoint "
        f"course_lib/weights/{file.name} --dataset {args.dataset} --split {split}",
    }
    card = cards.result_card(name, test_set, split, matrix, training)
    path = cards.write_card(card, None if args.keep else folder)
    report = report_of(matrix, test_set.classes, "ignored")
    report |= {"dataset": args.dataset, "num_pictures": len(test_set)}
    print(table(report), f"weights {file}", f"card    {path}", sep="\n")


def calibrated(
    args: argparse.Namespace, recipe, net, train_set, val_set
) -> tuple[dict | None, float]:
    """Calibrate ``net`` on the validation pictures, where class weights call for it.

    Returns:
        What was chosen, or None, and the seconds it took.
    """
    from course_lib.training.calibrate import calibrate
    from course_lib.training.device import autocast, pick_device
    from course_lib.training.optimiser import class_weights

    start, device = time.monotonic(), pick_device(args.device)
    if not recipe.class_weight or args.skip_val:
        return None, 0.0
    masks = (train_set[i][1] for i in range(len(train_set)))
    weights = class_weights(masks, train_set.classes.num_classes, recipe.class_weight)
    if not (weights > 0).all():  # a class without a pixel has no weight to undo
        return None, 0.0
    context = autocast(recipe.precision, device)
    chosen = calibrate(
        net.to(device), weights, val_set, device=device, autocast=context
    )
    print(f"class weights taken back by {chosen['strength']:.0%}, chosen on val")
    return chosen, time.monotonic() - start
