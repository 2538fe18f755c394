"""``evaluate-detections``: average precision of COCO results."""

import argparse
import json
import sys
from pathlib import Path

from course_lib.errors import InputError


def add_parser(subparsers) -> None:
    """Describe ``python -m course_lib evaluate-detections``."""
    parser = subparsers.add_parser(
        "evaluate-detections",
        help="average precision of results in COCO's format",
        description="The 12 figures of COCO, equal to pycocotools', and those of each "
        "class. Every picture of the annotations counts, also those without results.",
    )
    parser.add_argument(
        "--annotations", type=Path, required=True, help="COCO instances, JSON"
    )
    parser.add_argument(
        "--results", type=Path, required=True, help="COCO results, JSON"
    )
    parser.add_argument("--iou-type", choices=("bbox", "segm"), default="bbox")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> None:
    """Measure, and print a table or JSON; remarks go to the other stream."""
    from course_lib.detection.average_precision import evaluate

    files = args.annotations, args.results
    annotations, results = map(read_json, files)
    called = tuple(file.name for file in files)
    report = evaluate(annotations, results, args.iou_type, called=called)
    for remark in remarks(annotations, results, args.iou_type):
        print(f"Note: {remark}.", file=sys.stderr)
    print(json.dumps(report.as_dict(), indent=1) if args.json else report)


def read_json(path: Path):
    """The content of a JSON file.

    Raises:
        InputError: where there is no such file, or it is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); name a JSON file"
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is not JSON ({str(error):.80}); export it again"
        ) from None


def remarks(annotations: dict, results: list[dict], iou_type: str) -> list[str]:
    """What pycocotools passes over in silence, in files that are sound."""
    images = {row["id"] for row in annotations["images"]}
    categories = {row["id"] for row in annotations["categories"]}
    objects = annotations["annotations"]
    counts = {
        "picture(s) without results: their objects count as missed": len(
            images - {row["image_id"] for row in results}
        ),
        "result(s) of categories that the annotations do not list: left out": sum(
            row["category_id"] not in categories for row in results
        ),
        "annotation(s) of pictures or categories that are not listed: left out": sum(
            row["image_id"] not in images or row["category_id"] not in categories
            for row in objects
        ),
        "annotation with id 0, which COCO's judge takes for unmatched: count ids "
        "from 1": sum(row["id"] == 0 for row in objects),
        "result(s) without a mask: their boxes are measured": sum(
            iou_type == "segm" and "segmentation" not in row for row in results
        ),
    }
    return [f"{count} {what}" for what, count in counts.items() if count]
