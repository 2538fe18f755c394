"""``curve``: measure a failure curve, old method and new, over a dial."""

import argparse
from importlib import import_module

# a module, or something in a module
CURVES = {
    "thin_fcn32s": "course_lib.training.thin_fcn32s",
    "rarity_losses": "course_lib.training.rarity_losses",
    "thin_fcn": "course_lib.training.table_curves:thin_fcn",
    "thin_resnet": "course_lib.training.table_curves:thin_resnet",
    "context_heads": "course_lib.training.table_curves:context_heads",
    "context_near": "course_lib.training.context_near",
    "scale_anchors": "course_lib.detection.studies.scale_anchors",
    "size_anchors": "course_lib.detection.studies.size_anchors",
    "contact_maskrcnn": "course_lib.detection.studies.neighbours:contact",
    "occlusion_maskrcnn": "course_lib.detection.studies.neighbours:occlusion",
    "overlap_maskrcnn": "course_lib.detection.studies.overlap_maskrcnn",
    "aspect_resize": "course_lib.detection.studies.aspect_resize",
    "epochs_yolo": "course_lib.detection.studies.epochs_yolo",
    "labelled_yolo": "course_lib.detection.studies.labelled_yolo",
}


def add_parser(subparsers) -> None:
    """Describe ``python -m course_lib curve``."""
    parser = subparsers.add_parser(
        "curve",
        help="measure a failure curve",
        description="Trains the methods of a curve for every seed and scores them on "
        "the harbour's test pictures while its dial is turned.",
    )
    parser.add_argument("name", choices=sorted(CURVES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--count", type=int, default=200, help="test pictures")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="auto", help="auto, float32 or bfloat16")
    parser.add_argument(
        "--keep", action="store_true", help="keep card, and nets of the first seed"
    )
    parser.add_argument(
        "--shipped", action="store_true", help="train nothing, score the shipped nets"
    )


def run(args: argparse.Namespace) -> None:
    """Measure, print, and with ``--keep`` write the curve's card."""
    import time

    import torch

    from course_lib.paths import weights_dir
    from course_lib.training.checkpoint import load_net
    from course_lib.training.curve import score_over_dial
    from course_lib.training.device import pick_precision, use_threads

    plan = find_plan(args.name)
    use_threads(args.threads)
    if hasattr(plan, "measure"):  # a study that fills its own card
        return _study(plan, args)
    precision = pick_precision(args.precision, torch.device("cpu"))
    methods = plan.SHIPPED if args.shipped else plan.RECIPES
    scores, minutes = {method: {} for method in methods}, {}
    for seed in [0] if args.shipped else args.seeds:
        start = time.monotonic()
        if args.shipped:
            files = {m: f"{file}.safetensors" for m, file in plan.SHIPPED.items()}
            nets = {m: load_net(weights_dir() / f)[0] for m, f in files.items()}
        else:
            nets = plan.methods(seed, precision)
        minutes[str(seed)] = round((time.monotonic() - start) / 60, 2)
        if args.keep and seed == args.seeds[0] and not _from_table(plan):
            nets = _ship(plan, nets, seed, precision, minutes[str(seed)], args)
        for method, net in nets.items():
            each = score_over_dial(
                net, plan.DIAL, plan.VALUES, plan.CLASSES, args.count
            )
            scores[method][str(seed)] = each
            _say(plan, method, seed, each)
    if args.keep and not args.shipped:
        print(_write(plan, scores, minutes, precision, args))


def _study(plan, args) -> None:
    """Measure a study, print its curve, and with ``--keep`` write its card."""
    from course_lib.training import cards
    from course_lib.training.checkpoint import versions

    seeds = [0] if args.shipped else args.seeds
    card = plan.measure(seeds, args.count)
    for method, scores in card["methods"].items():
        for seed, each in scores.items():
            row = "  ".join(
                f"{value:g}: {x:.3f}"
                for value, x in zip(card["values"], each, strict=True)
            )
            print(f"{method}, seed {seed}, {card['score']} over {card['dial']}: {row}")
    if args.keep:
        card |= {
            "hardware": cards.hardware(),
            "threads": args.threads,
            "versions": versions(),
            "commit": cards.commit(),
            "command": f"python -m course_lib curve {args.name} "
            f"--count {args.count} --keep",
        }
        print(f"card {cards.write_json(card).name}")


def find_plan(name: str):
    """The plan of a curve: a study with ``measure(seeds, count)``, or the parts of one.

    Those are DIAL, UNIT, VALUES, CLASSES, RECIPES, SHIPPED and methods.
    """
    module, _, attribute = CURVES[name].partition(":")
    plan = import_module(module)
    return getattr(plan, attribute) if attribute else plan


def _from_table(plan) -> bool:
    """Whether the nets belong to a table, which ships them and says their minutes."""
    return hasattr(plan, "trained_by")


def _say(plan, method: str, seed: int, scores: dict[str, list[float]]) -> None:
    values = "".join(f"{value:>8g}" for value in plan.VALUES)
    unit = f" ({plan.UNIT})" if plan.UNIT else ""
    width = max(12, *map(len, plan.CLASSES))
    print(f"{method}, seed {seed}, over {plan.DIAL}{unit}\n{'':{width}}{values}")
    for name, each in scores.items():
        print(f"{name:{width}}" + "".join(f"{x:8.3f}" for x in each), flush=True)


def _ship(plan, nets: dict, seed: int, precision: str, minutes: float, args) -> dict:
    """Keep the nets in 16 bits, each with its card, and give back what was kept."""
    from course_lib.data.harbour import Harbour

    kept = {}
    for method, net in nets.items():
        recipe = plan.RECIPES[method]
        training = {
            "seed": seed,
            "recipe": recipe.as_dict() | {"seed": seed, "precision": precision},
            "steps": recipe.steps,
            "epochs": round(recipe.steps * recipe.batch_size / 1000, 1),
            "minutes": minutes,
            "threads": args.threads,
            "trained_by": f"python -m course_lib curve {args.name} --keep",
        }
        name, info = plan.SHIPPED[method], plan.info(method)
        kept[method] = keep_net(name, net, info, Harbour("test"), training)
    return kept


def keep_net(name: str, net, info: dict, test_set, training: dict):
    """Ship a net in 16 bits with the card of just that file, and give it back."""
    from course_lib.paths import weights_dir
    from course_lib.training import cards
    from course_lib.training.checkpoint import load_net, save_net
    from course_lib.training.evaluation import evaluate_net

    file = weights_dir() / f"{name}.safetensors"
    save_net(file, net, info)
    kept, _ = load_net(file)
    training |= {
        "hardware": cards.hardware(),
        "weights_sha256": cards.file_hash(file),
        "command": "python -m course_lib evaluate --checkpoint "
        f"course_lib/weights/{file.name} --dataset {test_set.name} --split test",
    }
    matrix = evaluate_net(kept, test_set)
    cards.write_card(cards.result_card(name, test_set, "test", matrix, training))
    return kept


def _write(plan, scores: dict, minutes: dict, precision: str, args) -> str:
    """Write the curve's card and give its path."""
    from course_lib.training import cards
    from course_lib.training.checkpoint import versions
    from course_lib.training.curve import curves

    parts = curves(scores, plan.CLASSES)
    card = {
        "name": f"curve_harbour_{args.name}",
        "dataset": "harbour",
        "split": "test",
        "num_pictures": args.count,
        "resolution": [96, 128],
        "dial": plan.DIAL,
        "unit": plan.UNIT,
        "values": list(plan.VALUES),
        **parts[plan.CLASSES[0]],
        "others": {name: parts[name] for name in plan.CLASSES[1:]},
        "recipe": {
            method: recipe.as_dict() | {"precision": precision, "seed": "each"}
            for method, recipe in plan.RECIPES.items()
        },
        "steps": {method: recipe.steps for method, recipe in plan.RECIPES.items()},
        "seeds": args.seeds,
        **({"trained_by": plan.trained_by} if _from_table(plan) else {}),
        **({} if _from_table(plan) else {"minutes": minutes}),
        "hardware": cards.hardware(),
        "threads": args.threads,
        "versions": versions(),
        "commit": cards.commit(),
        "command": f"python -m course_lib curve {args.name} --keep"
        + (f" --count {args.count}" if args.count != 200 else ""),
        "shipped": plan.SHIPPED,
    }
    return f"card {cards.write_json(card).name}"
