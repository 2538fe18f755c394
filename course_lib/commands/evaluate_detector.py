"""``evaluate-detector``: average precision of a detector's file on a data set."""

import argparse
import json
from pathlib import Path

from course_lib.errors import InputError


def add_parser(subparsers) -> None:
    """Describe ``python -m course_lib evaluate-detector``."""
    parser = subparsers.add_parser(
        "evaluate-detector",
        help="average precision of a trained detector",
        description="Measures what train-detector wrote: COCO's 12 figures of boxes, "
        "and of masks where the detector gives some.",
    )
    add = parser.add_argument
    add("--checkpoint", type=Path, required=True,
        help=".safetensors, or .weights with its .cfg beside it")  # fmt: skip
    add("--dataset", required=True, help="harbour, penn_fudan or yolo-folder")
    add("--data", type=Path, help="its folder; default: inside COURSE_DATA")
    add("--split", default="test", help="train, val or test")
    add("--dial", action="append", default=[], metavar="NAME=VALUE")
    add("--count", type=int, help="pictures of the harbour")
    add("--threads", type=int, help="processor threads; default: all")
    add("--device", default="auto", help="cpu, cuda, mps or auto")
    add("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> None:
    """Measure and print a table a kind, or JSON."""
    from course_lib.detection.evaluation import evaluate_detector
    from course_lib.training.device import pick_device, use_threads

    use_threads(args.threads)
    device = pick_device(args.device)
    detector, kinds = open_file(args.checkpoint)
    reports = evaluate_detector(
        detector.to(device),
        pictures(args),
        iou_types=kinds,
        device=device,
        progress=True,
    )
    if args.json:
        print(json.dumps({k: r.as_dict() for k, r in reports.items()}, indent=1))
        return
    for kind, report in reports.items():
        print(f"{kind}: {report}")


def open_file(path: Path):
    """A detector from its file, and what can be measured of it."""
    if path.suffix == ".weights":
        from course_lib.detection.darknet.detector import load_detector

        return load_detector(path.with_suffix(".cfg"), path), ("bbox",)
    from course_lib.detection.models import open_detector

    detector, _ = open_detector(path)
    return detector, ("bbox", "segm") if detector.roi_heads.has_mask() else ("bbox",)


def pictures(args: argparse.Namespace):
    """The split of the data set that the options name."""
    if args.dataset == "yolo-folder":
        from course_lib.data.readers.yolo import YoloFolder

        if args.data is None:
            raise InputError("yolo-folder wants --data, its data.yaml or .data file")
        return YoloFolder(args.data, args.split)
    from course_lib.detection.rcnn.plan import open_split

    return open_split(args, args.split)
