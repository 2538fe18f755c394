"""The built book as files: its pages, and what the notebooks behind them hold."""

import functools
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = ROOT / "chapters"
BOOK = CHAPTERS / "book" / "_build" / "html"
LESSONS = sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb"))
SOLUTIONS = sorted(CHAPTERS.glob("solutions/*.ipynb"))
KINDS = ("image/png", "image/jpeg")


def pages() -> list[str]:
    """Addresses of all pages of the book, in it; none before it is built."""
    found = (path.relative_to(BOOK) for path in BOOK.rglob("*.html"))
    return sorted(page.as_posix() for page in found if page.parts[0] != "_static")


def page_of(notebook: Path) -> str:
    """Address of the page of a notebook."""
    return notebook.relative_to(CHAPTERS).with_suffix(".html").as_posix()


@functools.cache
def soup(page: str):
    """A page, parsed."""
    from bs4 import BeautifulSoup

    return BeautifulSoup((BOOK / page).read_text(encoding="utf-8"), "html.parser")


@functools.cache
def cells(notebook: Path) -> list[dict]:
    """The cells of a notebook."""
    return json.loads(notebook.read_text(encoding="utf-8"))["cells"]


def text_of(cell: dict) -> str:
    """The source of a cell."""
    return "".join(cell["source"])


def descriptions(notebook: Path) -> list[str]:
    """Alt texts of the figures of a notebook, in order."""
    outputs = (output for cell in cells(notebook) for output in cell.get("outputs", []))
    kinds = ((output, kind) for output in outputs for kind in KINDS)
    return [o["metadata"][k]["alt"] for o, k in kinds if k in o.get("data", {})]
