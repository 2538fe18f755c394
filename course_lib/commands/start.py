"""``start``: copy the chapters into ``my/``, where learners work."""

import argparse
import hashlib
import json
import re
from pathlib import Path

from course_lib.errors import InputError
from course_lib.paths import LIBRARY

RECORD = ".copied.json"  # what each file in my/ was when it was copied


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "start", help="copy the chapters into my/; keeps what you have changed"
    )
    parser.add_argument("--into", type=Path, default=LIBRARY.parent / "my")


def run(args: argparse.Namespace) -> None:
    """Copy, and tell what was copied and what was kept."""
    copied, kept = copy_chapters(LIBRARY.parent / "chapters", args.into)
    print(f"{args.into.name}/ holds your copy of the chapters: {len(copied)} copied.")
    for name in kept:
        print(f"Kept your {name}; move it away to get the course's newer one.")


def copy_chapters(chapters: Path, into: Path) -> tuple[list[str], list[str]]:
    """Copy every chapter that is new or that the learner has not changed.

    Returns:
        Names of the notebooks copied, and of those left alone though the
        course's own has changed since.
    """
    sources = sorted(chapters.glob("[0-9][0-9]_*.ipynb"))
    if not sources:
        raise InputError(f"{chapters} holds no chapters; work in a clone of the course")
    into.mkdir(parents=True, exist_ok=True)
    record = read_record(into)
    copied, kept = [], []
    for source in sources:
        text, target = for_a_copy(read(source)), into / source.name
        untouched = target.exists() and digest(read(target)) == record.get(source.name)
        if not target.exists() or (untouched and read(target) != text):
            target.write_text(text, encoding="utf-8", newline="\n")
            record[source.name] = digest(text)
            copied.append(source.name)
        elif not untouched and record.get(source.name) != digest(text):
            kept.append(source.name)
    (into / RECORD).write_text(json.dumps(record, indent=1))
    return copied, kept


def for_a_copy(notebook: str) -> str:
    """Let links to folders of ``chapters/`` lead there from ``my/``."""
    return re.sub(
        r"\]\((solutions|results|text|figures)/", r"](../chapters/\1/", notebook
    )


def read_record(into: Path) -> dict[str, str]:
    """Digests of the copies as they were made; empty before the first."""
    path = into / RECORD
    return json.loads(path.read_text()) if path.exists() else {}


def read(path: Path) -> str:
    """Text of a file."""
    return path.read_text(encoding="utf-8")


def digest(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()
