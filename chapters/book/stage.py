"""Lay the pages of the web book out for Sphinx: ``python stage.py FOLDER``.

Nothing is executed and nothing fetched. Chapters and solutions come from the committed
notebooks, literature from its Markdown, results from the kept cards; the reference of
``course_lib`` is read from its docstrings by Sphinx itself (``conf.py``).
"""

import shutil
import sys
import tomllib
from pathlib import Path

import nets
import notebooks
import reference
import results
import words

BOOK = Path(__file__).resolve().parent
ROOT = BOOK.parent.parent
CHAPTERS, LITERATURE = ROOT / "chapters", ROOT / "literature"
PARTS = {  # title of a part -> its first and last chapter
    "Start": (0, 1),
    "Segmentation": (2, 11),
    "Detection": (12, 16),
    "Out into the world": (17, 21),
}


def stage(target: Path) -> None:
    """Write all pages into a folder, anew."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    repository = project["urls"]["Repository"]
    lessons = sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb"))
    rows = words.glossary(LITERATURE / "glossary.md")
    terms = {name.lower(): name for names, _, _ in rows for name in names}
    keys = words.bibliography(LITERATURE / "references.bib")
    links = notebooks.Links(ROOT, repository, terms, keys)
    for notebook in [*lessons, *sorted(CHAPTERS.glob("solutions/*.ipynb"))]:
        notebooks.page_of(notebook, target / notebooks.place(notebook, ROOT), links)
    literature(target, links, words.glossary_page(rows, numbered(lessons)))
    front = CHAPTERS / "README.md"
    write(target / "index.md", links.lead(index(front, lessons), front))
    guide = ROOT / "CONTRIBUTING.md"
    write(target / "contributing.md", links.lead(guide.read_text("utf-8"), guide))
    write(target / "results.md", results.results_page(CHAPTERS / "results", repository))
    reference.reference_pages(ROOT, target / "reference")
    shutil.copytree(BOOK / "static", target / "static")
    code = shutil.ignore_patterns("*.py", "__pycache__")
    shutil.copytree(CHAPTERS / "figures", target / "figures", ignore=code)
    nets.lay_nets(target)
    shutil.copy(BOOK / "conf.py", target)


def literature(target: Path, links: notebooks.Links, glossary: str) -> None:
    """Reading list, notes, notation, glossary and bibliography."""
    for page in sorted(LITERATURE.rglob("*.md")):
        text = words.cite_keys(links.lead(page.read_text("utf-8"), page))
        write(target / notebooks.place(page, ROOT), text)
    write(target / "literature" / "glossary.md", glossary)
    everything = "# Bibliography\n\n```{bibliography}\n:all:\n```\n"
    write(target / "literature" / "bibliography.md", everything)
    shutil.copy(LITERATURE / "references.bib", target / "literature")


def numbered(lessons: list[Path]) -> dict[str, str]:
    """``{"01": "01_pixels_and_labels"}``."""
    return {lesson.stem[:2]: lesson.stem for lesson in lessons}


def index(front: Path, lessons: list[Path]) -> str:
    """The first page, and the table of contents by part."""
    parts = []
    for title, (first, last) in PARTS.items():
        pages = [p.stem for p in lessons if first <= int(p.stem[:2]) <= last]
        if pages:
            parts.append(contents(title, pages))
    notes = [f"literature/notes/{p.stem}" for p in LITERATURE.glob("notes/*.md")]
    answers = [f"solutions/{lesson.stem}" for lesson in lessons]
    parts += [
        contents("Try", ["nets"]),
        contents("Look up", ["results", "literature/reading_list",
                             "literature/glossary", "literature/notation",
                             "literature/bibliography", "reference/index",
                             "contributing"]),
        contents("Solutions", answers, deep=False),
        contents("Notes on papers", sorted(notes), deep=False),
    ]  # fmt: skip
    return "\n\n".join([front.read_text("utf-8"), *parts])


def contents(title: str, pages: list[str], deep: bool = True) -> str:
    """One part of the table of contents."""
    head = ["```{toctree}", ":hidden:", f":caption: {title}", ":maxdepth: 1", ""]
    return "\n".join([*head, *pages, "```"])


def write(path: Path, text: str) -> None:
    """Write a page, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    stage(Path(sys.argv[1]))
