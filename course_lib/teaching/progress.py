"""Which exercises a learner has solved, read from the notebooks in ``my/``."""

import json
import re
from pathlib import Path

CHECK = re.compile(r"""^\s*check\(\s*["'](\d\d\.\d+)["']""", re.MULTILINE)
CORRECT = re.compile(r"^Exercise (\d\d\.\d+): correct\.$", re.MULTILINE)


def progress(folder: Path) -> dict[str, dict[str, bool]]:
    """Tell for each chapter which of its exercises are solved.

    Args:
        folder: where the learner's notebooks are, as ``make start`` makes it.

    Returns:
        ``{"01_pixels_and_labels": {"01.1": True, "01.2": False}}``. An exercise is
        solved when the saved notebook shows "Exercise 01.1: correct."

    Taught in chapters/00_start_here.
    """
    chapters = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    return {path.stem: solved(path) for path in chapters}


def solved(path: Path) -> dict[str, bool]:
    """The exercises of one notebook, in order, and whether each is solved."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    numbers = [n for cell in code for n in CHECK.findall("".join(cell["source"]))]
    correct = {n for cell in code for n in CORRECT.findall(printed(cell))}
    return {number: number in correct for number in numbers}


def printed(cell: dict) -> str:
    """What a cell printed."""
    streams = [out for out in cell["outputs"] if out["output_type"] == "stream"]
    return "".join("".join(out["text"]) for out in streams)
