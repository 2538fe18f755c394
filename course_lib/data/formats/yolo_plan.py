"""Where YOLO's pictures lie and what their classes are called.

``data.yaml`` (Ultralytics) says ``path, train, val, test, names``; a ``.data`` file
(Darknet) says ``train = list``, ``valid = list``, ``names = file``. A split is a
folder of pictures or a text file with one picture a line.
"""

from pathlib import Path

import yaml

from course_lib.data.formats.files import read_lines, read_text
from course_lib.data.readers.pairs import PICTURES
from course_lib.errors import InputError

SPLITS = {"train": ("train",), "val": ("val", "valid"), "test": ("test",)}


def read_plan(path: Path) -> dict:
    """What ``data.yaml`` or ``.data`` says: splits as ``Path``, names as a list."""
    text = read_text(path)
    plan = _yaml(text, path) if path.suffix in (".yaml", ".yml") else _darknet(text)
    root = path.parent / str(plan.pop("path", "") or "")
    names = plan.get("names")
    if isinstance(names, str):
        names = read_lines(root / names)
    if isinstance(names, dict):
        if sorted(names) != list(range(len(names))):
            raise InputError(f"{path}: the names are not numbered 0, 1, 2, ...")
        names = [names[i] for i in range(len(names))]
    if not isinstance(names, list) or not names:
        raise InputError(f"{path} does not say names:, the classes in their order")
    splits = {
        k: root / str(v) for k, v in plan.items() if k in sum(SPLITS.values(), ())
    }
    return {"names": [str(name) for name in names], **splits}


def _yaml(text: str, path: Path) -> dict:
    try:
        plan = yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError(f"{path} is no YAML; write train:, val: and names:") from None
    if not isinstance(plan, dict):
        raise InputError(f"{path} holds no settings; write train:, val: and names:")
    return plan


def _darknet(text: str) -> dict:
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}


def list_pictures(entry: Path, path: Path) -> list[Path]:
    """The pictures of a folder, or those that a text file lists, in their order."""
    if entry.is_dir():
        found = (p for p in sorted(entry.rglob("*")) if p.suffix.lower() in PICTURES)
        pictures = list(found)
    else:
        lines = read_lines(entry)
        pictures = [
            next((p for p in (entry.parent / line, path.parent / line) if p.is_file()),
                 entry.parent / line)
            for line in lines
        ]  # fmt: skip
    if not pictures:
        raise InputError(f"{entry} holds no picture; give a folder or a list of them")
    return pictures
