"""Make the notebooks from their text twins, or check that they agree.

    python chapters/make.py 01 02           make these chapters and solutions
    python chapters/make.py                 make all of them
    python chapters/make.py --check         make nothing; twin = notebook?
    python chapters/make.py --check --execute 01   the same bytes once more?

A twin (``text/NN_name.py``, ``solutions/text/NN_name.py``; jupytext percent) is
what authors edit. Two things are written here and not in the twins: the line of
badge and links below the title, and the set-up cell, where a code cell of the
twin says nothing but ``# setup``. The tables of README.md and chapters/README.md and
the map of the chapters, figures/map.svg, follow. See CONTRIBUTING.md.
"""

import argparse
import difflib
import hashlib
import os
import re
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import (
    CellExecutionError,
    CellTimeoutError,
    DeadKernelError,
)
from nbformat import NotebookNode

from course_lib.teaching.chapter_map import drawing
from course_lib.teaching.front_page import badge, between, by_part, short_table
from course_lib.teaching.outline import chapters as read_chapters

CHAPTERS = Path(__file__).resolve().parent
PROJECT = tomllib.loads((CHAPTERS.parent / "pyproject.toml").read_text())["project"]
REPOSITORY = PROJECT["urls"]["Repository"]
OWNER = REPOSITORY.removeprefix("https://github.com/")
README, LANDING = CHAPTERS.parent / "README.md", CHAPTERS / "README.md"
MAP = CHAPTERS / "figures" / "map.svg"
CELL_SECONDS = 120
WIDGET = "application/vnd.jupyter.widget-view+json"
METADATA = {
    "kernelspec": {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
QUIET = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
UNSET = ("COURSE_DATA", "COURSE_WORLD", "COURSE_DEVICE", "COURSE_SOURCE")

SETUP = f'''\
# Set-up, the same in every chapter: finds course_lib in this folder or above
# it; where the notebook stands alone (Colab), fetches it. It installs nothing.
import os, subprocess, sys
from pathlib import Path

here, tag = Path.cwd(), "v{PROJECT["version"]}"
source = os.environ.get("COURSE_SOURCE") or (
    "{REPOSITORY}")
found = [p for p in (here, *here.parents) if (p / "course_lib").is_dir()]
root = found[0] if found else here / f"pixels-and-boxes-{{tag}}"
fetch = ("git clone -q -c advice.detachedHead=false --depth 1 "
         f"--branch {{tag}} {{source}} {{root.name}}")
if not root.exists() and subprocess.run(fetch.split()).returncode:
    raise RuntimeError(f"the course could not be fetched; try: {{fetch}}")
sys.path.insert(0, str(root))
import course_lib.teaching
course_lib.teaching.setup(seed=0)'''


def twins(numbers: list[str] = ()) -> list[Path]:
    """The twins of these chapters (all without numbers), chapters first."""
    found = [*CHAPTERS.glob("text/*.py"), *CHAPTERS.glob("solutions/text/*.py")]
    found = sorted(found, key=lambda twin: (twin.name, len(twin.parts)))
    known = {twin.name[:2] for twin in found}
    if unknown := set(numbers) - known:
        sys.exit(f"no chapter {min(unknown)}; there are {', '.join(sorted(known))}")
    return [twin for twin in found if not numbers or twin.name[:2] in numbers]


def notebook_of(twin: Path) -> Path:
    """The notebook made from a twin."""
    return twin.parent.parent / f"{twin.stem}.ipynb"


def header(path: Path) -> str:
    """Badge and links of a notebook: the line below its title."""
    inside = path.relative_to(CHAPTERS).as_posix()
    return "  |  ".join([badge(OWNER, inside), *neighbours(path)])


def pages() -> dict[Path, str]:
    """Front page, landing page and map, as they must be for the chapters there are."""
    there = read_chapters(CHAPTERS)
    films = {path.stem for path in CHAPTERS.glob("figures/*.webp")}
    return {
        README: between(
            README.read_text(encoding="utf-8"), "chapters", short_table(there, OWNER)
        ),
        LANDING: between(
            LANDING.read_text(encoding="utf-8"),
            "chapters",
            by_part(there, films.__contains__),
        ),
        MAP: drawing(there),
    }


def neighbours(path: Path) -> list[str]:
    """Links to the chapter before and after, or from solutions to the chapter."""
    if path.parent != CHAPTERS:
        return [f"[Back to the chapter](../{path.name})"]
    stems = sorted(twin.stem for twin in CHAPTERS.glob("text/*.py"))
    here = stems.index(path.stem)
    links = []
    if here > 0:
        links.append(f"previous: [{title(stems[here - 1])}]({stems[here - 1]}.ipynb)")
    if here + 1 < len(stems):
        links.append(f"next: [{title(stems[here + 1])}]({stems[here + 1]}.ipynb)")
    return links


def title(stem: str) -> str:
    """``"01_pixels_and_labels"`` -> ``"01 pixels and labels"``."""
    return stem.replace("_", " ")


def read_twin(twin: Path) -> NotebookNode:
    """Read a twin and write in its header line and set-up cell."""
    notebook = jupytext.read(twin)
    cells = notebook.cells
    first, _, rest = cells[0].source.partition("\n")
    cells[0].source = f"{first}\n\n{header(notebook_of(twin))}\n{rest}".rstrip()
    seen = Counter()
    for cell in cells:
        if cell.cell_type == "code" and cell.source.strip() == "# setup":
            cell.source = SETUP
        seen[cell.source] += 1
        text = f"{cell.source}#{seen[cell.source]}"
        cell["id"] = hashlib.sha256(text.encode()).hexdigest()[:12]
    return tidy(notebook)


def tidy(notebook: NotebookNode) -> NotebookNode:
    """Keep what readers see; drop what changes from run to run."""
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        for output in cell.get("outputs", []):
            if "data" in output:
                output.data.pop(WIDGET, None)
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def execute(notebook: NotebookNode, folder: Path, seconds: int) -> NotebookNode:
    """Run all cells in a fresh kernel that starts in ``folder``."""
    os.environ.update(QUIET)
    for name in UNSET:
        os.environ.pop(name, None)
    client = NotebookClient(
        notebook,
        timeout=seconds,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    return tidy(notebook)


def made(twin: Path, seconds: int) -> str:
    """The text of the executed notebook of a twin; exits if a cell fails."""
    notebook = read_twin(twin)
    try:
        execute(notebook, notebook_of(twin).parent, seconds)
    except CellTimeoutError:
        sys.exit(f"{twin.stem}: {failing(notebook)}\nran longer than {seconds} s")
    except DeadKernelError:
        sys.exit(f"{twin.stem}: {failing(notebook)}\nthe kernel died (memory?)")
    except CellExecutionError as error:
        sys.exit(f"{twin.stem}: {failing(notebook)}\n{error.ename}: {error.evalue}")
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def failing(notebook: NotebookNode) -> str:
    """Name the cell that failed, or the last that was begun, with its source."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    done = [cell for cell in code if cell.execution_count is not None]
    bad = [c for c in done if any(o.output_type == "error" for o in c.outputs)]
    cell = (bad or done[-1:] or code)[0]
    indented = re.sub(r"^", "    ", cell.source, flags=re.MULTILINE)
    return f"code cell {code.index(cell) + 1} of {len(code)} failed\n{indented}"


def difference(twin: Path) -> str:
    """How twin and notebook differ, in a few lines; empty when they agree."""
    path = notebook_of(twin)
    if not path.exists():
        return f"{path.name} has not been made yet"
    wanted, found = read_twin(twin), nbformat.read(path, 4)
    lines = difflib.unified_diff(as_lines(found), as_lines(wanted), lineterm="", n=0)
    return "\n".join(list(lines)[2:14])


def as_lines(notebook: NotebookNode) -> list[str]:
    """Type, tags and source of all cells, as lines to compare."""
    lines = []
    for cell in notebook.cells:
        tags = " ".join(cell.metadata.get("tags", []))
        lines += [f"[{cell.cell_type} {cell.get('id')} {tags}]"]
        lines += cell.source.split("\n")
    return lines


def check(twin: Path, again: bool, seconds: int) -> bool:
    """Compare a twin with its notebook; tell what differs."""
    problem = difference(twin)
    if not problem and again:
        if made(twin, seconds) != notebook_of(twin).read_text(encoding="utf-8"):
            problem = "made again, it came out differently"
    if problem:
        where = twin.relative_to(CHAPTERS).as_posix()
        print(f"{where} and its notebook differ:\n{problem}", file=sys.stderr)
    return not problem


def main() -> None:
    """Make or check the chapters that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("numbers", nargs="*", help="chapters, such as 01 02")
    parser.add_argument("--check", action="store_true", help="make nothing")
    parser.add_argument("--execute", action="store_true", help="with --check: run")
    parser.add_argument("--timeout", type=int, default=CELL_SECONDS, metavar="S")
    args = parser.parse_args()
    chosen = twins(args.numbers)
    if args.check:
        results = [check(twin, args.execute, args.timeout) for twin in chosen]
        for path, text in pages().items():
            if not path.exists() or text != path.read_text(encoding="utf-8"):
                results.append(False)
                print(f"{path.name} is behind the chapters", file=sys.stderr)
        sys.exit(0 if all(results) else "run: python chapters/make.py")
    for twin in chosen:
        start = time.perf_counter()
        path = notebook_of(twin)
        path.write_text(made(twin, args.timeout), encoding="utf-8", newline="\n")
        print(f"{path.relative_to(CHAPTERS)}: {time.perf_counter() - start:.0f} s")
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
