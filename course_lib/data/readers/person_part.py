"""Pascal-Person-Part: 3,533 pictures of VOC, people in six parts."""

from collections.abc import Callable
from pathlib import Path

from course_lib.data.catalogue import check_folder
from course_lib.data.classes import ClassTable, voc_palette
from course_lib.data.readers.pairs import (
    PairsOnDisk,
    by_stem,
    check_split,
    paired,
    pairs_of_split,
)
from course_lib.errors import InputError

CLASSES = ClassTable(
    "person_part",
    (
        "background",
        "head",
        "torso",
        "upper arms",
        "lower arms",
        "upper legs",
        "lower legs",
    ),
    voc_palette(7),
)
LISTS = "pascal_person_part_trainval_list"


class PersonPart(PairsOnDisk):
    """People in parts: 1,716 train and 1,817 val pictures, ids 0-6, no void.

    Chen et al., Detect What You Can: Detecting and Representing Objects using
    Holistic Models and Body Parts, CVPR 2014.
    """

    def __init__(
        self, root: str | Path, split: str = "train", transform: Callable | None = None
    ):
        """Open a split.

        Args:
            root: the folder that holds ``pascal_person_part_gt``.
            split: "train" or "val"; "all" for two folders ``images`` and ``labels``
                without lists, as samples come.
            transform: joint transform of (image, mask), or None.

        Raises:
            InputError: where files are missing; it shows the expected tree.
        """
        root = Path(root)
        pairs = _sample(root) if split == "all" else _split(root, split)
        super().__init__("person_part", CLASSES, pairs, transform)
        self.split = split


def _split(root: Path, split: str) -> list[tuple[Path, Path]]:
    if not (root / LISTS).is_dir() and (root / "labels").is_dir():
        raise InputError(
            f"{root} holds images/ and labels/ without a list of {split!r}; open it "
            'as split "all"'
        )
    check_folder(root, "person_part")
    known = sorted(path.stem for path in (root / LISTS).glob("*.txt"))
    check_split("person_part", split, (*known, "all"))
    return pairs_of_split(
        root / LISTS / f"{split}.txt",
        root / "JPEGImages",
        root / "pascal_person_part_gt",
    )


def _sample(root: Path) -> list[tuple[Path, Path]]:
    images, labels = by_stem(root / "images"), by_stem(root / "labels")
    found = paired(labels, images, f"picture in {root / 'images'}", "get it")
    return [(picture, path) for path, picture in found]
