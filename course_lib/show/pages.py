"""Pages of a data set: which pictures they hold, read no sooner than needed."""

import copy
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course_lib.errors import InputError
from course_lib.show.labels import VOID, check_ids
from course_lib.show.panels import as_array, as_picture

MOST_NAMED = 8  # classes in one sentence


@dataclass
class Shown:
    """One picture of a page.

    Attributes:
        number: its place in the data set.
        name: of its file, without folder and ending.
        image: the picture, or None where it could not be read.
        target: label picture (H, W), or a detector's target as arrays.
        trouble: why it could not be read.
    """

    number: int
    name: str
    image: Any = None
    target: Any = None
    trouble: str = ""


class Pages:
    """A data set page by page; a picture is read when its page is asked for.

    Args:
        dataset: gives (image, mask) or (image, target) and has ``classes``; its
            transform is left out. With ``labels(i)``, a search reads labels only.
        size: pictures on a page.
    """

    def __init__(self, dataset, size: int):
        if len(dataset) == 0:
            name = getattr(dataset, "name", "the data set")
            raise InputError(f"{name} holds no pictures; check folder and split")
        self.dataset, self.size = dataset, size
        if getattr(dataset, "transform", None) is not None:
            self.dataset = copy.copy(dataset)
            self.dataset.transform = None
        boxes = getattr(dataset, "task", "") == "detection"
        self.quick = callable(getattr(dataset, "labels", None)) and not boxes
        self.known: dict[int, frozenset[int]] = {}  # ids of the pictures looked at

    def numbers(
        self, page: int, wanted: int | None = None, seconds: float = math.inf
    ) -> list[int]:
        """The pictures of a page, counted from 0.

        Args:
            page: from 0.
            wanted: only pictures that show this class; looks no further than needed.
            seconds: after them the search breaks off; asked again, it goes on.
        """
        first, behind = page * self.size, (page + 1) * self.size
        if wanted is None:
            return list(range(len(self.dataset)))[first:behind]
        found, end = [], time.monotonic() + seconds
        for i in range(len(self.dataset)):
            late = i not in self.known and time.monotonic() > end
            if len(found) == behind or late:
                break
            if wanted in self.present(i):
                found.append(i)
        return found[first:]

    def count(self, wanted: int | None = None) -> int | None:
        """Number of pictures that show a class; None while some are not looked at."""
        if wanted is None:
            return len(self.dataset)
        if len(self.known) < len(self.dataset):
            return None
        return sum(wanted in ids for ids in self.known.values())

    def present(self, i: int) -> frozenset[int]:
        """The ids in picture ``i``; none where it cannot be read."""
        if i not in self.known:
            try:
                data = self.dataset
                target = data.labels(i) if self.quick else data[i][1]
                ids = target["labels"] if isinstance(target, dict) else target
                self.known[i] = frozenset(np.unique(as_array(ids)).tolist())
            except (InputError, OSError):
                self.known[i] = frozenset()
        return self.known[i]

    def name(self, i: int) -> str:
        """The stem of a picture's file, as far as the data set tells."""
        if pairs := getattr(self.dataset, "pairs", None):
            return Path(pairs[i][0]).stem
        file = getattr(self.dataset, "file", lambda i: "")(i)
        return Path(file.rpartition(", ")[2]).stem

    def read(self, i: int) -> Shown:
        """Picture ``i``; what is wrong with it becomes its ``trouble``."""
        shown = Shown(i, self.name(i))
        try:
            image, target = self.dataset[i]
            if isinstance(target, dict):
                names = ("boxes", "labels", "masks", "iscrowd")
                target = {k: as_array(target[k]) for k in names if k in target}
                check_ids(target["labels"].tolist(), self.dataset.classes)
            else:
                target = as_array(target)
                check_ids(np.unique(target).tolist(), self.dataset.classes)
            shown.image, shown.target = as_picture(image), target
        except (InputError, OSError) as error:
            shown.trouble = (str(error).splitlines() or [""])[0]
            for path in getattr(self.dataset, "pairs", {i: ()})[i]:
                shown.trouble = shown.trouble.replace(str(path), Path(path).name)
        return shown


def ids_of(page: list[Shown], wanted: int | None = None) -> list[int]:
    """The ids that a page shows, in order."""
    targets = [one.target for one in page if not one.trouble]
    parts = [t["labels"] if isinstance(t, dict) else np.unique(t) for t in targets]
    ids = {int(i) for part in parts for i in part}
    return sorted(ids if wanted is None else ids & {wanted})


def class_id(classes, name: str) -> int:
    """Id of a class by its name, or of "void"."""
    return VOID if name == "void" else classes.index(name)


def in_words(page: list[Shown], pages: Pages, wanted: int | None = None) -> str:
    """What is on a page: which pictures, and how much of every class."""
    dataset, looked = pages.dataset, len(pages.known)
    total, count = len(dataset), pages.count(wanted)
    where, one = f"of {total:,}", len(page) == 1
    if wanted is not None:
        known = f"{looked:,} of {total:,} looked through" if count is None else count
        verb, name = "shows" if one else "show", class_name(dataset.classes, wanted)
        where = f"that {verb} {name} ({known})"
    if not page:
        return f"No pictures {where}."
    numbers = f"Pictures {page[0].number} to {page[-1].number}"
    first = f"{f'Picture {page[0].number}' if one else numbers} {where}"
    broken = sum(bool(one.trouble) for one in page)
    parts = amounts(page, dataset.classes, wanted)
    parts += [f"{broken} cannot be read"] if broken else []
    return f"{first}: {', '.join(parts)}." if parts else f"{first}."


def amounts(page: list[Shown], classes, wanted: int | None) -> list[str]:
    """Share of the pixels, or number of things, of the commonest classes of a page."""
    targets = [one.target for one in page if not one.trouble]
    things = targets and isinstance(targets[0], dict)
    counts = np.zeros(VOID + 1, int)
    for target in targets:
        ids = np.asarray(target["labels"] if things else target).astype(int)
        counts += np.bincount(ids.flatten(), minlength=VOID + 1)
    ids = [i for i in np.argsort(-counts, kind="stable").tolist() if counts[i]]
    ids = ids if wanted is None else [i for i in ids if i == wanted]
    said = [
        f"{counts[i]} {class_name(classes, i)}"
        if things
        else f"{class_name(classes, i)} {counts[i] / counts.sum():.1%}"
        for i in ids
    ]
    more = len(said) - MOST_NAMED
    return said[:MOST_NAMED] + ([f"{more} more"] if more > 0 else [])


def class_name(classes, i: int) -> str:
    """Name of an id, void too."""
    return "void" if i == VOID else classes.names[i]
