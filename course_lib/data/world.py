"""The two worlds of a chapter: the harbour, and real photographs.

``world = course_lib.world("harbour")  # or "real"`` is the one switch of a chapter.
The environment variable ``COURSE_WORLD`` overrides the name.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from course_lib.data.classes import CAMVID, HARBOUR, ClassTable
from course_lib.errors import InputError
from course_lib.paths import data_dir


@dataclass(frozen=True)
class World:
    """Where a chapter's pictures come from.

    Attributes:
        name: "harbour" or "real".
        classes: of every data set of this world.
        dataset: ``dataset(split, *, count, size, transform, **dials)`` gives a data
            set of (image uint8 (3, H, W), mask int64 (H, W)); split is "train",
            "val" or "test". The real world has no dials.
        size, source, licence: a sentence each.

    Taught in chapters/00_start_here.
    """

    name: str
    classes: ClassTable
    dataset: Callable
    size: str
    source: str
    licence: str

    def about(self) -> str:
        """Size, source and licence, three lines."""
        return f"Size: {self.size}\nSource: {self.source}\nLicence: {self.licence}"


def world(name: str = "harbour") -> World:
    """Open a world.

    Args:
        name: "harbour" (drawn here, no download) or "real" (CamVid, from
            ``COURSE_DATA`` or as ``data fetch camvid`` left it).

    Raises:
        InputError: for an unknown name, and where the real pictures are not there.

    Taught in chapters/00_start_here.
    """
    name = os.environ.get("COURSE_WORLD") or name
    if name == "harbour":
        return _harbour_world()
    if name == "real":
        return _real_world()
    raise InputError(f"there is no world {name!r}; choose harbour or real")


def _harbour_world() -> World:
    def dataset(split: str = "train", **options):
        from course_lib.data.harbour import Harbour

        return Harbour(split, **options)

    return World(
        name="harbour",
        classes=HARBOUR,
        dataset=dataset,
        size="1,000 train, 100 val and 200 test pictures of 128x96, drawn as needed",
        source="course_lib.data.harbour",
        licence="CC BY 4.0, as the course",
    )


def _real_world() -> World:
    from course_lib.data.catalogue import CATALOGUE

    folder, camvid = camvid_dir(), CATALOGUE["camvid"]

    def dataset(split: str = "train", **options):
        return _camvid(folder, split, **options)

    return World(
        name="real",
        classes=CAMVID,
        dataset=dataset,
        size="367 train, 101 val and 233 test photographs of 480x360",
        source=camvid.citation,
        licence=camvid.terms,
    )


def camvid_dir() -> Path:
    """The folder of CamVid: in ``COURSE_DATA``, or where it was fetched to.

    Raises:
        InputError: where it is in neither; says how to get it.
    """
    from course_lib.data.catalogue import cache_dir

    for folder in (data_dir(), cache_dir()):
        if folder is not None and (folder / "camvid").is_dir():
            return folder / "camvid"
    raise InputError(
        "the real world needs CamVid; run `python -m course_lib data fetch camvid`, or "
        "set COURSE_DATA to a folder that holds camvid/"
    )


def _camvid(
    folder: Path,
    split: str,
    *,
    count: int | None = None,
    size: tuple[int, int] | None = None,
    transform: Callable | None = None,
    **dials,
):
    """CamVid, ``count`` pictures evenly spread over the split, resized to (H, W)."""
    from torchvision.transforms import v2

    from course_lib.data.camvid import CamVid
    from course_lib.data.transforms import Resize

    if dials:
        raise InputError(
            f"photographs have no dial {next(iter(dials))!r}; turn dials in "
            'course_lib.world("harbour")'
        )
    if size is not None:
        steps = [Resize(size)] if transform is None else [Resize(size), transform]
        transform = v2.Compose(steps)
    dataset = CamVid(folder, split, transform)
    if count is not None:
        if not 1 <= count <= len(dataset):
            raise InputError(
                f"count is {count}; {split} of CamVid has 1 to {len(dataset)} pictures"
            )
        places = [i * len(dataset) // count for i in range(count)]
        dataset.pairs = [dataset.pairs[i] for i in places]
    return dataset
