"""Files of annotations, read within limits and written whole or not at all."""

import json
from pathlib import Path

from course_lib.errors import InputError
from course_lib.whole import whole_file

MOST_BYTES = 1_000_000_000  # COCO's largest file of instances has 450 million


def read_bytes(path: str | Path, most_bytes: int = MOST_BYTES) -> bytes:
    """The content of a file that is there and not larger than it may be."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file {path}; check the name and the folder")
    if path.stat().st_size > most_bytes:
        raise InputError(
            f"{path} has {path.stat().st_size:,} bytes, more than {most_bytes:,}; "
            "split it, or look whether it is what it should be"
        )
    return path.read_bytes()


def read_text(path: str | Path, most_bytes: int = MOST_BYTES) -> str:
    """The text in a file; a mark of its byte order is passed over."""
    try:
        return read_bytes(path, most_bytes).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is no text; save it as UTF-8") from None


def read_lines(path: str | Path) -> list[str]:
    """The lines of a file that hold something, trimmed."""
    lines = (line.strip() for line in read_text(path).splitlines())
    return [line for line in lines if line]


def read_json(path: str | Path, most_bytes: int = MOST_BYTES) -> dict:
    """The object in a JSON file; an ``InputError`` for anything else."""
    return parse_json(read_bytes(path, most_bytes), str(path))


def parse_json(data: bytes, place: str) -> dict:
    """A JSON object; ``place`` names it in messages."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise InputError(f"{place} is no JSON ({error}); write it again") from None
    if not isinstance(found, dict):
        raise InputError(f"{place} holds no JSON object; give one in curly brackets")
    return found


def write_text(path: str | Path, text: str) -> None:
    """Write a text file whole, making its folder."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
