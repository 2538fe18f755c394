"""The pocket set: twelve photographs that are on every machine of the course.

They come inside the wheels of scikit-image and matplotlib, so nothing is downloaded.
The polygons are ours: ``annotations.json`` is COCO JSON without pixels, and README.md
beside it tells how they were drawn and whose the photographs are.
"""

import json
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset
from torchvision import tv_tensors

from course_lib.data.classes import VOID, ClassTable
from course_lib.data.images import read_image
from course_lib.data.targets import target_of
from course_lib.errors import InputError

ANNOTATIONS = Path(__file__).parent / "annotations.json"
MODULES = {"scikit-image": "skimage", "matplotlib": "matplotlib"}
TASKS = ("segmentation", "detection")


@cache
def annotations() -> dict:
    """Everything in ``annotations.json``, read once; do not change it."""
    return json.loads(ANNOTATIONS.read_text(encoding="utf-8"))


def names() -> tuple[str, ...]:
    """Names of the photographs, in the order of the set."""
    return tuple(image["name"] for image in annotations()["images"])


def _class_table() -> ClassTable:
    known = [c for c in annotations()["categories"] if c["id"] != VOID]
    known.sort(key=lambda category: category["id"])
    colours = tuple(tuple(category["color"]) for category in known)
    return ClassTable("pocket", tuple(c["name"] for c in known), colours)


POCKET = _class_table()
THINGS = frozenset(c["id"] for c in annotations()["categories"] if c["isthing"])


def pocket_photo(name: str) -> tv_tensors.Image:
    """One photograph of the set, grey ones with three equal channels.

    Returns:
        (3, H, W) uint8.

    Raises:
        InputError: for an unknown name (it lists the known), and where the installed
            package does not hold the photograph, or holds another one.

    Taught in chapters/01_pixels_and_labels.
    """
    entry = _entry(name)
    image = read_image(_photo_path(entry))
    if image.shape[-2:] != (entry["height"], entry["width"]):
        raise InputError(
            f"{entry['file_name']} of {_installed(entry['package'])} is "
            f"{image.shape[-1]} x {image.shape[-2]} pixels, but our polygons were "
            f"drawn on {entry['width']} x {entry['height']}; {_fix(entry)}"
        )
    return image


def licence(name: str) -> str:
    """Licence of a photograph in one line, with whom to thank for it."""
    entry = _entry(name)
    return f"{_licence_of(entry)['name']}; {entry['credit']}"


def shareable(name: str) -> bool:
    """Whether a photograph is in the public domain or CC0.

    Only these may appear in outputs that are kept in the repository.
    """
    return _licence_of(_entry(name))["shareable"]


def imagenet_classes(name: str) -> dict[int, str]:
    """ImageNet classes (index from 0 to 999) a classifier may rightly give.

    Returns:
        The index, and the name of the pocket class whose objects it speaks of:
        ``{281: "cat", ...}``; empty where ImageNet has no word for what is shown.

    Taught in chapters/02_fcn_conversion.
    """
    return {int(index): what for index, what in _entry(name)["imagenet"].items()}


