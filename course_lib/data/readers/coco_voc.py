"""COCO as the 21 classes of PASCAL VOC, one class a pixel."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torchvision import tv_tensors

from course_lib.data.classes import VOC, VOID
from course_lib.data.formats.annotated import Annotated, Thing
from course_lib.data.readers.coco import CocoInstances, masks_of, run_lengths_of
from course_lib.data.readers.pairs import PairsOnDisk
from course_lib.errors import InputError

# What COCO calls otherwise than VOC; the other 14 classes have one name in both.
CALLED = {
    "airplane": "aeroplane",
    "dining table": "diningtable",
    "motorcycle": "motorbike",
    "potted plant": "pottedplant",
    "couch": "sofa",
    "tv": "tvmonitor",
}
OVERLAPS = ("void", "first", "smallest")


class CocoVoc(PairsOnDisk):
    """COCO's objects of the 20 classes of VOC, drawn into one map; crowds as well.

    All else is background, also where an object of another class hides one of these.

    The rules are those with which torchvision trained its segmentation nets.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        transform: Callable | None = None,
        *,
        more_than: int | None = 1000,
        overlaps: str = "void",
    ):
        """Open a split.

        Args:
            root: the folder that holds ``annotations`` and the pictures.
            split: such as "val2017"; "val" will do where there is one year only.
            transform: joint transform of (image, mask), or None.
            more_than: only pictures with more labelled pixels than this; None gives
                all. All of train2017 are counted anew each time, in about a minute.
            overlaps: what a pixel of several objects becomes: "void", or the class of
                the "first" in the file or of the "smallest" object.

        Raises:
            InputError: where files are missing or damaged.
        """
        if overlaps not in OVERLAPS:
            raise InputError(f"overlaps is {overlaps!r}; choose {', '.join(OVERLAPS)}")
        self.coco, self.overlaps = CocoInstances(root, split), overlaps
        self.split, coco = self.coco.split, self.coco
        if more_than is not None:
            counts = ((p, labelled_pixels(p)) for p in coco.pictures)
            coco.pictures = [p for p, count in counts if count > more_than]
        if not coco.pictures:
            raise InputError(
                f"{coco.path}: no picture has more than {more_than} pixels of VOC's "
                "classes; give another more_than"
            )
        pairs = [(coco.folder / picture.file, coco.path) for picture in coco.pictures]
        super().__init__("coco_voc", VOC, pairs, transform)

    def labels(self, i: int) -> tv_tensors.Mask:
        """(H, W) int64 of one sample, without its picture and its transform."""
        picture = self.coco.pictures[i]
        things = things_of_voc(picture)
        masks = masks_of(things, picture, self.file(i)).bool()
        classes = [voc_class(thing.name) for thing in things]
        return tv_tensors.Mask(draw(masks, classes, self.overlaps))

    def file(self, i: int) -> str:
        """The JSON and the picture of a sample, to be named in messages."""
        return self.coco.file(i)


def voc_class(name: str) -> int | None:
    """The class that COCO's name has in VOC; None for none."""
    name = CALLED.get(name, name)
    return VOC.index(name) if name in VOC.names[1:] else None


def things_of_voc(picture: Annotated) -> list[Thing]:
    """The objects of a picture that are of VOC's classes."""
    return [thing for thing in picture.things if voc_class(thing.name) is not None]


def labelled_pixels(picture: Annotated) -> int:
    """Pixels of a picture that belong to an object of VOC's classes."""
    from pycocotools import mask as rle

    codes = run_lengths_of(things_of_voc(picture), picture, picture.file)
    return int(rle.area(rle.merge(codes))) if codes else 0


def draw(masks: Tensor, classes: list[int], overlaps: str = "void") -> Tensor:
    """One class map of objects that may overlap.

    Args:
        masks: (N, H, W) bool.
        classes: of each object.
        overlaps: "void", "first" or "smallest".

    Returns:
        (H, W) int64, 0 where no object is.
    """
    drawn = torch.zeros(masks.shape[1:], dtype=torch.int64)
    order = list(reversed(range(len(masks))))
    if overlaps == "smallest":
        order.sort(key=lambda k: -int(masks[k].sum()))
    for k in order:  # the last one lies on top
        drawn[masks[k]] = classes[k]
    if overlaps == "void":
        drawn[masks.sum(dim=0) > 1] = VOID
    return drawn
