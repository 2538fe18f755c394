"""The built book against what it is made from; no browser is needed for these."""

import ast
import functools
import json
import re
from urllib.parse import unquote, urlsplit

import pytest
from built import (
    BOOK,
    CHAPTERS,
    LESSONS,
    ROOT,
    SOLUTIONS,
    cells,
    descriptions,
    page_of,
    pages,
    soup,
    text_of,
)

pytest.importorskip("playwright", reason="no Playwright here: make test-browser")
pytestmark = pytest.mark.skipif(not BOOK.is_dir(), reason="not built: make book")

notebooks = pytest.mark.parametrize("notebook", LESSONS + SOLUTIONS, ids=page_of)
every_page = pytest.mark.parametrize("address", pages())
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
FORMULA = re.compile(r"(?<!\\)\$\$.+?\$\$|(?<![\\$])\$[^$]+?\$", re.DOTALL)
LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src"}


@functools.cache
def anchors(page):
    """All ids of a page."""
    return {element["id"] for element in soup(page).select("[id]")}


@notebooks
def test_figures_keep_their_alt_texts(notebook):
    figures = soup(page_of(notebook)).select("article .cell_output img")
    assert [figure["alt"] for figure in figures] == descriptions(notebook)
    for figure in soup(page_of(notebook)).select("article img"):
        assert len(figure.get("alt", "")) >= 8


@notebooks
def test_every_formula_is_mathml(notebook):
    prose = [text_of(c) for c in cells(notebook) if c["cell_type"] == "markdown"]
    written = [f for text in prose for f in FORMULA.findall(CODE.sub("", text))]
    article = soup(page_of(notebook)).select_one("article")
    assert len(article.select("math")) == len(written)
    assert not article.select("merror, span.problematic")


@every_page
def test_links_inside_the_book_lead_to_something(address):
    for link in soup(address).select("a[href]"):
        target = urlsplit(link["href"])
        if not target.scheme:
            there = (BOOK / address).parent / unquote(target.path)
            there = there.resolve() if target.path else BOOK / address
            assert there.exists(), link
            if target.fragment and there.suffix == ".html":
                inside = there.relative_to(BOOK).as_posix()
                assert unquote(target.fragment) in anchors(inside), link


@every_page
def test_nothing_is_loaded_from_elsewhere(address):
    for tag, name in LOADED.items():
        for element in soup(address).select(f"{tag}[{name}]"):
            assert not urlsplit(element[name]).netloc, element


@notebooks
def test_the_launch_button_leads_to_this_notebook_on_colab(notebook):
    inside = notebook.relative_to(ROOT).as_posix()
    host = "https://colab.research.google.com/github/"
    found = [a["href"] for a in soup(page_of(notebook)).select(f'a[href^="{host}"]')]
    assert found and all(a.endswith(f"/blob/main/{inside}") for a in found), found


def test_terms_and_papers_are_linked():
    for notebook in LESSONS[1:]:
        links = [a["href"] for a in soup(page_of(notebook)).select("article a[href]")]
        assert any("glossary.html#term-" in link for link in links), notebook.name
        assert any("bibliography.html#" in link for link in links), notebook.name


def test_the_contents_list_the_chapters_by_part():
    menu = soup("index.html").select_one("nav.bd-docs-nav")
    parts = [caption.get_text() for caption in menu.select("p.caption")]
    assert parts[:3] == ["Start", "Segmentation", "Detection"]
    links = [link["href"] for link in menu.select("a[href]")]
    chapters = [link for link in links if re.match(r"\d\d_", link)]
    assert chapters == [page_of(lesson) for lesson in LESSONS]


def test_previous_and_next_go_through_all_chapters():
    way, address = [], "index.html"
    while len(way) < len(LESSONS):
        step = soup(address).select_one("a.right-next")["href"]
        assert soup(step).select_one("a.left-prev")["href"] == address
        way, address = [*way, step], step
    assert way == [page_of(lesson) for lesson in LESSONS]


def test_every_card_is_in_a_table():
    rows = soup("results.html").select("article table tbody tr")
    listed = [row.select_one("td").get_text() for row in rows]
    cards = (CHAPTERS / "results").glob("*.json")
    names = [json.loads(card.read_text(encoding="utf-8"))["name"] for card in cards]
    assert sorted(listed) == sorted(names)


def test_the_reference_lists_every_public_name():
    listed = {
        entry["id"]
        for page in pages()
        if page.startswith("reference/")
        for entry in soup(page).select("dt[id]")
    }
    missing = [name for name in public_names() if name not in listed]
    assert missing == []


def public_names():
    """Dotted names of all functions and classes that a module offers."""
    for file in sorted((ROOT / "course_lib").rglob("*.py")):
        inside = file.relative_to(ROOT).with_suffix("")
        parts = [part for part in inside.parts if part != "__init__"]
        if not any(part.startswith("_") for part in parts):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                kinds = ast.FunctionDef | ast.ClassDef
                if isinstance(node, kinds) and not node.name.startswith("_"):
                    yield ".".join([*parts, node.name])
