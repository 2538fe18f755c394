"""Load chapters/make.py, and list the notebooks, for the tests about chapters."""

import ast
import importlib.util
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "chapters"


def load_make():
    """chapters/make.py as a module (it is no part of a package)."""
    spec = importlib.util.spec_from_file_location("make", CHAPTERS / "make.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["make"] = module
    spec.loader.exec_module(module)
    return module


make = load_make()
LESSONS = sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb"))
SOLUTIONS = sorted(CHAPTERS.glob("solutions/[0-9][0-9]_*.ipynb"))
NOTEBOOKS = LESSONS + SOLUTIONS


def name(path: Path) -> str:
    """Name of a notebook inside chapters/, for the ids of tests."""
    return path.relative_to(CHAPTERS).as_posix()


def read(path: Path) -> nbformat.NotebookNode:
    """A notebook."""
    return nbformat.read(path, 4)


def sources(path: Path, kind: str) -> list[str]:
    """Sources of the cells of one kind, ``"code"`` or ``"markdown"``."""
    return [c.source for c in read(path).cells if c.cell_type == kind]


def prose(path: Path) -> str:
    """All Markdown of a notebook."""
    return "\n\n".join(sources(path, "markdown"))


def headings(path: Path) -> list[str]:
    """Lines that begin with # or ##, in order."""
    lines = prose(path).split("\n")
    return [line.strip() for line in lines if line.startswith(("# ", "## "))]


def section(path: Path, heading: str) -> str:
    """Markdown below a heading, up to the next of the same or a higher level."""
    kept, inside = [], False
    for line in prose(path).split("\n"):
        if line.startswith(("# ", "## ")):
            inside = line.strip() == heading
        elif inside:
            kept.append(line)
    return "\n".join(kept)


def calls(path: Path, function: str) -> list[ast.Call]:
    """Calls of a function, by its plain or last name, in all code cells."""
    found = []
    for source in sources(path, "code"):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and function == called(node):
                found.append(node)
    return found


def called(node: ast.Call) -> str:
    """Name of what a call calls: ``show`` of ``show(...)`` and ``x.show(...)``."""
    return getattr(node.func, "id", getattr(node.func, "attr", ""))
