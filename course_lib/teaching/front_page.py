"""Tables of the chapters for README.md and chapters/README.md, from the text twins."""

from collections.abc import Callable, Sequence

from course_lib.teaching.outline import PARTS, SPINE, Chapter

MARKS = "<!-- {} -->", "<!-- /{} -->"
HEAD = "| | chapter | in one sentence | minutes | |\n|---|---|---|---:|---|\n"


def between(page: str, name: str, text: str) -> str:
    """The page, with a text between ``<!-- name -->`` and ``<!-- /name -->``."""
    begin, end = (mark.format(name) for mark in MARKS)
    above, _, rest = page.partition(begin)
    return f"{above}{begin}\n{text}{end}{rest.partition(end)[2]}"


def short_table(chapters: Sequence[Chapter], owner: str) -> str:
    """The table of README.md: one line a chapter.

    Args:
        chapters: all of them.
        owner: "OWNER/NAME" of the repository, for the badges.
    """
    return HEAD + "".join(row(chapter, owner) for chapter in chapters)


def row(chapter: Chapter, owner: str) -> str:
    """Star, title with link, promise, minutes, badge."""
    file = f"{chapter.stem}.ipynb"
    link = f"[{chapter.number}. {chapter.title}](chapters/{file})"
    cells = [chapter.star, link, chapter.promise, f"{chapter.minutes}"]
    return f"| {' | '.join([*cells, badge(owner, file)])} |\n"


def badge(owner: str, notebook: str) -> str:
    """The badge that opens a notebook of ``chapters/`` on Colab."""
    colab = "https://colab.research.google.com"
    return (
        f"[![Open in Colab]({colab}/assets/colab-badge.svg)]"
        f"({colab}/github/{owner}/blob/main/chapters/{notebook})"
    )


def by_part(chapters: Sequence[Chapter], has_film: Callable[[str], bool]) -> str:
    """All chapters of chapters/README.md, part by part, with what they are for."""
    text = ""
    for part, (first, last) in PARTS.items():
        inside = [c for c in chapters if first <= int(c.number) <= last]
        hours = hours_of(c.minutes for c in inside)
        if inside:
            text += f"### {part}: about {hours} hours\n\n"
        text += "".join(entry(c, has_film(c.number)) for c in inside)
    return text


def entry(chapter: Chapter, film: bool) -> str:
    """One chapter: link, minutes, what it asks for, objectives, animation."""
    title = f"[{chapter.number}. {chapter.title}]({chapter.stem}.ipynb)"
    asked = ", ".join(chapter.needs) or "nothing"
    line = f"{chapter.minutes} minutes; needs {asked}."
    spine = " On the spine ★." if chapter.star else ""
    goals = "".join(f"- {goal}\n" for goal in chapter.goals)
    shown = f"![{chapter.alt}](figures/{chapter.number}.webp)\n\n" if film else ""
    return f"#### {title}\n\n{line}{spine} You will be able to\n\n{goals}\n{shown}"


def spine_hours(chapters: Sequence[Chapter]) -> int:
    """Hours of the spine, rounded."""
    return hours_of(c.minutes for c in chapters if c.number in SPINE)


def hours_of(minutes) -> int:
    """Whole hours, at least one."""
    return max(1, round(sum(minutes) / 60))
