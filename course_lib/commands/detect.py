"""``detect``: boxes in your own pictures, by a Darknet net."""

import argparse
import json
import sys
from pathlib import Path

from course_lib.errors import InputError


def add_parser(subparsers) -> None:
    """Describe ``python -m course_lib detect``."""
    parser = subparsers.add_parser(
        "detect",
        help="find things in your own pictures with a Darknet net",
        description="Writes for every picture boxes (xyxy in its pixels, origin top "
        "left), labels, class_ids (lines of the names file, from 0) and scores. COCO "
        "results have xywh boxes, as image_id the number in the file's name "
        "(000000000009.jpg is 9) or, where one has no number, its place from 1 on, and "
        "as category_id COCO's own for the 80 names of coco.names, else the line of "
        "the names file counted from 1.",
    )
    add = parser.add_argument
    add("pictures", nargs="+", type=Path, help="pictures or folders")
    add("--cfg", required=True, type=Path, help="the net")
    add("--weights", required=True, type=Path, help="its weights")
    add("--names", required=True, type=Path, help="names of its classes, one a line")
    add("--size", type=int, metavar="PX", help="side of the input; default: the cfg's")
    add("--threshold", type=float, default=0.5, help="least score; default 0.5")
    add("--nms", type=float, default=0.45, metavar="IOU",
        help="largest overlap of two boxes of one class; default 0.45")  # fmt: skip
    add("--resize", choices=("letterbox", "stretch"), default="letterbox",
        help="keep the shape of things, with grey bars, or not")  # fmt: skip
    add("--clip", action="store_true", help="cut boxes off at the picture's border")
    add("--json", type=Path, metavar="OUT.json", help="write what was found")
    add("--format", choices=("json", "coco"), default="json", help="of --json")
    add("--output", type=Path, metavar="DIR", help="write pictures with boxes")
    add("--sha256", help="what the weights file must hash to")
    add("--device", default="auto", help="cpu, cuda, mps or auto")
    add("--threads", type=int, help="processor threads; default: all")


def run(args: argparse.Namespace) -> int:
    """Detect in every picture; one that cannot be read is told and skipped.

    Returns:
        0, or 1 when some picture was skipped.
    """
    from tqdm import tqdm

    from course_lib.commands.predict import find_pictures, named
    from course_lib.training.device import use_threads

    use_threads(args.threads)
    detector, names, device = open_detector(args)
    _check_places(args)
    files, faults = find_pictures(args.pictures)
    found = []
    for name, file in tqdm(named(files), disable=None):
        try:
            found.append(detect(detector, names, file, device, args.clip))
        except InputError as error:
            faults.append(str(error))
            continue
        if args.output:
            draw(found[-1], file, args.output / f"{name}_boxes.png")
    write(args, found, names)
    print(*map(_line, found), sep="\n", end="\n" if found else "")
    print(*faults, sep="\n", end="\n" if faults else "", file=sys.stderr)
    return 1 if faults else 0


def open_detector(args: argparse.Namespace) -> tuple:
    """The detector, the names of its classes, and the device it is on."""
    from course_lib.detection.darknet.detector import load_detector
    from course_lib.detection.darknet.names import read_names
    from course_lib.training.device import pick_device

    device = pick_device(args.device)
    detector = load_detector(
        args.cfg,
        args.weights,
        sha256=args.sha256,
        size=args.size,
        resize=args.resize,
        score_threshold=args.threshold,
        nms_threshold=args.nms,
    )
    count = max(head.num_classes for head in detector.net.heads)
    return detector.to(device), read_names(args.names, count), device


