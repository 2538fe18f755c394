"""PASCAL VOC 2012, segmentation: palette label pictures, 21 classes, void borders."""

from collections.abc import Callable
from pathlib import Path

from course_lib.data.catalogue import check_folder
from course_lib.data.classes import VOC
from course_lib.data.readers.pairs import (
    PairsOnDisk,
    check_split,
    inner_folder,
    pairs_of_split,
)

NEEDED = ("JPEGImages/", "SegmentationClass/", "ImageSets/Segmentation/*.txt")


class VOCSegmentation(PairsOnDisk):
    """Folders in the layout of PASCAL VOC; the original has 1464 train, 1449 val.

    Everingham et al., The PASCAL Visual Object Classes Challenge, IJCV 2010.
    Taught in chapters/01_pixels_and_labels.
    """

    def __init__(
        self, root: str | Path, split: str = "train", transform: Callable | None = None
    ):
        """Open a split.

        Args:
            root: the folder ``VOC2012``, or the ``VOCdevkit`` around it.
            split: the stem of a list in ``ImageSets/Segmentation``.
            transform: joint transform of (image, mask), or None.

        Raises:
            InputError: where files are missing; it shows the expected tree.
        """
        root = voc_folder(Path(root))
        check_folder(root, "voc2012", NEEDED)
        lists = root / "ImageSets" / "Segmentation"
        splits = tuple(sorted(path.stem for path in lists.glob("*.txt")))
        check_split(f"the VOC folder {root}", split, splits)
        pairs = pairs_of_split(
            lists / f"{split}.txt", root / "JPEGImages", root / "SegmentationClass"
        )
        super().__init__("voc", VOC, pairs, transform)
        self.split = split


def voc_folder(root: Path) -> Path:
    """The folder VOC2012 itself, where ``root`` may be one around it."""
    return inner_folder(root, "VOC2012", "VOCdevkit/VOC2012")
