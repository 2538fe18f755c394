"""The two worlds of a chapter: the harbour, and real photographs.

``world = course_lib.world("harbour")  # or "real"`` is the one switch of a chapter.
The environment variable ``COURSE_WORLD`` overrides the name.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
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
            set of (image uint8 (3, H, W), mask int64 (H, W)), or for detection of
            (image, target); split is "train", "val" or "test". The real world has
            no dials.
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


def world(name: str = "harbour", task: str = "segmentation") -> World:
    """Open a world.

    Args:
        name: "harbour" (drawn here, no download) or "real" (from ``COURSE_DATA`` or as
            ``data fetch`` left it: CamVid for segmentation, Penn-Fudan for detection).
        task: "segmentation" or "detection".

    Raises:
        InputError: for an unknown name or task, and where the real pictures are not
            there.

    Taught in chapters/00_start_here and, for detection, 12_boxes_anchors_ap.
    """
    name = os.environ.get("COURSE_WORLD") or name
    worlds = {
        ("harbour", "segmentation"): _harbour_world,
        ("harbour", "detection"): _harbour_things,
        ("real", "segmentation"): _camvid_world,
        ("real", "detection"): _people_world,
    }
    if name not in ("harbour", "real"):
        raise InputError(f"there is no world {name!r}; choose harbour or real")
    if (name, task) not in worlds:
        raise InputError(f"there is no task {task!r}; choose segmentation or detection")
    return worlds[name, task]()


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


def _harbour_things() -> World:
    from course_lib.data.harbour import THINGS, HarbourThings

    return World(
        name="harbour",
        classes=THINGS,
        dataset=HarbourThings,
        size="1,000 train, 100 val and 200 test pictures of 256x192, drawn as needed",
        source="course_lib.data.harbour",
        licence="CC BY 4.0, as the course",
    )


def _camvid_world() -> World:
    size = "367 train, 101 val and 233 test photographs of 480x360"
    return _real_world("camvid", CAMVID, partial(_camvid, camvid_dir()), size)


def _people_world() -> World:
    from course_lib.data.readers.penn_fudan import CLASSES

    size = "100 train, 20 val and 50 test photographs, about 380 px high"
    return _real_world("penn_fudan", CLASSES, partial(_people, penn_fudan_dir()), size)


def _real_world(name: str, classes: ClassTable, dataset: Callable, size: str) -> World:
    from course_lib.data.catalogue import CATALOGUE

    entry = CATALOGUE[name]
    return World("real", classes, dataset, size, entry.citation, entry.terms)


def camvid_dir() -> Path:
    """The folder of CamVid: in ``COURSE_DATA``, or where it was fetched to.

    Raises:
        InputError: where it is in neither; says how to get it.
    """
    return _folder("CamVid", "camvid", "camvid")


def penn_fudan_dir() -> Path:
    """The folder of Penn-Fudan, likewise."""
    return _folder("Penn-Fudan", "penn_fudan", "PennFudanPed")


def _folder(title: str, name: str, inside: str) -> Path:
    """The folder of a set: fetched by ``name``, or ``inside`` of COURSE_DATA."""
    from course_lib.data.catalogue import cache_dir

    for root, folder in ((data_dir(), inside), (cache_dir(), name)):
        if root is not None and (root / folder).is_dir():
            return root / folder
    raise InputError(
        f"the real world needs {title}; run `python -m course_lib data fetch {name}`, "
        f"or set COURSE_DATA to a folder that holds {inside}/"
    )


def _camvid(
    folder: Path,
    split: str = "train",
    *,
    count: int | None = None,
    size: tuple[int, int] | None = None,
    transform: Callable | None = None,
    **dials,
):
    """CamVid, ``count`` pictures evenly spread over the split, resized to (H, W)."""
    from torchvision.transforms import v2

    from course_lib.data.readers.camvid import CamVid
    from course_lib.data.transforms import Resize

    _no_dials(dials)
    if size is not None:
        steps = [Resize(size)] if transform is None else [Resize(size), transform]
        transform = v2.Compose(steps)
    return _spread(CamVid(folder, split, transform), count, f"{split} of CamVid")


def _people(
    folder: Path,
    split: str = "train",
    *,
    count: int | None = None,
    size: tuple[int, int] | None = None,
    transform: Callable | None = None,
    **dials,
):
    """Penn-Fudan, likewise; boxes and masks are resized with the picture."""
    from torchvision.transforms import v2

    from course_lib.data.readers.penn_fudan import PennFudan

    _no_dials(dials)
    if size is not None:
        resize = v2.Resize(size, antialias=True)
        transform = resize if transform is None else v2.Compose([resize, transform])
    return _spread(PennFudan(folder, split, transform), count, f"{split} of Penn-Fudan")


def _no_dials(dials: dict) -> None:
    if dials:
        raise InputError(
            f"photographs have no dial {next(iter(dials))!r}; turn dials in "
            'course_lib.world("harbour")'
        )


def _spread(dataset, count: int | None, what: str):
    """The data set with ``count`` of its pictures, evenly spread."""
    if count is not None:
        if not 1 <= count <= len(dataset):
            raise InputError(
                f"count is {count}; {what} has 1 to {len(dataset)} pictures"
            )
        places = [i * len(dataset) // count for i in range(count)]
        dataset.pairs = [dataset.pairs[i] for i in places]
    return dataset
