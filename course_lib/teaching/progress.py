"""Which exercises a learner has solved, read from the notebooks in ``my/``."""

import json
import re
from pathlib import Path

from course_lib.errors import InputError

CHECK = re.compile(r"""^\s*check\(\s*["'](\d\d\.\d+)["']""", re.MULTILINE)
SAID = re.compile(r"^Exercise (\d\d\.\d+): (correct|not yet)\.", re.MULTILINE)
STATES = {"correct": "solved", "not yet": "tried", "": "new"}


def progress(folder: Path) -> dict[str, dict[str, str]]:
    """Tell for each chapter how its exercises stand.

    Args:
        folder: where the learner's notebooks are, as ``make start`` makes it.

    Returns:
        ``{"01_pixels_and_labels": {"01.1": "solved", "01.2": "tried"}}``; an exercise
        never tried is "new". What counts is the last line that the check had printed
        when the notebook was saved.

    Raises:
        InputError: for a notebook that cannot be read; names it.

    Taught in chapters/00_start_here.
    """
    chapters = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    return {path.stem: states(path) for path in chapters}


def states(path: Path) -> dict[str, str]:
    """The exercises of one notebook, in order: solved, tried or new."""
    code = [cell for cell in cells(path) if cell["cell_type"] == "code"]
    numbers = [n for cell in code for n in CHECK.findall("".join(cell["source"]))]
    said = dict(line for cell in code for line in SAID.findall(printed(cell)))
    return {number: STATES[said.get(number, "")] for number in numbers}


def cells(path: Path) -> list[dict]:
    """The cells of a notebook."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (ValueError, KeyError, TypeError):
        raise InputError(
            f"{path} is no notebook any more; save it again in JupyterLab, or move it "
            "away and run: python -m course_lib start"
        ) from None


def printed(cell: dict) -> str:
    """What a cell printed."""
    streams = [out for out in cell["outputs"] if out["output_type"] == "stream"]
    return "".join("".join(out["text"]) for out in streams)
