"""``evaluate-detections``: average precision of COCO results."""

import argparse
import json
from pathlib import Path

from course_lib.errors import InputError


def add_parser(subparsers) -> None:
    """Describe ``python -m course_lib evaluate-detections``."""
    parser = subparsers.add_parser(
        "evaluate-detections",
        help="average precision of results in COCO's format",
        description="The 12 figures of COCO, equal to pycocotools', and AP by class.",
    )
    parser.add_argument(
        "--annotations", type=Path, required=True, help="COCO instances, JSON"
    )
    parser.add_argument("--results", type=Path, required=True, help="COCO results")
    parser.add_argument("--iou-type", choices=("bbox", "segm"), default="bbox")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> None:
    """Measure, and print a table or JSON."""
    from course_lib.detection.average_precision import evaluate

    annotations, results = read_json(args.annotations), read_json(args.results)
    report = evaluate(annotations, results, args.iou_type)
    print(json.dumps(report.as_dict(), indent=1) if args.json else table(report))


def read_json(path: Path):
    """The content of a JSON file.

    Raises:
        InputError: where there is no such file, or it is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not JSON ({error}); export it again") from None


def table(report) -> str:
    """The report as text, in per cent: COCO's figures, then one line a class."""
    figures = report.as_dict()
    lines = [f"{report.num_pictures} pictures, in per cent"]
    for name in list(figures)[1:13]:
        lines.append(f"{name:<24}{_cell(figures[name])}")
    lines.append(f"{'class':<24}{'AP':>8}{'AP50':>8}{'AP75':>8}{'AR100':>8}")
    for name, row in report.per_class.items():
        lines.append(f"{name:<24}" + "".join(map(_cell, row.values())))
    return "\n".join(lines)


def _cell(value: float) -> str:
    return f"{'absent':>8}" if value < 0 else f"{100 * value:8.1f}"
