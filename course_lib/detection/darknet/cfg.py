"""Darknet's cfg files: a net as a list of sections, one a layer.

``[kind]`` opens a section, ``key=value`` fills it, ``#`` or ``;`` begins a comment.
The first section, ``[net]``, holds the input's size and the training's settings.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.errors import InputError
from course_lib.whole import write_whole

MAX_BYTES = 1_000_000  # yolov3.cfg has 8,342
MAX_SECTIONS = 1_000  # yolov3.cfg has 108
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
INTEGER = re.compile(r"[+-]?\d{1,9}", re.ASCII)
REQUIRED = object()


@dataclass
class Section:
    """One section: ``kind``, its ``options`` as they are written, and ``where``.

    ``where`` names file, section and line, and opens every message about it.
    """

    kind: str
    options: dict[str, str] = field(default_factory=dict)
    where: str = "a section made here"

    def text(self, key: str, default: str | object = REQUIRED) -> str:
        """The option as it stands; InputError where it is missing."""
        if key in self.options:
            return self.options[key]
        if default is REQUIRED:
            raise InputError(f"{self.where} lacks {key}=; add it")
        return default

    def integers(self, key: str, low: int, high: int, default="") -> list[int]:
        """Whole numbers between ``low`` and ``high``, parted by commas."""
        values = [int(self._number(key, v, INTEGER)) for v in self._split(key, default)]
        for value in values:
            self._check(key, value, low, high)
        return values

    def integer(self, key: str, low: int, high: int, default=REQUIRED) -> int:
        """One whole number between ``low`` and ``high``."""
        return self._one(key, self.integers(key, low, high, default))

    def numbers(self, key: str, low: float, high: float, default="") -> list[float]:
        """Numbers between ``low`` and ``high``, parted by commas."""
        values = [
            float(self._number(key, v, NUMBER)) for v in self._split(key, default)
        ]
        for value in values:
            self._check(key, value, low, high)
        return values

    def number(self, key: str, low: float, high: float, default=REQUIRED) -> float:
        """One number between ``low`` and ``high``."""
        return self._one(key, self.numbers(key, low, high, default))

    def refuse(self, key: str, value: object, fix: str) -> InputError:
        """The error about one option."""
        return InputError(f"{self.where} has {key}={_short(value)}; {fix}")

    def _split(self, key: str, default) -> list[str]:
        if key not in self.options and default is not REQUIRED:
            return str(default).split(",") if default != "" else []
        words = [word.strip() for word in self.text(key).split(",")]
        return words[:-1] if words[-1] == "" else words  # "10,13," is written too

    def _number(self, key: str, word: str, pattern: re.Pattern) -> str:
        if not pattern.fullmatch(word):
            kind = "whole numbers" if pattern is INTEGER else "numbers"
            raise self.refuse(key, self.options.get(key, word), f"give {kind}")
        return word

    def _check(self, key: str, value: float, low: float, high: float) -> None:
        if not (math.isfinite(value) and low <= value <= high):
            raise self.refuse(key, value, f"give {low} to {high}")

    def _one(self, key: str, values: list):
        if len(values) != 1:
            raise self.refuse(key, self.text(key, ""), "give one number")
        return values[0]


def parse_cfg(path: str | Path) -> list[Section]:
    """Read a cfg file.

    Returns:
        The sections in their order, ``[net]`` first; layer i of the net (counted
        from 0, as ``[route]`` does) is section i + 1.

    Raises:
        InputError: naming file and line, where the text is no cfg.

    Taught in chapters/14_yolov3_darknet.
    """
    return parse_text(_read(Path(path)), Path(path).name)


def parse_text(text: str, name: str = "cfg") -> list[Section]:
    """``parse_cfg`` of a text; ``name`` stands for the file in messages."""
    sections: list[Section] = []
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.split("#")[0].split(";")[0].strip()
        if not line:
            continue
        if line.startswith("["):
            sections.append(_open(line, f"{name}, line {number}", len(sections)))
        elif not sections:
            raise InputError(
                f"{name}, line {number} stands before any section; begin with [net]"
            )
        else:
            _fill(sections[-1], line, f"{name}, line {number}")
    if not sections or sections[0].kind not in ("net", "network"):
        first = f"begins with [{sections[0].kind}]" if sections else "has no section"
        raise InputError(f"{name} {first}; a Darknet cfg begins with [net]")
    return sections


def write_cfg(sections: Sequence[Section], path: str | Path) -> None:
    """Write sections as a cfg file that ``parse_cfg`` and Darknet read."""
    write_whole(Path(path), cfg_text(sections).encode())


def cfg_text(sections: Sequence[Section]) -> str:
    """Sections as the text of a cfg file."""
    return "\n".join(
        f"[{section.kind}]\n"
        + "".join(f"{k}={v}\n" for k, v in section.options.items())
        for section in sections
    )


def _read(path: Path) -> str:
    if not path.is_file():
        raise InputError(f"there is no cfg file {path}; check the name and the folder")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(
            f"{path} has {path.stat().st_size:,} bytes, too many for a cfg; "
            "did you give the weights?"
        )
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is no text at byte {error.start}; did you give the weights?"
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _open(line: str, place: str, index: int) -> Section:
    kind = line[1:-1].strip().lower()
    if not line.endswith("]") or not kind.isidentifier():
        raise InputError(f"{place}: {_short(line)} opens no section; write [kind]")
    if index >= MAX_SECTIONS:
        raise InputError(f"{place}: more than {MAX_SECTIONS} sections; is it damaged?")
    layer = f"layer {index - 1} " if index else ""
    return Section(kind, where=f"{place}, {layer}[{_short(kind)}]")


def _fill(section: Section, line: str, place: str) -> None:
    key, equals, value = (part.strip() for part in line.partition("="))
    if not equals or not key:
        raise InputError(f"{place}: {_short(line)} is not key=value; correct the line")
    if section.options.get(key, value) != value:
        raise InputError(
            f"{place}: {_short(key)} is given twice in [{section.kind}], as "
            f"{_short(section.options[key])} and {_short(value)}; keep one"
        )
    section.options[key] = value


def _short(value: object) -> str:
    text = str(value).encode("unicode_escape").decode()  # damage may hold anything
    return text if len(text) <= 60 else f"{text[:57]}..."
