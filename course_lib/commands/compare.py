"""``compare``: train a table of networks by one recipe, and keep what they score."""

import argparse
from pathlib import Path


def add_parser(subparsers) -> None:
    """Describe ``python -m course_lib compare``."""
    parser = subparsers.add_parser(
        "compare",
        help="train a table of networks by one recipe",
        description="Trains every network of a table for every seed. What runs/compare "
        "holds is not trained again; what was stopped goes on.",
    )
    add = parser.add_argument
    add("name", choices=("aligned", "camvid", "harbour", "recipes_harbour"))
    add("--data", type=Path, help="folder of the data set")
    add("--seeds", type=int, nargs="+", default=[0])
    add("--columns", nargs="+", help='such as "equal steps"; default: all')
    add("--only", nargs="+", help="networks, by their names in the table")
    add("--precision", default="auto", help="auto, float32 or bfloat16")
    add("--keep", action="store_true", help="keep the card, and the nets to be shipped")


def run(args: argparse.Namespace) -> None:
    """Train what is missing; write the card after every run."""
    import torch

    from course_lib.data.opening import open_dataset
    from course_lib.training import compare
    from course_lib.training.device import pick_precision, use_threads
    from course_lib.training.stream import Cached
    from course_lib.training.tables import TABLES, plan

    use_threads(1)
    table = TABLES[args.name]
    precision = pick_precision(args.precision, torch.device("cpu"))
    train_set = compare.training_set(table, args.data)
    test_set = Cached(open_dataset(table.dataset, "test", args.data))
    for column, seed, entry in plan(table, args.seeds, args.columns):
        if args.only and entry.net not in args.only:
            continue
        result = compare.train_one(
            table, column, seed, entry, train_set, test_set, precision, say=_quiet
        )
        print(
            f"{column}, seed {seed}, {entry.net}: mean IoU {result['mean_iou']:.3f}, "
            f"{result['steps']} steps, {result['cpu_seconds']:.0f} s",
            flush=True,
        )
        if args.keep:
            if entry.shipped and seed == 0 and column == next(iter(table.lengths)):
                _ship(table, column, entry, result, train_set, test_set)
            write_card(table, args.name, test_set, precision)


def _quiet(line: str) -> None:
    """Say nothing of an epoch."""


def write_card(table, name: str, test_set, precision: str) -> None:
    """Put the results there are together as ``table_NAME.json``."""
    import json

    from course_lib.paths import results_dir
    from course_lib.training import cards
    from course_lib.training.checkpoint import versions
    from course_lib.training.compare import rows
    from course_lib.whole import write_whole

    size = tuple(test_set[0][0].shape[-2:])
    card = {
        "name": f"table_{name}",
        "dataset": table.dataset,
        "split": "test",
        "num_pictures": len(test_set),
        "resolution": list(size),
        "void": "ignored",
        "recipe": table.recipe,
        "lengths": table.lengths,
        "rows": rows(table, list(range(10)), size),
        "precision": precision,
        "threads": 1,
        "hardware": cards.hardware(),
        "versions": versions(),
        "commit": cards.commit(),
        "split_hash": cards.split_hash(test_set),
        "command": f"python -m course_lib compare {name} --seeds 0 1 2 --keep",
    }
    path = results_dir() / f"{card['name']}.json"
    write_whole(path, (json.dumps(card, indent=1) + "\n").encode())


def _ship(table, column: str, entry, result: dict, train_set, test_set) -> None:
    """Keep the network of seed 0 in 16 bits, with its card."""
    from course_lib.commands.curve import keep_net
    from course_lib.paths import weights_dir
    from course_lib.training import compare
    from course_lib.training.checkpoint import load_net

    name = f"{entry.model}_{table.dataset}"
    if (weights_dir() / f"{name}.safetensors").exists():
        return
    net, info = load_net(compare.folder(table, column, 0, entry) / "last.pt")
    seen = result["steps"] * result["recipe"]["batch_size"]
    training = {
        "seed": 0,
        "recipe": result["recipe"],
        "steps": result["steps"],
        "epochs": round(seen / len(train_set), 1),
        "minutes": round(result["cpu_seconds"] / 60, 2),
        "threads": 1,
        "trained_by": f"python -m course_lib compare {table.dataset} --keep",
    }
    keep_net(name, net, info, test_set, training)
