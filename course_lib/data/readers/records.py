"""A folder of shards as a data set: any sample by its number."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from torch import Tensor
from torch.utils.data import Dataset

from course_lib.data.classes import table_of
from course_lib.data.records.codec import decode
from course_lib.data.records.index import checksum, read_about, read_index, unpack
from course_lib.errors import InputError


class Records(Dataset):
    """The samples that ``write_shards`` was given, the same to the last bit.

    Taught in chapters/01_pixels_and_labels.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = None,
        transform: Callable | None = None,
    ):
        """Open a folder of shards; nothing is kept open.

        Args:
            root: the folder that holds ``about.json``, or one such for each split.
            split: names the folder inside ``root``; None is ``root`` itself.
            transform: joint transform of (image, mask or target), or None.

        Raises:
            InputError: for a folder without records, and for shards that are missing,
                cut, or not those of the index.
        """
        self.folder = Path(root) / (split or "")
        self.about = read_about(self.folder)
        self.index = read_index(self.folder, self.about)  # (N, 4), memory-mapped
        self.name, self.split = self.about["name"], self.about["split"]
        self.classes, self.transform = table_of(self.about["classes"]), transform

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor | dict]:
        image, labels = decode(self.read(i), f"sample {i} of {self.folder}")
        return self.transform(image, labels) if self.transform else (image, labels)

    def read(self, i: int) -> dict[str, bytes]:
        """The files of a sample, such as "image.jpg", with one seek in its shard.

        Raises:
            InputError: where these are not the bytes that were written.
        """
        shard, offset, size, expected = self.index[i].tolist()
        path = self.folder / self.about["shards"][shard]["file"]
        with open(path, "rb") as file:
            file.seek(offset)
            members = file.read(size)
        with contextlib.suppress(ValueError):  # no number where a length should be
            parts = unpack(members)
            if checksum(parts) == expected:
                return parts
        raise InputError(
            f"sample {i} in {path} is damaged, or the shard is not that of the index; "
            f"run `python -m course_lib shards check {self.folder}`"
        )

    def file(self, i: int) -> str:
        """Name of the source's file, to be named in messages."""
        return self.about["files"][i]
