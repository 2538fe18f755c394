"""The literature room: references that parse, keys that exist, terms in order."""

import re
from pathlib import Path

import pytest

ROOM = Path(__file__).resolve().parent.parent / "literature"
PAGES = sorted(ROOM.rglob("*.md"))
KEY = re.compile(r"`([a-z]+(?:19|20)\d\d[a-z0-9]+)`")
ENTRY = re.compile(r"@(\w+)\{([^,\s]+),\n((?:  \w+ = \{.*\},\n)+)\}\n")


def bibliography() -> dict[str, dict[str, str]]:
    text = (ROOM / "references.bib").read_text(encoding="utf-8")
    entries = {key: dict(re.findall(r"  (\w+) = \{(.*)\},\n", fields))
               for _, key, fields in ENTRY.findall(text)}
    assert len(entries) == text.count("\n@"), "an entry does not parse, or comes twice"
    return entries


def test_every_entry_has_what_a_reference_needs():
    for key, entry in bibliography().items():
        assert {"author", "title", "year"} <= set(entry), key
        assert "journal" in entry or "booktitle" in entry, key
        for field, value in entry.items():
            assert value.count("{") == value.count("}"), f"{key}: {field}"
            assert "&" not in value.replace(r"\&", ""), f"{key}: {field}"
        for author in entry["author"].split(" and "):
            assert author == "others" or "," in author, f"{key}: {author}"


def test_keys_are_author_year_word():
    for key, entry in bibliography().items():
        first = re.sub(r"[^a-z]", "", entry["author"].split(",")[0].lower())
        author, year = re.fullmatch(r"([a-z]+)(\d{4})[a-z0-9]+", key).groups()
        assert (author, year) == (first, entry["year"]), key


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_cited_key_exists(page):
    cited = set(KEY.findall(page.read_text(encoding="utf-8")))
    assert cited <= set(bibliography())


def test_the_reading_list_has_every_paper_once_with_its_year():
    readme = (ROOM / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"\| (\d{4}) \| .+ \| `(\w+)` \|\n", readme + "\n")
    entries = bibliography()
    assert sorted(key for _, key in rows) == sorted(entries)
    assert all(entries[key]["year"] == year for year, key in rows)


def test_every_note_is_named_in_the_readme_and_says_what_our_curve_says():
    readme = (ROOM / "README.md").read_text(encoding="utf-8")
    for note in (ROOM / "notes").glob("*.md"):
        assert f"(notes/{note.name})" in readme
        text = note.read_text(encoding="utf-8")
        assert "\n## What our failure curve says\n" in text and KEY.search(text)


def test_the_glossary_is_in_order_and_each_term_has_its_chapter():
    text = (ROOM / "glossary.md").read_text(encoding="utf-8")
    rows = [row.strip("| ").split(" | ") for row in text.splitlines()
            if row.startswith("| ")][2:]
    terms = [row[0] for row in rows]
    assert len(terms) >= 30
    assert terms == sorted(set(terms), key=str.casefold)
    for term, meaning, chapter in rows:
        assert meaning.endswith(".") and re.fullmatch(r"\d\d", chapter), term


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_resolve(page):
    links = re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8"))
    for link in links:
        assert link.startswith("https://") or (page.parent / link).exists(), link
