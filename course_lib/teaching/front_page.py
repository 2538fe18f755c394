"""The table of chapters on the front page, read from the text twins."""

import re
from pathlib import Path

BEGIN, END = "<!-- chapters -->", "<!-- /chapters -->"
HEAD = "| chapter | you will be able to | minutes | |\n|---|---|---|---|\n"


def with_table(page: str, chapters: Path, owner: str) -> str:
    """The page with the table of the chapters that exist between its two marks.

    Args:
        page: Markdown of the front page.
        chapters: the folder ``chapters``; its twins are read.
        owner: "OWNER/NAME" of the repository, for the badges.
    """
    rows = [row(twin, owner) for twin in sorted(chapters.glob("text/*.py"))]
    above, _, rest = page.partition(BEGIN)
    below = rest.partition(END)[2]
    return f"{above}{BEGIN}\n{HEAD}{''.join(rows)}{END}{below}"


def row(twin: Path, owner: str) -> str:
    """One row: title with link, objectives, minutes, badge."""
    words = prose(twin)
    title = re.search(r"^# (.*)$", words, re.MULTILINE)[1]
    minutes = re.search(r"(\d+(?:-\d+)?) minutes", words)
    goals = "; ".join(objectives(words))
    time = minutes[1] if minutes else ""
    link, colab = f"chapters/{twin.stem}.ipynb", badge(owner, f"{twin.stem}.ipynb")
    return f"| [{title}]({link}) | {goals} | {time} | {colab} |\n"


def badge(owner: str, notebook: str) -> str:
    """The badge that opens a notebook of ``chapters/`` on Colab."""
    colab = "https://colab.research.google.com"
    return (
        f"[![Open in Colab]({colab}/assets/colab-badge.svg)]"
        f"({colab}/github/{owner}/blob/main/chapters/{notebook})"
    )


def prose(twin: Path) -> str:
    """The Markdown cells of a twin, without their comment signs."""
    lines = twin.read_text(encoding="utf-8").split("\n")
    return "\n".join(re.sub(r"^# ?", "", line) for line in lines if line[:1] == "#")


def objectives(words: str) -> list[str]:
    """The bullets below "What you will be able to do", each on one line."""
    section = words.partition("## What you will be able to do")[2]
    section = section.partition("\n## ")[0].partition("\n%%")[0]
    items = re.split(r"^- ", section, flags=re.MULTILINE)[1:]
    return [" ".join(item.split()).rstrip(".;") for item in items]
