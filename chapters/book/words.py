"""Terms and references of a page become links to the glossary and the bibliography."""

import re
from pathlib import Path

ROW = re.compile(r"^\| (?!term |---)(.+?) \| (.+) \| (\S+) \|$", re.MULTILINE)
BIB = re.compile(r"@\w+\{([^,\s]+),\n((?:  \w+ = \{.*\},\n)+)\}")
KEY = re.compile(r"`([a-z]+(?:19|20)\d\d[a-z0-9]+)`")
BOLD = re.compile(r"\*\*([^*\n]{2,40})\*\*")
LINK = re.compile(r"\[([^\]]+)\]\((https?://[^)]+)\)")


def glossary(page: Path) -> list[tuple[list[str], str, str]]:
    """(names of a term, meaning, chapter) of every row of ``glossary.md``."""
    rows = ROW.findall(page.read_text(encoding="utf-8"))
    return [(names(term), meaning, chapter) for term, meaning, chapter in rows]


def names(term: str) -> list[str]:
    """``"BasicBlock, Bottleneck"`` and ``"average precision (AP)"`` are two each."""
    short = re.fullmatch(r"(.+) \(([^)]+)\)", term)
    found = [short[1], short[2]] if short else term.split(", ")
    return [name.strip() for name in found]


def glossary_page(rows: list[tuple[list[str], str, str]], chapters: dict) -> str:
    """The glossary as Sphinx wants it: every term has an address."""
    lines = [
        "# Glossary",
        "",
        "Terms of the course in one or two sentences, with the chapter that introduces "
        "them. Symbols and formulas are in [notation](notation.md).",
        "",
        "````{glossary}",
    ]
    for terms, meaning, number in rows:
        page = chapters.get(number)
        where = f"Chapter [{number}](../{page}.ipynb)." if page else ""
        lines += [*terms, f"  {meaning} {where}".rstrip(), ""]
    return "\n".join([*lines, "````", ""])


def link_terms(text: str, terms: dict[str, str], seen: set[str]) -> str:
    """The first bold mention of a term on a page leads to the glossary."""

    def linked(match: re.Match) -> str:
        word = match[1]
        term = terms.get(word.lower()) or terms.get(word.lower().removesuffix("s"))
        if term is None or term in seen:
            return match[0]
        seen.add(term)
        return f"**{{term}}`{word} <{term}>`**"

    return outside_code(text, lambda part: BOLD.sub(linked, part))


def bibliography(file: Path) -> dict[str, str]:
    """Title, in plain small letters, of every entry -> its key."""
    entries = BIB.findall(file.read_text(encoding="utf-8"))
    fields = ((key, dict(re.findall(r"  (\w+) = \{(.*)\},\n", rest)))
              for key, rest in entries)  # fmt: skip
    return {plain(entry["title"]): key for key, entry in fields}


def plain(title: str) -> str:
    """A title without braces, brackets, signs and capitals, to compare by."""
    title = re.sub(r"\([^)]*\)", "", title.replace("{", "").replace("}", ""))
    return re.sub(r"[^a-z0-9]+", " ", title.lower()).strip()


def key_of(title: str, keys: dict[str, str]) -> str | None:
    """The key of a title, or of the one title that goes on where it ends."""
    title = plain(title)
    longer = [key for known, key in keys.items() if known.startswith(f"{title} ")]
    return keys.get(title) or (longer[0] if len(longer) == 1 else None)


def cite_titles(text: str, keys: dict[str, str]) -> str:
    """A linked title that stands in the bibliography is followed by its citation."""

    def cited(match: re.Match) -> str:
        key = key_of(match[1], keys)
        return f"{match[0]} {{cite:p}}`{key}`" if key else match[0]

    return LINK.sub(cited, text)


def cite_keys(text: str) -> str:
    """A key in backticks becomes a citation."""
    return KEY.sub(r"{cite:p}`\1`", text)


def outside_code(text: str, change) -> str:
    """Change a text, but not what stands between backticks."""
    parts = re.split(r"(```.*?```|`[^`\n]*`)", text, flags=re.DOTALL)
    return "".join(p if p.startswith("`") else change(p) for p in parts)
