"""``shards``: write a data set as records, and check them."""

import argparse
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Describe the command and its two actions."""
    parser = subparsers.add_parser("shards", help="write or check records (tar shards)")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    write = actions.add_parser("write", help="a split of a data set as shards")
    write.add_argument("--dataset", required=True, help="camvid, voc, harbour, ...")
    write.add_argument("--data", type=Path, help="its folder")
    write.add_argument("--split", default="train")
    write.add_argument("--task", help="segmentation or detection, of sets with both")
    write.add_argument("--to", type=Path, required=True, metavar="FOLDER")
    write.add_argument(
        "--kind", default="file", help="of pictures: file (as they are), png or npy"
    )
    write.add_argument("--samples", type=int, default=1000, help="of a shard, at most")
    write.add_argument("--megabytes", type=float, default=100, help="of a shard, about")
    write.add_argument("--count", type=int, help="pictures of the harbour")
    write.add_argument("--dial", action="append", default=[], metavar="NAME=VALUE")
    check = actions.add_parser("check", help="read all; damaged shards are named")
    check.add_argument("folder", type=Path)


def run(args: argparse.Namespace) -> None:
    """Do the action."""
    from course_lib.data.records.check import check_records

    folder = args.folder if args.action == "check" else _write(args)
    for part in _parts(folder):
        print(f"{part} holds {check_records(part)}")


def _write(args: argparse.Namespace) -> Path:
    from course_lib.data.opening import open_dataset, read_dials
    from course_lib.data.records.write import write_shards

    options = read_dials(args.dial)
    given = {"count": args.count, "task": args.task}
    options |= {name: value for name, value in given.items() if value is not None}
    dataset = open_dataset(args.dataset, args.split, args.data, **options)
    folder = args.to / args.split
    return write_shards(
        dataset, folder, args.kind, samples=args.samples, megabytes=args.megabytes
    )


def _parts(folder: Path) -> list[Path]:
    """The folder itself, or its splits."""
    from course_lib.data.records.index import ABOUT

    return sorted(path.parent for path in folder.glob(f"*/{ABOUT}")) or [folder]
