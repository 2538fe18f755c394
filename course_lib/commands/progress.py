"""``progress``: which exercises are solved in ``my/``."""

import argparse
from pathlib import Path

from course_lib.errors import InputError
from course_lib.paths import LIBRARY


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "progress", help="show which exercises you have solved in my/"
    )
    parser.add_argument("--folder", type=Path, default=LIBRARY.parent / "my")


def run(args: argparse.Namespace) -> None:
    """Print a line for each chapter."""
    from course_lib.teaching.progress import progress

    chapters = progress(args.folder)
    if not chapters:
        raise InputError(
            f"{args.folder} holds no chapters yet; run: python -m course_lib start"
        )
    for name, exercises in chapters.items():
        marks = " ".join(f"{n}{'+' if ok else '-'}" for n, ok in exercises.items())
        print(f"{name:32} {sum(exercises.values())} of {len(exercises)}   {marks}")
