"""ADE20K, scene parsing: 150 classes; by its folders, or by a list of pictures."""

from collections.abc import Callable
from pathlib import Path

from torch import Tensor
from torchvision import tv_tensors

from course_lib.data.catalogue import check_folder
from course_lib.data.classes import ADE20K as CLASSES
from course_lib.data.classes import VOID
from course_lib.data.formats.odgt import read_odgt
from course_lib.data.images import read_labels
from course_lib.data.readers.pairs import PairsOnDisk, by_stem, check_split, paired
from course_lib.errors import InputError

FOLDERS = {"train": "training", "val": "validation", "test": "testing"}


class ADE20K(PairsOnDisk):
    """ADE20K: 20,210 train and 2,000 val pictures, ids 0-149.

    The files hold 1-150, and 0 for what is none of the classes: void.

    Zhou et al., Scene Parsing through ADE20K Dataset, CVPR 2017.
    Taught in chapters/01_pixels_and_labels.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        transform: Callable | None = None,
        *,
        odgt: str | Path | None = None,
    ):
        """Open a split.

        Args:
            root: the folder ``ADEChallengeData2016``.
            split: "train" or "val".
            transform: joint transform of (image, mask), or None.
            odgt: a list of pictures to take instead of all of the split.

        Raises:
            InputError: where files are missing; it shows the expected tree. For a
                line of the list that is none, with its number.
        """
        root = Path(root)
        check_split("ade20k", split, tuple(FOLDERS))
        if odgt is not None:
            pairs = pairs_of_list(odgt, root)
        else:
            check_folder(root, "ade20k")
            pairs = _pairs(root, split)
        super().__init__("ade20k", CLASSES, pairs, transform)
        self.split = split

    def labels(self, i: int) -> tv_tensors.Mask:
        """(H, W) int64 of one sample, without its picture and its transform."""
        return tv_tensors.Mask(from_file(read_labels(self.pairs[i][1])))


def from_file(values: Tensor) -> Tensor:
    """Ids of the values in a file: 1-150 become 0-149, and 0 becomes 255."""
    return (values - 1) % (VOID + 1)


def pairs_of_list(path: str | Path, root: str | Path) -> list[tuple[Path, Path]]:
    """The pairs of an odgt list.

    Args:
        path: the list; see ``formats.odgt``.
        root: the folder its paths begin in, or the one that they name first.

    Raises:
        InputError: for an empty list, a line that is none, and for missing files.
    """
    rows = read_odgt(path)
    if not rows:
        raise InputError(f"{path} is empty; it should hold one JSON object a line")
    return [
        (
            _file(row.fpath_img, path, Path(root)),
            _file(row.fpath_segm, path, Path(root)),
        )
        for row in rows
    ]


def _file(name: str, path: str | Path, root: Path) -> Path:
    for folder in (root, root.parent):
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"{path} names {name}, which {root} does not hold; give its root")


def _pairs(root: Path, split: str) -> list[tuple[Path, Path]]:
    """The pictures of a folder; all in one, their names begin with their split."""
    inner = FOLDERS[split] if (root / "images" / FOLDERS[split]).is_dir() else ""
    images = by_stem(root / "images" / inner)
    labels = by_stem(root / "annotations" / inner)
    stems = [stem for stem in images if inner or stem.startswith(f"ADE_{split}_")]
    if not stems:
        raise InputError(f"{root / 'images'} has no folder {FOLDERS[split]}; get it")
    chosen = {stem: images[stem] for stem in stems}
    return paired(chosen, labels, "labels", "get ADE20K again")
