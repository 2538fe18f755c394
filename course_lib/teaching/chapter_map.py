"""The map of the chapters: an SVG drawn from what each chapter asks for."""

import textwrap
from collections.abc import Sequence
from html import escape

from course_lib.teaching.outline import PARTS, Chapter

WIDE, ROW, TOP = 800, 104, 64  # px: width, from row to row, above the first row
BOX, HIGH = 214, 70  # px: width and height of a chapter's box
MOST = 3  # boxes in a row
INK, GREY, RULE = "#22262B", "#55595E", "#9AA0A6"
FILLS = ("#F1F3F5", "#E3F0F9", "#FCEBDD", "#E4F4EE")  # one for each part
EDGES = ("#55595E", "#0072B2", "#B84F00", "#00785A")
FONT = "font-family=\"'DejaVu Sans', Verdana, Helvetica, sans-serif\""


def drawing(chapters: Sequence[Chapter]) -> str:
    """The map as the text of an SVG file, 800 px wide, on a white ground."""
    arrows = direct(chapters)
    levels = depths(chapters, arrows)
    places, bends = layout(chapters, arrows, levels)
    high = TOP + ROW * (max(levels.values()) + 1)
    lines = [path(places, bends, a, b) for b in arrows for a in arrows[b]]
    boxes = [box(chapter, *places[chapter.number]) for chapter in chapters]
    told = "; ".join(
        f"{c.number} after {', '.join(arrows[c.number])}" if arrows[c.number]
        else f"{c.number} begins" for c in chapters
    )  # fmt: skip
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high}" '
        f'width="{WIDE}" height="{high}" role="img" {FONT}>\n'
        f"<title>Map of the chapters</title>\n<desc>{told}.</desc>\n"
        f'<rect width="{WIDE}" height="{high}" rx="10" fill="#FFFFFF"/>\n'
        f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        f'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="{RULE}"/>'
        f"</marker></defs>\n"
    )
    return head + key(chapters) + "".join(lines + boxes) + "</svg>\n"


def direct(chapters: Sequence[Chapter]) -> dict[str, list[str]]:
    """Of what each chapter asks for, what nothing else that it asks for needs."""
    known = {chapter.number: set(chapter.needs) for chapter in chapters}
    everything: dict[str, set[str]] = {}
    for number in known:  # in order: what comes before is complete
        asked = known[number] & set(known)
        everything[number] = asked.union(*(everything[n] for n in asked))
    return {
        number: sorted(
            n
            for n in needed & known[number]
            if not any(n in everything[other] for other in needed)
        )
        for number, needed in everything.items()
    }


def depths(chapters: Sequence[Chapter], arrows: dict) -> dict[str, int]:
    """The row of each chapter: the first below those before it that has room."""
    levels: dict[str, int] = {}
    for chapter in chapters:
        level = max((levels[n] for n in arrows[chapter.number]), default=-1) + 1
        while list(levels.values()).count(level) == MOST:
            level += 1
        levels[chapter.number] = level
    return levels


def layout(chapters: Sequence[Chapter], arrows: dict, levels: dict):
    """Middle of each box, and of the gaps where long arrows pass a row.

    Returns:
        ``{number: (x, y)}`` and ``{(from, to): [(x, y), ...]}``.
    """
    rows: dict[int, list] = {}
    for chapter in chapters:
        end = chapter.number
        rows.setdefault(levels[end], []).append((end,))
        for start in arrows[end]:
            for level in range(levels[start] + 1, levels[end]):
                rows.setdefault(level, []).append((start, end))
    places, bends = {}, {}
    for level in sorted(rows):
        row = sorted(rows[level], key=rank)
        passing = sum(len(item) == 2 for item in row)
        narrow = min(24, (WIDE - BOX * (len(row) - passing)) / (2 * passing + 1))
        widths = [BOX if len(item) == 1 else narrow for item in row]
        gap = (WIDE - sum(widths)) / (len(row) + 1)
        x, y = gap, TOP + ROW * level + HIGH / 2
        for item, width in zip(row, widths, strict=True):
            if len(item) == 1:
                places[item[0]] = (x + width / 2, y)
            else:
                bends.setdefault(item, []).append((x + width / 2, y))
            x += width + gap
    return places, bends


def rank(item: tuple[str, ...]) -> tuple:
    """Where a box (number) or a passing arrow (from, to) stands in its row.

    By part, then by number; arrows to the right of the part they come from.
    """
    return part_of(item[0]) + (len(item) - 1) / 2, item


def part_of(number: str) -> int:
    """Which part a chapter belongs to."""
    return next(k for k, (_, last) in enumerate(PARTS.values()) if int(number) <= last)


def path(places: dict, bends: dict, start: str, end: str) -> str:
    """An arrow from the lower side of a box to the upper side of another."""
    x, y = places[start][0], places[start][1] + HIGH / 2
    stops = [
        (bx, by - HIGH / 2, by + HIGH / 2) for bx, by in bends.get((start, end), ())
    ]
    last_x, last_y = places[end][0], places[end][1] - HIGH / 2
    text = f"M{x:.0f} {y:.0f}"
    for to_x, to_y, leave in [*stops, (last_x, last_y, last_y)]:
        half = (y + to_y) / 2
        text += f"C{x:.0f} {half:.0f} {to_x:.0f} {half:.0f} {to_x:.0f} {to_y:.0f}"
        text += f"V{leave:.0f}" if leave != to_y else ""
        x, y = to_x, leave
    return (
        f'<path d="{text}" fill="none" stroke="{RULE}" stroke-width="1.6" '
        'marker-end="url(#tip)"/>\n'
    )


def box(chapter: Chapter, x: float, y: float) -> str:
    """A chapter: number and topic, the title, minutes; a star for the spine."""
    part = part_of(chapter.number)
    left, top = x - BOX / 2, y - HIGH / 2
    thick = 2.4 if chapter.star else 1
    first, _, second = chapter.title.partition(": ")
    title = textwrap.wrap(second or first, 34)[:2]
    name = f"{chapter.number} {chapter.topic}"
    rows = [
        (17, round(min(13, 310 / len(name)), 1), "bold", INK, name),
        *((33 + 13 * k, 11, "normal", INK, line) for k, line in enumerate(title)),
        (63, 11, "normal", GREY, f"{chapter.minutes} minutes {chapter.star}".strip()),
    ]
    words = "".join(
        f'<text x="{left + 9:.0f}" y="{top + down:.0f}" font-size="{size}" '
        f'font-weight="{weight}" fill="{colour}">{escape(line)}</text>\n'
        for down, size, weight, colour, line in rows
    )
    return (
        f'<rect x="{left:.0f}" y="{top:.0f}" width="{BOX}" height="{HIGH}" rx="7" '
        f'fill="{FILLS[part]}" stroke="{EDGES[part]}" stroke-width="{thick}"/>\n{words}'
    )


def key(chapters: Sequence[Chapter]) -> str:
    """What colours, stars and arrows mean."""
    lines, x = [], 14
    there = sorted({part_of(chapter.number) for chapter in chapters})
    for part in there:
        name = list(PARTS)[part]
        lines.append(
            f'<rect x="{x}" y="16" width="15" height="15" rx="3" fill="{FILLS[part]}" '
            f'stroke="{EDGES[part]}"/><text x="{x + 21}" y="28" font-size="12" '
            f'fill="{INK}">{name}</text>\n'
        )
        x += 40 + 8 * len(name)
    lines.append(
        f'<text x="{x + 6}" y="28" font-size="12" fill="{INK}">★ the spine, the '
        "shortest way through &#160; → is needed for</text>\n"
    )
    return "".join(lines)
