"""NYUv2: rooms, in the 13 classes of Couprie and of SceneNet."""

import re
from collections.abc import Callable
from pathlib import Path

from torchvision import tv_tensors

from course_lib.data.catalogue import check_folder, source
from course_lib.data.classes import VOID, ClassTable
from course_lib.data.readers.pairs import PairsOnDisk, by_stem, check_split
from course_lib.errors import InputError

# The colours of SceneNet, but for the window, whose colour is nearly that of void.
CLASSES = ClassTable(
    "nyuv2",
    (
        "bed", "books", "ceiling", "chair", "floor", "furniture", "objects",
        "picture", "sofa", "table", "tv", "wall", "window",
    ),
    (
        (0, 0, 255), (233, 89, 48), (0, 218, 0), (149, 0, 240), (222, 241, 24),
        (255, 206, 206), (0, 224, 229), (106, 136, 204), (117, 29, 41),
        (240, 35, 235), (0, 167, 156), (249, 139, 0), (140, 200, 255),
    ),
)  # fmt: skip
SPLITS = ("train", "test")


class NYUv2(PairsOnDisk):
    """NYUv2 in 13 classes: 795 train and 654 test pictures of 640x480.

    The files hold 0 for what nobody labelled and 1-13; here that is 255 and 0-12.

    Silberman et al., Indoor segmentation and support inference from RGBD images, ECCV
    2012; the 13 classes: Couprie et al., Indoor semantic segmentation using depth
    information, ICLR 2013; the files: Handa et al., SceneNet, 2015.
    """

    def __init__(
        self, root: str | Path, split: str = "train", transform: Callable | None = None
    ):
        """Open a split.

        Args:
            root: the folder that holds ``train/images``, ``train/annotations`` ...
            split: "train" or "test".
            transform: joint transform of (image, mask), or None.

        Raises:
            InputError: where files are missing; it shows the expected tree.
        """
        root = Path(root)
        check_split("nyuv2", split, SPLITS)
        check_folder(root, "nyuv2")
        images = by_number(root / split / "images")
        labels = by_number(root / split / "annotations")
        if alone := images.keys() ^ labels.keys():
            number = min(alone)
            raise InputError(
                f"{(images | labels)[number]} has no partner with the number {number} "
                f"({len(alone)} such); {source('nyuv2').fix}"
            )
        pairs = [(path, labels[number]) for number, path in images.items()]
        super().__init__("nyuv2", CLASSES, pairs, transform)
        self.split = split

    def labels(self, i: int) -> tv_tensors.Mask:
        """(H, W) int64 of one sample: ids 0-12, 255 = void."""
        mask = super().labels(i)  # 0 = unlabelled, then 1-13
        mask[mask == 0] = VOID + 1
        return tv_tensors.Mask(mask - 1)


def by_number(folder: Path) -> dict[int, Path]:
    """The pictures of a folder by the number at the end of their names."""
    found = {}
    for stem, path in by_stem(folder).items():
        number = re.search(r"\d+$", stem)
        if number is None:
            raise InputError(f"{path} has no number at its end; {source('nyuv2').fix}")
        found[int(number[0])] = path
    return dict(sorted(found.items()))
