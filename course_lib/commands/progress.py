"""``progress``: which exercises are solved in ``my/``."""

import argparse
import json
from pathlib import Path

from course_lib.errors import InputError
from course_lib.paths import LIBRARY

MARKS = {"solved": "#", "tried": "~", "new": "."}
LEGEND = "# solved   ~ tried, not yet right   . not tried"


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "progress", help="show which exercises you have solved in my/"
    )
    parser.add_argument("--folder", type=Path, default=LIBRARY.parent / "my")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> None:
    """Print a line for each chapter, and what to do next."""
    from course_lib.teaching.progress import progress

    chapters = progress(args.folder)
    if not chapters:
        raise InputError(
            f"{args.folder} holds no chapters yet; run: python -m course_lib start"
        )
    print(json.dumps(chapters, indent=1) if args.json else page(chapters))


def page(chapters: dict[str, dict[str, str]]) -> str:
    """The whole page: a line a chapter, the sum, the first exercise that is open."""
    lines = [line(name, states) for name, states in chapters.items()]
    every = [item for states in chapters.values() for item in states.items()]
    done = sum(state == "solved" for _, state in every)
    lines += ["", LEGEND, f"{done} of {len(every)} exercises solved."]
    if done < len(every):
        number = next(number for number, state in every if state != "solved")
        lines[-1] += f" Next: exercise {number}."
    return "\n".join(lines)


def line(name: str, states: dict[str, str]) -> str:
    """One chapter, such as ``01 pixels and labels   #~.   1 of 3   tried: 01.2``."""
    marks = "".join(MARKS[state] for state in states.values())
    solved = sum(state == "solved" for state in states.values())
    tried = [number for number, state in states.items() if state == "tried"]
    text = f"{name.replace('_', ' '):34}{marks:8}{solved} of {len(states)}"
    return f"{text}   tried: {', '.join(tried)}" if tried else text
