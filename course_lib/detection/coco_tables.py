"""COCO's lists of dicts, checked and laid flat: one array for each quantity."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from course_lib.errors import InputError


@dataclass(frozen=True)
class Objects:
    """Annotated objects, or results: one row each.

    Rows are ordered by category, then picture, then falling score (annotations: as
    in the file); equal scores stay in the order of the file.
    """

    image: np.ndarray  # (N,) place of the picture among the sorted ids
    category: np.ndarray  # (N,) place of the category among the sorted ids
    boxes: np.ndarray  # (N, 4) xywh in pixels
    areas: np.ndarray  # (N,) in square pixels
    masks: list[dict] | None  # run-length codes, where masks are measured
    scores: np.ndarray | None = None  # (N,), of results
    crowd: np.ndarray | None = None  # (N,) bool, of annotations
    judged: np.ndarray | None = None  # (N,) bool: its id is not 0, of annotations

    def __len__(self) -> int:
        return len(self.image)

    def take(self, rows: np.ndarray) -> "Objects":
        """These rows, in this order."""
        columns = {name: getattr(self, name) for name in self.__dataclass_fields__}
        masks = columns.pop("masks")
        taken = {name: None if c is None else c[rows] for name, c in columns.items()}
        return Objects(**taken, masks=masks and [masks[i] for i in rows])


def sorted_ids(table: dict, key: str, called: str) -> dict[Hashable, int]:
    """Place of every id of ``table[key]``, "images" or "categories", when sorted.

    Raises:
        InputError: where the list, an id is missing, or an id stands twice.
    """
    rows = table.get(key) if isinstance(table, dict) else None
    if not isinstance(rows, list):
        raise InputError(
            f"{called}: no list {key!r}; give COCO instances, a dict of 'images', "
            "'annotations' and 'categories'"
        )
    try:
        ids = sorted(row["id"] for row in rows)
        places = {name: place for place, name in enumerate(ids)}
    except (KeyError, TypeError, IndexError):
        fix = "give every row an 'id', all of them whole numbers or all of them text"
        raise InputError(
            f"{called}: the ids of {key!r} cannot be read; {fix}"
        ) from None
    if len(places) < len(ids):
        twice = next(a for a, b in zip(ids, ids[1:], strict=False) if a == b)
        raise InputError(
            f"{called}: id {twice!r} stands twice in {key!r}; give each row its own"
        )
    return places


def numbers(rows: list[dict], key: str, length: int, what: str) -> np.ndarray:
    """A column of finite numbers, (N,) float64, or (N, length) where length is not 1.

    Raises:
        InputError: naming the first row that is damaged, the value and the fix.
    """
    shape = (len(rows), length) if length > 1 else (len(rows),)
    if not rows:
        return np.zeros(shape)
    try:
        values = np.array([row[key] for row in rows])
        fine = values.shape == shape and values.dtype.kind in "iufb"
        if fine and np.isfinite(values).all():
            return values.astype(np.float64)
    except (KeyError, TypeError, ValueError, IndexError):
        pass
    wanted = f"{length} finite numbers" if length > 1 else "a finite number"
    raise InputError(_first_fault(rows, key, what, wanted, _is_numbers(length)))


def _is_numbers(length: int) -> Callable[[object], bool]:
    def is_number(value) -> bool:
        kinds = (int, float, np.integer, np.floating)
        return isinstance(value, kinds) and -1e308 < value < 1e308

    if length == 1:
        return is_number
    return lambda value: (
        isinstance(value, Sequence | np.ndarray)
        and len(value) == length
        and all(map(is_number, value))
    )


def _first_fault(rows, key: str, what: str, wanted: str, fits) -> str:
    for i, row in enumerate(rows):
        if not isinstance(row, dict):
            return f"{what}[{i}] is {row!r:.40}; give a dict"
        if key not in row:
            return f"{what}[{i}] has no {key!r}; give {wanted}"
        if not fits(row[key]):
            return f"{key!r} of {what}[{i}] is {row[key]!r:.60}; give {wanted}"
    return f"{key!r} of {what} cannot be read; give {wanted}"


def places(rows: list[dict], key: str, known: dict, what: str) -> np.ndarray:
    """Place of every row's id among the known ones, -1 for others: (N,) int64."""
    try:
        return np.array([known.get(row[key], -1) for row in rows], np.int64)
    except (KeyError, TypeError, IndexError):
        fits = lambda value: isinstance(value, Hashable)  # noqa: E731
        raise InputError(_first_fault(rows, key, what, "an id", fits)) from None
