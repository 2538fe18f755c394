"""``convert``: a folder of annotated pictures from one format to another."""

import argparse
from pathlib import Path

FORMATS = ("voc", "coco", "yolo", "labelme", "crowdhuman", "odgt", "pairs")


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "convert", help="annotations of one format into another"
    )
    add = parser.add_argument
    how = {"choices": FORMATS, "required": True, "metavar": "FORMAT"}
    add("--from", dest="source_format", help=", ".join(FORMATS), **how)
    add("--to", dest="target_format", help="one of the same", **how)
    add("source", type=Path, metavar="IN", help="a folder, or the file that tells all")
    add("target", type=Path, metavar="OUT", help="a folder that is not there yet")
    add("--names", help="class table such as voc, or a file with a name a line")
    add("--fill", metavar="NAME", help="class of unlabelled pixels; otherwise void")
    add("--images", type=Path, help="folder of the pictures, if not where expected")
    add("--pictures", default="link", metavar="WAY", help="link, copy or none")
    add("--first-pixel", type=int, choices=(0, 1), default=1,
        help="of voc: 0 for XML whose corners begin at 0, as labelme's")  # fmt: skip
    add("--box", default="fbox", help="of crowdhuman: fbox, vbox or hbox")
    add("--skip-faulty", action="store_true", help="leave faulty objects out")


def run(args: argparse.Namespace) -> None:
    """Convert, and say what was written, left out and lost."""
    from course_lib.data.formats.convert import convert

    report = convert(
        args.source,
        args.source_format,
        args.target,
        args.target_format,
        names=_names(args.names) if args.names else None,
        fill=args.fill,
        pictures=args.pictures,
        skip_faulty=args.skip_faulty,
        images=args.images,
        first_pixel=args.first_pixel,
        box=args.box,
    )
    splits = ", ".join(
        f"{count} in {split}" for split, count in report.pictures.items()
    )
    print(f"{args.target} holds pictures: {splits}")
    for title, counts in (
        ("objects", report.objects),
        ("left out", report.left_out),
        ("lost", report.lost),
    ):
        if counts:
            told = ", ".join(f"{n} {name}" for name, n in counts.most_common())
            print(f"  {title}: {told}")
    for sentence in report.faults:
        print(f"  left out: {sentence}")


def _names(told: str) -> tuple[str, ...]:
    """The names in a file, or those of a class table."""
    if Path(told).is_file():
        from course_lib.data.formats.folders import read_names

        return read_names(Path(told))
    from course_lib.data.classes import class_table

    return class_table(told).names
