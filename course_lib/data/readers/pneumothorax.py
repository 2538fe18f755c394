"""SIIM-ACR pneumothorax: chest X-rays in DICOM, masks as run lengths in one table."""

import csv
from collections.abc import Callable
from pathlib import Path

import torch
from torchvision import tv_tensors

from course_lib.data.catalogue import check_folder
from course_lib.data.classes import ClassTable
from course_lib.data.dicom import dicom_size, read_dicom
from course_lib.data.readers.pairs import PairsOnDisk, check_named, check_split
from course_lib.data.run_lengths import decode
from course_lib.errors import InputError

CLASSES = ClassTable(
    "pneumothorax", ("background", "pneumothorax"), ((40, 30, 40), (230, 159, 0))
)
TABLE = "train-rle.csv"
NONE = "-1"  # what stands for a mask where there is none
HELD_OUT = (250, 250)  # pictures of "val": the first with a mask, the first without


class Pneumothorax(PairsOnDisk):
    """X-rays of 1024x1024, 2379 with air beside the lung and 8296 without.

    The rows of one picture are one mask together. Pictures without a row are left out.

    Filice et al., Crowdsourcing pneumothorax annotations using machine learning
    annotations on the NIH chest X-ray dataset, Journal of Digital Imaging 2020.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        transform: Callable | None = None,
        *,
        held_out: tuple[int, int] = HELD_OUT,
    ):
        """Open a split, in the order of the table.

        Args:
            root: the folder that holds ``train-rle.csv`` and ``dicom-images-train``.
            split: "train" or "val".
            transform: joint transform of (image, mask), or None.
            held_out: how many pictures with and without a mask make up "val".

        Raises:
            InputError: where files are missing, and for a table that is damaged.
        """
        root = Path(root)
        check_split("pneumothorax", split, ("train", "val"))
        check_folder(root, "pneumothorax")
        self.codes = read_table(root / TABLE)
        names = split_names(self.codes, held_out)[split]
        if not names:
            raise InputError(
                f"{root / TABLE} leaves no picture for {split}; val takes the first "
                f"{held_out[0]} with and {held_out[1]} without a mask (held_out)"
            )
        files = {path.stem: path for path in root.glob("dicom-images-train/*/*/*.dcm")}
        check_named(root / TABLE, names, files, "dicom-images-train")
        pairs = [(files[name], root / TABLE) for name in names]
        super().__init__("pneumothorax", CLASSES, pairs, transform)
        self.split = split

    def image(self, i: int) -> tv_tensors.Image:
        """(3, H, W) uint8 of one sample."""
        return read_dicom(self.pairs[i][0])

    def image_size(self, i: int) -> tuple[int, int]:
        """(H, W) of ``image(i)``, from the header of the file alone."""
        return dicom_size(self.pairs[i][0])

    def labels(self, i: int) -> tv_tensors.Mask:
        """(H, W) int64 of one sample, its rows laid together."""
        mask = torch.zeros(self.image_size(i), dtype=torch.int64)
        for code in self.codes[self.pairs[i][0].stem]:
            try:
                mask[torch.from_numpy(decode(code, tuple(mask.shape), "siim"))] = 1
            except InputError as error:
                raise InputError(f"{self.file(i)}: {error}") from None
        return tv_tensors.Mask(mask)

    def file(self, i: int) -> str:
        """The table and the row of a sample, to be named in messages."""
        picture, table = self.pairs[i]
        return f"{table}, {picture.stem}"


def read_table(path: Path) -> dict[str, list[str]]:
    """Run lengths of every picture by its name; an empty list where there is no mask.

    Raises:
        InputError: for a table without its two columns, an empty cell, and a picture
            that has both a mask and none.
    """
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
    if not rows or rows[0][:2] != ["ImageId", "EncodedPixels"]:
        raise InputError(
            f"{path} does not begin with ImageId, EncodedPixels; get it again"
        )
    codes: dict[str, list[str]] = {}
    for row in rows[1:]:
        if len(row) < 2 or not row[0] or not row[1]:
            raise InputError(
                f"{path} has a row {row} without its two cells; get it again"
            )
        codes.setdefault(row[0], []).append(row[1])
    for name, own in codes.items():
        if NONE in own and set(own) != {NONE}:
            raise InputError(
                f"{path} has a mask for {name} and {NONE}, no mask; keep one of them"
            )
    return {name: [c for c in own if c != NONE] for name, own in codes.items()}


def split_names(
    codes: dict[str, list[str]], held_out: tuple[int, int] = HELD_OUT
) -> dict[str, list[str]]:
    """Names of "train" and "val", each in the order of the table, none in both."""
    positive = [name for name, own in codes.items() if own]
    negative = [name for name, own in codes.items() if not own]
    first = {*positive[: held_out[0]], *negative[: held_out[1]]}
    return {
        "train": [name for name in codes if name not in first],
        "val": [name for name in codes if name in first],
    }
