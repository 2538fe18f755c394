"""Cityscapes: street pictures in 19 classes, and the instances of 8 of them.

Pictures lie in ``leftImg8bit/SPLIT/CITY/``, labels in ``gtFine/SPLIT/CITY/``: one file
of 34 label ids, one of 16-bit instance ids (label id * 1000 + number for a thing, the
bare label id for what is none, or is a group of things nobody could tell apart).
"""

import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torchvision import tv_tensors

from course_lib.data.catalogue import check_folder
from course_lib.data.classes import CITYSCAPES, VOID, ClassTable
from course_lib.data.images import read_labels
from course_lib.data.readers.pairs import (
    PICTURES,
    PairsOnDisk,
    check_split,
    check_task,
)
from course_lib.data.targets import target_of
from course_lib.errors import InputError

SPLITS = ("train", "val", "test")
# label ids that are trained on, in the order of their train ids 0-18
LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
FIRST_THING = CITYSCAPES.index("person")  # train ids 11-18 have instances
THINGS = ClassTable(
    "cityscapes things",
    ("background", *CITYSCAPES.names[FIRST_THING:]),
    ((0, 0, 0), *CITYSCAPES.palette[FIRST_THING:]),
)


def train_ids() -> Tensor:
    """The look-up table: train id 0-18 of every label id, 255 for others, (256,)."""
    table = torch.full((256,), VOID)
    table[list(LABEL_IDS)] = torch.arange(len(LABEL_IDS))
    return table


TRAIN_IDS = train_ids()


class Cityscapes(PairsOnDisk):
    """Cityscapes: 2,975 train and 500 val pictures of 2048x1024 with fine labels.

    Segmentation gives train ids 0-18, 255 = void. Detection gives labels 1-8, person
    to bicycle, with masks; a group of things is one, with ``iscrowd`` 1.

    Cordts et al., The Cityscapes Dataset, CVPR 2016.
    Taught in chapters/01_pixels_and_labels.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        transform: Callable | None = None,
        task: str = "segmentation",
    ):
        """Open a split; pictures without labels are left out, with a warning.

        Args:
            root: the folder that holds ``leftImg8bit`` and ``gtFine``.
            split: "train" or "val"; the labels of "test" are not open.
            transform: joint transform of (image, mask) or (image, target), or None.
            task: "segmentation" or "detection".

        Attributes:
            skipped: picture without labels -> what there is instead.

        Raises:
            InputError: where files are missing; it shows the expected tree. For a
                split where no picture has labels.
        """
        root = Path(root)
        check_split("cityscapes", split, SPLITS)
        check_task("cityscapes", task)
        check_folder(root, "cityscapes")
        kind = "labelIds" if task == "segmentation" else "instanceIds"
        pairs, self.skipped = find_pairs(root, split, kind)
        classes = CITYSCAPES if task == "segmentation" else THINGS
        super().__init__("cityscapes", classes, pairs, transform)
        self.split, self.task = split, task

    def labels(self, i: int) -> tv_tensors.Mask:
        """(H, W) int64 train ids of one sample, without picture and transform."""
        ids = label_ids(read_labels(self.pairs[i][1]), self.file(i))
        return tv_tensors.Mask(TRAIN_IDS[ids])

    def target(self, i: int) -> dict:
        """The things of one sample, without its picture and its transform."""
        return things_of(read_labels(self.pairs[i][1]), i, self.file(i))


def things_of(ids: Tensor, image_id: int, file: str = "the picture") -> dict:
    """The target of a picture: see ``target_of``.

    Args:
        ids: (H, W) int64, as in a file ``_instanceIds.png``.
        image_id: number of the picture.
        file: for the message.

    Raises:
        InputError: for an id that is none.
    """
    found = ids.unique()
    kinds = TRAIN_IDS[label_ids(found, file)]
    thing = (kinds >= FIRST_THING) & (kinds != VOID)
    found, labels = found[thing], kinds[thing] - FIRST_THING + 1  # (N,)
    target = target_of(ids == found[:, None, None], labels, image_id)
    return target | {"iscrowd": (found < 1000).long()}


def label_ids(ids: Tensor, file: str) -> Tensor:
    """Label ids of what may be instance ids: 26003 is 26, car, and 26 stays."""
    plain = torch.where(ids < 1000, ids, ids // 1000)
    if plain.max() > LABEL_IDS[-1]:
        raise InputError(
            f"{file} holds the id {int(ids[plain > LABEL_IDS[-1]][0])}, but label ids "
            "end at 33; give gtFine's own labelIds or instanceIds"
        )
    return plain


def find_pairs(
    root: Path, split: str, kind: str
) -> tuple[list[tuple[Path, Path]], dict[str, str]]:
    """Pictures with their labels of a kind, and those without: name -> what is there.

    Warns of the latter; raises ``InputError`` where no picture has labels.
    """
    pictures = sorted((root / "leftImg8bit" / split).glob("*/*_leftImg8bit.*"))
    pairs, skipped = [], {}
    for picture in (path for path in pictures if path.suffix.lower() in PICTURES):
        stem = picture.stem.removesuffix("_leftImg8bit")
        folder = root / "gtFine" / split / picture.parent.name
        labels = folder / f"{stem}_gtFine_{kind}.png"
        if labels.is_file():
            pairs.append((picture, labels))
            continue
        others = sorted(path.name for path in folder.glob(f"{stem}_gtFine_*"))
        skipped[stem] = f"only {', '.join(others)}" if others else "no labels"
    told = "; ".join(f"{name} has {what}" for name, what in skipped.items())
    if not pairs:
        raise InputError(
            f"{root} has no pair of a picture and its {kind} in {split}; "
            f"{told[:300] or 'its folder holds no picture'}; get the missing files"
        )
    if skipped:
        warnings.warn(
            f"cityscapes {split}: {len(skipped)} of {len(pairs) + len(skipped)} "
            f"pictures are left out: {told[:300]}",
            stacklevel=3,
        )
    return pairs, skipped
