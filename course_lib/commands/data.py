"""``data``: list, fetch and check data sets, and export the harbour."""

import argparse
from pathlib import Path

from course_lib.errors import InputError


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Describe the command and its four actions."""
    parser = subparsers.add_parser("data", help="list, fetch, check or export data")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="what can be fetched: terms, size, citation")
    fetch = actions.add_parser("fetch", help="fetch some of the list")
    fetch.add_argument(
        "names", nargs="+", metavar="NAME", help="camvid, voc2012, ... (see list)"
    )
    fetch.add_argument("--to", type=Path, metavar="FOLDER", help="where to put it")
    fetch.add_argument(
        "--archive", type=Path, nargs="+", metavar="FILE", help="fetched by hand"
    )
    fetch.add_argument(
        "--mirror",
        metavar="DIR_OR_URL",
        help="take the files from here, by their names",
    )
    fetch.add_argument("--about", action="store_true", help="only show what it is")
    _add_check(actions.add_parser("check", help="check labels: ids, sizes, void"))
    _add_export(actions.add_parser("export", help="write harbour pictures to disk"))


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", help="harbour, camvid, coco, ...")
    parser.add_argument("--task", help="segmentation, detection, parts, ...")
    parser.add_argument("--data", type=Path, help="its folder")
    parser.add_argument("--split", default="train")
    parser.add_argument("--images", type=Path, help="your own folder of pictures")
    parser.add_argument("--labels", type=Path, help="and of label pictures")
    parser.add_argument("--classes", help="class table of the labels, such as voc")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="what the reader takes besides, such as validation=2 or held_out=1,1",
    )
    parser.add_argument(
        "--colours", action="store_true", help="your labels show colours, not ids"
    )
    parser.add_argument("--limit", type=int, help="look at this many, evenly spread")


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--layout", default="voc", help="voc, coco, yolo, ...")
    parser.add_argument("--to", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--split", default="train")
    parser.add_argument("--count", type=int)
    parser.add_argument(
        "--size", type=int, nargs=2, default=(96, 128), metavar=("HEIGHT", "WIDTH")
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dial", action="append", default=[], metavar="NAME=VALUE")


def run(args: argparse.Namespace) -> None:
    """Do the action."""
    actions = {"list": _list, "fetch": _fetch, "check": _check, "export": _export}
    actions[args.action](args)


def _list(args: argparse.Namespace) -> None:
    from course_lib.data.catalogue import CATALOGUE

    print("\n\n".join(entry.about() for entry in CATALOGUE.values()))


def _fetch(args: argparse.Namespace) -> None:
    from course_lib.data.catalogue import source
    from course_lib.data.fetching import fetch

    if args.archive and len(args.names) > 1:
        raise InputError("--archive belongs to one set; fetch one name with it")
    for entry in map(source, args.names):
        print(entry.about(), flush=True)
        if not args.about:
            folder = fetch(entry, args.to, args.archive or (), args.mirror)
            print(f"  is in     {folder}")


def _check(args: argparse.Namespace) -> None:
    dataset = _dataset(args)
    sample = dataset[0] if len(dataset) else (None, None)
    if isinstance(sample[1], dict):
        _check_objects(dataset, args.limit)
    else:
        _check_labels(dataset, args.limit)


def _check_labels(dataset, limit: int | None) -> None:
    from course_lib.data.checker import check_labels

    classes = dataset.classes
    report = check_labels(dataset, classes.num_classes, limit)
    print(f"{dataset.name}: {report}")
    total = max(1, int(report.counts.sum()))
    for name, count in zip(classes.names, report.counts.tolist(), strict=True):
        print(f"  {name:{max(map(len, classes.names))}}  {count / total:7.3%}")


def _check_objects(dataset, limit: int | None) -> None:
    from course_lib.data.object_checker import check_objects

    report = check_objects(dataset, limit)
    print(f"{dataset.name}: {report}")
    for name, count in report.counts.most_common():
        print(f"  {name:{max(map(len, report.names))}}  {count:7,}")


def _dataset(args: argparse.Namespace):
    if args.dataset:
        from course_lib.data.opening import open_dataset

        return open_dataset(args.dataset, args.split, args.data, **_options(args))
    if not (args.images and args.labels and args.classes):
        raise InputError(
            "data check needs --dataset NAME, or your own --images FOLDER --labels "
            "FOLDER --classes TABLE"
        )
    from course_lib.data.classes import class_table
    from course_lib.data.readers.own_folder import LabelFolder

    classes = class_table(args.classes)
    return LabelFolder(args.images, args.labels, classes, colours=args.colours)


def _options(args: argparse.Namespace) -> dict:
    from course_lib.data.classes import class_table
    from course_lib.data.opening import read_dials

    options = {name: _several(value) for name, value in read_dials(args.option).items()}
    if args.task:
        options["task"] = args.task
    if args.classes:
        options["classes"] = class_table(args.classes)
    return options


def _several(value: float | int | str):
    """``"1,1"`` as (1, 1); everything else as it is."""
    parts = value.split(",") if isinstance(value, str) else []
    whole = len(parts) > 1 and all(part.strip().isdigit() for part in parts)
    return tuple(int(part) for part in parts) if whole else value


def _export(args: argparse.Namespace) -> None:
    from course_lib.data.harbour import Harbour, export
    from course_lib.data.opening import read_dials

    dials = read_dials(args.dial)
    dataset = Harbour(args.split, args.count, tuple(args.size), seed=args.seed, **dials)
    export(dataset, args.to, layout=args.layout)
    print(
        f"{args.to} holds {len(dataset)} harbour pictures in the {args.layout} layout"
    )
