"""``evaluate``: the scores of a network, or of a folder of predictions."""

import argparse
import json
import sys
from pathlib import Path

from course_lib.errors import InputError


def add_parser(subparsers) -> None:
    """Describe ``python -m course_lib evaluate``."""
    parser = subparsers.add_parser(
        "evaluate",
        help="score a checkpoint, or a folder of predictions",
        description="Mean IoU, accuracies and IoU of every class, both with void "
        "pixels ignored and with them counted as false.",
    )
    parser.add_argument("--dataset", required=True, help="camvid, voc, harbour ...")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--checkpoint", type=Path, help="network to score")
    source.add_argument("--labels", type=Path, help="folder of true label pictures")
    parser.add_argument("--predictions", type=Path, help="folder of predicted ones")
    parser.add_argument("--data", type=Path, help="folder of the data set")
    parser.add_argument("--split", default="test", help="train, val or test")
    parser.add_argument(
        "--dial",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="dial of the harbour, such as thin=1",
    )
    parser.add_argument(
        "--void",
        type=_void,
        default="ignored",
        metavar="ignore|count",
        help="treatment of void in the figures named first",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--device", default="auto", help="cpu, cuda, mps or auto")
    parser.add_argument("--threads", type=int, help="processor threads; default: all")


def run(args: argparse.Namespace) -> None:
    """Score, and print a table or JSON."""
    report = _from_folders(args) if args.labels else _from_checkpoint(args)
    print(json.dumps(report, indent=1) if args.json else table(report))


def report_of(matrix, classes, void: str) -> dict:
    """Both treatments of void as plain data; the chosen one stands on top."""
    both = {f"void_{v}": matrix.scores(v).as_dict() for v in ("ignored", "counted")}
    if classes.names[0] != "background":
        for scores in both.values():
            del scores["mean_iou_without_background"]
    return {
        "void": void,
        "classes": list(classes.names),
        **both[f"void_{void}"],
        **both,
        "confusion_matrix": matrix.matrix.tolist(),
    }


def table(report: dict) -> str:
    """The report as text, in per cent, one line a class."""
    both = [report["void_ignored"], report["void_counted"]]
    width = max(28, *(len(name) for name in report["classes"]))
    lines = [
        f"{report['dataset']}, {report['num_pictures']} pictures, in per cent",
        _row(width, "class", ["IoU", "IoU", "accuracy"]),
        _row(width, "  void pixels", ["ignored", "counted", "ignored"]),
    ]
    columns = [both[0]["class_iou"], both[1]["class_iou"], both[0]["class_accuracy"]]
    for name, *values in zip(report["classes"], *columns, strict=True):
        lines.append(_row(width, name, values))
    names = ["mean_iou", "mean_accuracy", "pixel_accuracy", "frequency_weighted_iou"]
    if "mean_iou_without_background" in report:
        names.insert(1, "mean_iou_without_background")
    lines.append("-" * (width + 30))
    for name in [*names, "overall"]:
        label = name.replace("_", " ").replace("iou", "IoU")
        lines.append(_row(width, label, [each[name] for each in both]))
    return "\n".join(lines)


def _from_folders(args: argparse.Namespace) -> dict:
    from course_lib.data.classes import class_table
    from course_lib.training.evaluation import evaluate_folders

    if not args.predictions:
        raise InputError("--labels is given without --predictions; name both folders")
    matrix, count = evaluate_folders(
        args.labels, args.predictions, args.dataset, progress=True
    )
    return {
        "dataset": args.dataset,
        "num_pictures": count,
        **report_of(matrix, class_table(args.dataset), args.void),
    }


def _from_checkpoint(args: argparse.Namespace) -> dict:
    from course_lib.data.opening import open_dataset, read_dials, trained_classes
    from course_lib.training.checkpoint import load_net
    from course_lib.training.device import pick_device, use_threads
    from course_lib.training.evaluation import evaluate_net

    use_threads(args.threads)
    device = pick_device(args.device)
    net, info = load_net(args.checkpoint, device)
    dials = read_dials(args.dial)
    dataset = open_dataset(args.dataset, args.split, args.data, **dials)
    trained = trained_classes(info)
    if trained.names != dataset.classes.names:
        raise InputError(
            f"{args.checkpoint} was trained on the {trained.num_classes} classes of "
            f"{trained.name}, not on the {dataset.classes.num_classes} of "
            f"{args.dataset}; give --dataset {trained.name}"
        )
    if not args.json:
        print(f"{args.checkpoint}: {info['model']} on {device}", file=sys.stderr)
    matrix = evaluate_net(net, dataset, device=device, progress=True)
    return {
        "dataset": args.dataset,
        "split": args.split,
        "model": info["model"],
        "num_pictures": len(dataset),
        **({"dials": dials} if dials else {}),
        **report_of(matrix, dataset.classes, args.void),
    }


def _row(width: int, name: str, values: list) -> str:
    cells = [_cell(value) for value in values]
    return f"{name:<{width}}" + "".join(f"{cell:>10}" for cell in cells)


def _cell(value: float | str | None) -> str:
    if value is None:
        return "absent"
    return value if isinstance(value, str) else f"{100 * value:.2f}"


def _void(word: str) -> str:
    known = {"ignore": "ignored", "count": "counted"}
    word = known.get(word, word)
    if word not in known.values():
        raise argparse.ArgumentTypeError(f'"{word}"; choose ignore or count')
    return word