def detect(detector, names: list[str], file: Path, device="cpu", clip=False) -> dict:
    """What is found in one picture, as plain data.

    Returns:
        ``file``, ``width``, ``height``, and for each box, the best first, ``boxes``
        (xyxy in pixels), ``labels`` (names), ``class_ids`` (from 0), ``scores``.

    Raises:
        InputError: for a file that is no picture.

    Taught in chapters/14_yolov3_darknet.
    """
    import torch
    from torchvision.ops import clip_boxes_to_image

    from course_lib.data.images import read_image

    image = read_image(file).as_subclass(torch.Tensor)
    with torch.inference_mode():
        (found,) = detector([image.to(device).float() / 255])
    height, width = image.shape[-2:]
    boxes, ids = found["boxes"].cpu(), (found["labels"] - 1).tolist()
    boxes = clip_boxes_to_image(boxes, (height, width)) if clip else boxes
    return {
        "file": str(file),
        "width": width,
        "height": height,
        "boxes": [[round(x, 2) for x in box] for box in boxes.tolist()],
        "labels": [names[i] for i in ids],
        "class_ids": ids,
        "scores": [round(score, 5) for score in found["scores"].tolist()],
    }


def coco_results(found: list[dict], names: list[str]) -> list[dict]:
    """Pictures' boxes as COCO results; see the command's help for the ids."""
    from course_lib.detection.darknet.names import category_ids

    stems, ids = [Path(each["file"]).stem for each in found], category_ids(names)
    numbers = [int(s) for s in stems if s.isascii() and s.isdigit()]
    if len(set(numbers)) != len(found):
        numbers = range(1, len(found) + 1)
    return [
        {
            "image_id": number,
            "category_id": ids[class_id],
            "bbox": [x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)],
            "score": score,
        }
        for number, each in zip(numbers, found, strict=True)
        for class_id, (x1, y1, x2, y2), score in zip(
            each["class_ids"], each["boxes"], each["scores"], strict=True
        )
    ]


def write(args: argparse.Namespace, found: list[dict], names: list[str]) -> None:
    """Write ``--json``, whole or not at all."""
    from course_lib.whole import write_whole

    if args.json:
        rows = coco_results(found, names) if args.format == "coco" else found
        write_whole(args.json, (json.dumps(rows, indent=1) + "\n").encode())


def draw(found: dict, file: Path, out: Path) -> None:
    """Write the picture with its boxes, names and scores."""
    import torch
    from matplotlib import font_manager
    from torchvision.ops import clip_boxes_to_image
    from torchvision.transforms.v2.functional import to_pil_image
    from torchvision.utils import draw_bounding_boxes

    from course_lib.data.images import read_image
    from course_lib.whole import whole_file

    image = read_image(file).as_subclass(torch.Tensor)
    boxes = torch.tensor(found["boxes"]).reshape(-1, 4)
    if len(boxes):
        pairs = zip(found["labels"], found["scores"], strict=True)
        longest = max(image.shape[-2:])
        image = draw_bounding_boxes(
            image,
            clip_boxes_to_image(boxes, tuple(image.shape[-2:])),
            [f" {name} {score:.2f}" for name, score in pairs],
            [_colour(i) for i in found["class_ids"]],
            width=max(2, longest // 250),
            font=font_manager.findfont("DejaVu Sans"),
            font_size=max(10, longest // 40),
        )
    with whole_file(out) as partial:
        to_pil_image(image).save(partial, "PNG")


def _colour(class_id: int) -> tuple[int, int, int]:
    """A strong colour; neighbouring classes lie far apart on the circle of hues."""
    import colorsys

    red, green, blue = colorsys.hsv_to_rgb(class_id * 0.618 % 1, 0.85, 0.95)
    return round(255 * red), round(255 * green), round(255 * blue)


def _line(found: dict) -> str:
    pairs = zip(found["labels"], found["scores"], strict=True)
    things = ", ".join(f"{name} {score:.2f}" for name, score in pairs)
    return f"{found['file']}: {things or 'nothing found'}"


def _check_places(args: argparse.Namespace) -> None:
    """Refuse an --output or --json that cannot be written, before any work."""
    if args.json and args.json.is_dir():
        raise InputError(f"--json {args.json} is a folder; name a file")
    for folder in filter(None, (args.output, args.json and args.json.parent)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"cannot write to {folder}: {error.strerror}; name another place"
            ) from None
