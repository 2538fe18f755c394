"""The chapters as the front pages and the map know them, read from the text twins."""

import re
from dataclasses import dataclass
from pathlib import Path

SPINE = ("02", "03", "04", "06", "07", "13", "14")  # the shortest way, marked by a star
PARTS = {  # title of a part -> its first and last chapter
    "Start": (0, 1),
    "Segmentation": (2, 11),
    "Detection": (12, 16),
    "Out into the world": (17, 99),
}
WRITTEN = "FCN CRF PSP AP YOLO YOLOv3 ResNets DeepLab Mask Darknet".split()
ACRONYMS = {word.lower(): word for word in WRITTEN} | {"rcnn": "R-CNN"}


@dataclass(frozen=True)
class Chapter:
    """What a twin says of itself.

    Attributes:
        stem: of its file, such as ``"02_fcn_conversion"``.
        title: such as ``"A classifier already knows where"``.
        promise: one sentence of its opening.
        minutes: about how long it takes; 0 if it does not say.
        needs: numbers of the chapters it asks for, such as ``("00", "01")``.
        goals: what one will be able to do.
        alt: what is to be seen on its poster; empty if it has none.
    """

    stem: str
    title: str
    promise: str
    minutes: int
    needs: tuple[str, ...]
    goals: tuple[str, ...]
    alt: str

    @property
    def number(self) -> str:
        """Two digits."""
        return self.stem[:2]

    @property
    def star(self) -> str:
        """A star for a chapter of the spine."""
        return "★" if self.number in SPINE else ""

    @property
    def topic(self) -> str:
        """``"FCN conversion"``, from the name of the file."""
        words = [ACRONYMS.get(word, word) for word in self.stem[3:].split("_")]
        topic = " ".join(words).replace("Mask R", "mask R")
        return topic[0].upper() + topic[1:]


def chapters(folder: Path) -> list[Chapter]:
    """All chapters of the folder ``chapters``, in order."""
    return [read_chapter(twin) for twin in sorted(folder.glob("text/*.py"))]


def read_chapter(twin: Path) -> Chapter:
    """What one twin says of itself."""
    words = prose(twin)
    opening = re.search(r"^# \d\d\. (.*)\n+((?:.+\n)+)", words, re.MULTILINE)
    before = section(words, "Before you start")
    minutes = re.search(r"(\d+)(?:-\d+)? minutes", before)
    goals = re.split(r"^- ", section(words, "What you will be able to do"), flags=re.M)
    poster = re.search(r"!\[([^\]]*)\]\(figures/\d\d\.png\)", words)
    return Chapter(
        stem=twin.stem,
        title=opening[1],
        promise=promise(" ".join(opening[2].split())),
        minutes=int(minutes[1]) if minutes else 0,
        needs=needs(before),
        goals=tuple(" ".join(goal.split()).rstrip(".;") for goal in goals[1:]),
        alt=" ".join(poster[1].split()) if poster else "",
    )


def promise(paragraph: str) -> str:
    """The first sentence that speaks of the reader or of the chapter, or the first."""
    sentences = re.split(r"(?<=[.?!]) ", paragraph)
    told = [s for s in sentences if re.search(r"\b[Yy]ou\b|\bThis chapter\b", s)]
    return (told or sentences)[0]


def needs(before: str) -> tuple[str, ...]:
    """Numbers of the chapters that the first sentence below a heading asks for.

    ``"You need chapters 00 to 02 and 06."`` gives 00, 01, 02 and 06.
    """
    first = re.split(r"\.\s", before.strip() + " ", maxsplit=1)[0]
    found = set()
    for low, high in re.findall(r"\b(\d\d)\b(?:(?: to |-)(\d\d)\b)?", first):
        found |= set(range(int(low), int(high or low) + 1))
    return tuple(f"{number:02}" for number in sorted(found))


def prose(twin: Path) -> str:
    """The Markdown cells of a twin, without their comment signs."""
    lines = twin.read_text(encoding="utf-8").split("\n")
    return "\n".join(re.sub(r"^# ?", "", line) for line in lines if line[:1] == "#")


def section(words: str, heading: str) -> str:
    """The text below a heading, up to the next heading or cell."""
    text = words.partition(f"## {heading}\n")[2]
    return text.partition("\n## ")[0].partition("\n%%")[0]