class Pocket(Dataset):
    """The pocket set as pictures with class maps, or as pictures with objects.

    A segmentation sample is (image uint8 (3, H, W), mask int64 (H, W)), 255 = void.
    A detection sample is (image, target) in torchvision's contract, see
    ``course_lib.data.targets.target_of``: one mask for each visible object; a part
    (the coffee in the cup, the hat on the head) belongs to the mask of the whole, too.
    Photographs differ in size.

    Taught in chapters/01_pixels_and_labels.
    """

    def __init__(
        self,
        task: str = "segmentation",
        names: Sequence[str] | None = None,
        transform: Callable | None = None,
        void: int = 2,
    ):
        """Choose the photographs.

        Args:
            task: "segmentation" or "detection".
            names: which photographs, in this order; None for all.
            transform: joint transform of (image, mask) or (image, target), or None.
            void: width in pixels of the band of 255 at borders between classes,
                where our polygons may be wrong; 0 for none.

        Raises:
            InputError: for an unknown task or name, or a negative width.
        """
        if task not in TASKS:
            raise InputError(f"no task {task!r} in the pocket set; take {TASKS}")
        if void < 0:
            raise InputError(f"void is a width in pixels, {void} is none; take 0 to 5")
        everything = annotations()["images"]
        self.entries = everything if names is None else [_entry(n) for n in names]
        self.name, self.classes = "pocket", POCKET
        self.task, self.transform, self.void = task, transform, void

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, i: int) -> tuple:
        image = pocket_photo(self.entries[i]["name"])
        if self.task == "segmentation":
            labels = class_map(self.entries[i], self.void)
        else:
            labels = _objects(self.entries[i])
        return self.transform(image, labels) if self.transform else (image, labels)

    def file(self, i: int) -> str:
        """Photograph and package of a sample, to be named in messages."""
        return f"{self.entries[i]['file_name']} of {self.entries[i]['package']}"


def class_map(entry: dict, void: int = 2) -> tv_tensors.Mask:
    """Paint the polygons of a photograph, each over the ones before it.

    Args:
        entry: one of ``annotations()["images"]``.
        void: width in pixels of the band of 255 at borders between classes.

    Returns:
        (H, W) int64 ids of ``POCKET``; 255 = void.
    """
    mask = torch.zeros(entry["height"], entry["width"], dtype=torch.int64)
    for annotation in _annotations_of(entry):
        mask[_visible(annotation, entry)] = annotation["category_id"]
    mask[_borders(mask, void)] = VOID
    return tv_tensors.Mask(mask)


def _borders(mask: Tensor, width: int) -> Tensor:
    """Where a window of width + 1 pixels meets two classes: (H, W) bool."""
    before, after = (width + 1) // 2, width // 2
    ids = F.pad(mask[None].float(), (before, after, before, after), mode="replicate")
    highest = F.max_pool2d(ids, width + 1, stride=1)
    lowest = -F.max_pool2d(-ids, width + 1, stride=1)
    return (highest != lowest)[0]


def _objects(entry: dict) -> dict:
    things = [a for a in _annotations_of(entry) if a["category_id"] in THINGS]
    masks = torch.stack([_visible(annotation, entry) for annotation in things])
    labels = torch.tensor([annotation["category_id"] for annotation in things])
    return target_of(masks, labels, entry["id"])


def _visible(annotation: dict, entry: dict) -> Tensor:
    """The pixels within the polygons of one object, (H, W) bool."""
    from pycocotools import mask as coco

    shape = entry["height"], entry["width"]
    runs = coco.merge(coco.frPyObjects(annotation["segmentation"], *shape))
    return torch.from_numpy(coco.decode(runs)).bool()


def _annotations_of(entry: dict) -> list[dict]:
    return [a for a in annotations()["annotations"] if a["image_id"] == entry["id"]]


def _entry(name: str) -> dict:
    for entry in annotations()["images"]:
        if entry["name"] == name:
            return entry
    raise InputError(f"no photograph {name!r} in the pocket set: {', '.join(names())}")


def _licence_of(entry: dict) -> dict:
    return next(x for x in annotations()["licenses"] if x["id"] == entry["license"])


def _photo_path(entry: dict) -> Path:
    found = find_spec(MODULES[entry["package"]])
    path = Path(found.origin).parent / entry["file_name"] if found else None
    if path is None or not path.is_file():
        raise InputError(
            f"{entry['file_name']} is missing in {_installed(entry['package'])}; "
            f"{_fix(entry)}"
        )
    return path


def _installed(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} (not installed)"


def _fix(entry: dict) -> str:
    return f"install {entry['package']} {entry['drawn_on']}, on which they were drawn"
