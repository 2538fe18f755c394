"""COCO: 80 kinds of things in everyday pictures, with boxes and masks."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision import tv_tensors

from course_lib.data.catalogue import check_folder, source
from course_lib.data.classes import ClassTable, voc_palette
from course_lib.data.formats.annotated import Annotated, Thing, faults_at
from course_lib.data.formats.coco_json import read_coco
from course_lib.data.images import read_image
from course_lib.data.readers.pairs import check_named, check_sizes
from course_lib.data.targets import target_of_boxes
from course_lib.data.tree import check_tree
from course_lib.detection.coco_masks import from_polygons
from course_lib.errors import InputError


class CocoInstances(Dataset):
    """Pictures and objects of a JSON in COCO's format, in the order of the file.

    A sample is (image uint8 (3, H, W), target); see ``data.targets.target_of``.
    Boxes are those of the file; masks are its polygons or run lengths, drawn by
    pycocotools; a crowd has ``iscrowd`` 1; ``image_id`` and ``area`` are COCO's own.
    Labels follow the category ids.

    Attributes:
        pictures: what the JSON says of each.
        faults: a sentence on each object left out: COCO has a few boxes without area.

    Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014.
    """

    name = "coco"

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        transform: Callable | None = None,
        *,
        masks: bool = True,
        crowds: bool = True,
        empty: bool = True,
    ):
        """Open a split.

        Args:
            root: holds ``annotations/instances_SPLIT.json``, and ``SPLIT/``.
            split: such as "val2017"; "val" will do where there is one year only.
            transform: joint transform of (image, target), or None.
            masks: give them; without, boxes alone are enough, and quicker.
            crowds: give crowds too; few detectors train on them.
            empty: give pictures without an object too.

        Raises:
            InputError: where files are missing or damaged, and where more objects are
                faulty than sound.
        """
        self.path, self.split = find_split(Path(root), "instances", split, "coco2017")
        self.folder = Path(root) / self.split
        self.transform, self.masks, self.crowds = transform, masks, crowds
        self.faults: list[str] = []
        pictures, names = read_coco(self.path, self.faults)
        odd = [p.image_id for p in pictures if type(p.image_id) is not int]
        if odd:
            raise InputError(
                f"{self.path}: the picture id {odd[0]!r} is no whole number; count the "
                "pictures"
            )
        check_pictures(self.path, self.folder, [picture.file for picture in pictures])
        self.pictures = [p for p in pictures if empty or self.things(p)]
        if len(self.faults) > sum(len(picture.things) for picture in pictures):
            raise InputError(f"{self.faults[0]} ({len(self.faults)} such faults)")
        self.classes = coco_classes(self.name, ["background", *names.values()])

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, i: int) -> tuple[Tensor, dict]:
        said, path = self.pictures[i], self.folder / self.pictures[i].file
        image, size = read_image(path), (said.height, said.width)
        check_sizes(image.shape[-2:], size, path, self.path)
        things = self.things(said)
        boxes = torch.tensor([thing.box for thing in things]).reshape(-1, 4)
        labels = torch.tensor([self.classes.index(t.name) for t in things]).long()
        target = target_of_boxes(boxes, labels, said.image_id, size) | {
            "area": torch.tensor([area_of(thing) for thing in things]).float(),
            "iscrowd": torch.tensor([t.crowd for t in things]).long(),
        }
        if self.masks:
            masks = masks_of(things, said, self.file(i))
            target["masks"] = tv_tensors.Mask(masks)
        return self.transform(image, target) if self.transform else (image, target)

    def things(self, picture: Annotated) -> list[Thing]:
        """The objects of a picture that are given."""
        return [thing for thing in picture.things if self.crowds or not thing.crowd]

    def file(self, i: int) -> str:
        """The JSON and the picture of a sample, to be named in messages."""
        return f"{self.path}, {self.pictures[i].file}"


def find_split(root: Path, kind: str, split: str, entry: str) -> tuple[Path, str]:
    """The JSON of a split, and the name of the split in full.

    Args:
        root: holds ``annotations/KIND_SPLIT.json``; coco128 says ``panoptic/``.
        kind: "instances" or "panoptic".
        split: the year may be left out where there is one only: "train" for train2017.
        entry: of the catalogue.

    Raises:
        InputError: for a folder without such JSONs, or without that split.
    """
    found = {
        path.stem.removeprefix(f"{kind}_"): path
        for folder in ("annotations", "panoptic")
        for path in sorted((root / folder).glob(f"{kind}_*.json"))
    }
    if not found:
        check_folder(root, entry)
    years = [name for name in found if name[:-4] == split and name[-4:].isdigit()]
    names = [split] if split in found else years
    if len(names) != 1:
        raise InputError(
            f"the COCO folder {root} has no split {split!r}; it has {', '.join(found)}"
        )
    return found[names[0]], names[0]


def check_pictures(path: Path, folder: Path, names: list[str]) -> None:
    """Refuse a JSON whose pictures are not all in their folder."""
    tree = {f"{folder.name}/": f"the {len(names)} pictures of {path.name}"}
    check_tree(folder.parent, "COCO", tree, source("coco2017").fix)
    if not names:
        raise InputError(f"{path} names no picture; get the data set again")
    there = {name for name in names if (folder / name).is_file()}
    check_named(path, names, there, folder)


def coco_classes(name: str, names: list[str]) -> ClassTable:
    """A class table in the colours of VOC; where no background is, from 1 on."""
    first = 0 if names[0] == "background" else 1
    return ClassTable(name, tuple(names), voc_palette(len(names) + first)[first:])


def masks_of(things: Iterable[Thing], picture: Annotated, what: str) -> Tensor:
    """Masks of objects of one picture: (N, H, W) uint8."""
    from pycocotools import mask as rle

    codes = run_lengths_of(things, picture, what)
    if not codes:
        return torch.zeros(0, picture.height, picture.width, dtype=torch.uint8)
    return torch.from_numpy(np.ascontiguousarray(rle.decode(codes).transpose(2, 0, 1)))


def run_lengths_of(things: Iterable[Thing], picture: Annotated, what: str) -> list:
    """Masks of objects as pycocotools packs them; InputError where one has none."""
    codes, size = [], [picture.height, picture.width]
    for thing in things:
        if not thing.run_lengths and not thing.polygons:
            raise InputError(
                f"{what}: a {thing.name} has a box, but no mask; draw it, or take "
                "boxes alone (masks=False)"
            )
        with faults_at(what, None):
            codes.append(thing.run_lengths or from_polygons([*thing.polygons], size))
    return codes


def area_of(thing: Thing) -> float:
    """As COCO tells it; else that of the box."""
    x1, y1, x2, y2 = thing.box
    return (x2 - x1) * (y2 - y1) if thing.area is None else thing.area
