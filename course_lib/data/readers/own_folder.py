"""Your own folder of pictures and your own folder of label pictures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from course_lib.data.checker import check_mask
from course_lib.data.classes import ClassTable
from course_lib.data.images import read_image, read_labels, write_labels
from course_lib.data.readers.own_files import (
    finish,
    free_name,
    is_picture,
    replace_pair,
    set_aside,
)
from course_lib.data.readers.pairs import PairsOnDisk, by_stem, check_sizes, paired
from course_lib.errors import InputError


class LabelFolder(PairsOnDisk):
    """Your own folder of pictures and your own folder of label pictures.

    A picture and its labels have one stem: ``boat.jpg`` and ``boat.png``. Label
    pictures hold ids (mode L or P); with ``colours=True``, colours of ``classes``.
    ``add``, ``update`` and ``delete`` change the files: a process that dies, or a disk
    that is full, leaves every pair as it was or as it should be.

    Taught in chapters/01_pixels_and_labels.
    """

    def __init__(
        self,
        images_dir: str | Path,
        labels_dir: str | Path,
        classes: ClassTable,
        transform: Callable | None = None,
        *,
        colours: bool = False,
        create: bool = False,
    ):
        """Find the pairs.

        Args:
            images_dir: folder of the pictures.
            labels_dir: another folder, of the label pictures.
            classes: what the ids mean.
            transform: joint transform of (image, mask), or None.
            colours: the label pictures show colours of ``classes`` instead of ids.
            create: make the folders where they are not there; they may be empty.

        Raises:
            InputError: for an empty folder, a picture without labels, and where both
                folders are one.
        """
        self.images_dir, self.labels_dir = Path(images_dir), Path(labels_dir)
        if self.images_dir.resolve() == self.labels_dir.resolve():
            raise InputError(
                f"{images_dir} is given for pictures and for labels; give two folders"
            )
        if create:
            self.images_dir.mkdir(parents=True, exist_ok=True)
            self.labels_dir.mkdir(parents=True, exist_ok=True)
        finish(self.images_dir, self.labels_dir)
        name = self.images_dir.resolve().name
        pairs = find_pairs(self.images_dir, self.labels_dir, empty=create)
        super().__init__(name, classes, pairs, transform, colours=colours)

    @property
    def names(self) -> list[str]:
        """The stems of the pairs, in their order."""
        return [picture.stem for picture, _ in self.pairs]

    def add(self, image: Any, mask: Any) -> str:
        """Save a new pair under the time of day.

        Args:
            image: uint8 tensor (3, H, W), array or PIL picture (H, W, 3), or a file.
            mask: integer tensor or array (H, W), ids of the classes or 255, or a file.

        Returns:
            Its name, for ``update`` and ``delete``.

        Raises:
            InputError: for ids without a class and for two sizes; nothing is saved.
        """
        image, mask = as_image(image), self._as_mask(mask)
        check_sizes(image.shape[-2:], mask.shape, "the new picture", "the new mask")
        name = free_name(self.images_dir, self.labels_dir)
        self._save(name, image, mask)
        return name

    def update(self, name: str, image: Any = None, mask: Any = None) -> None:
        """Save another picture, other labels or both for a pair.

        Raises:
            InputError: as ``add`` does, and for an unknown name; nothing is changed.
        """
        i = self._index(name)
        image = None if image is None else as_image(image)
        mask = None if mask is None else self._as_mask(mask)
        size = self.image_size(i) if image is None else image.shape[-2:]
        ids = self.labels(i) if mask is None else mask
        check_sizes(size, ids.shape, f"the picture of {name}", f"the mask of {name}")
        self._save(name, image, mask)

    def delete(self, name: str) -> None:
        """Move a pair into the folders ``deleted`` inside those of the pictures.

        Nothing is destroyed: move the two files back to have it again.

        Raises:
            InputError: for an unknown name.
        """
        i = self._index(name)
        for path in self.pairs[i]:  # the picture first: labels alone are no pair
            set_aside(path)
        del self.pairs[i]

    def _index(self, name: str) -> int:
        if name not in self.names:
            raise InputError(
                f"{self.images_dir} has no picture {name!r}; .names lists those it has"
            )
        return self.names.index(name)

    def _as_mask(self, mask: Any) -> Tensor:
        if isinstance(mask, str | Path):
            mask = read_labels(mask)
        mask = mask.cpu() if isinstance(mask, Tensor) else torch.tensor(np.array(mask))
        if not mask.is_floating_point():
            mask = mask.long()  # ids of any width
        check_mask(mask, self.classes.num_classes, "the new mask")
        return mask

    def _save(self, name: str, image: Tensor | None, mask: Tensor | None) -> None:
        def picture(path: Path) -> None:
            save_rgb(path, image)

        def labels(path: Path) -> None:
            if self.colours:
                colours = self.classes.colour_map()[mask]  # (H, W, 3)
                save_rgb(path, colours.permute(2, 0, 1))
            else:
                write_labels(path, mask, self.classes)

        replace_pair(
            self.images_dir,
            self.labels_dir,
            name,
            None if image is None else picture,
            None if mask is None else labels,
        )
        self.pairs = find_pairs(self.images_dir, self.labels_dir)


def find_pairs(
    images_dir: Path, labels_dir: Path, empty: bool = False
) -> list[tuple[Path, Path]]:
    """The pictures of a folder with their labels; none only where ``empty``."""
    if empty and not any(is_picture(path) for path in images_dir.iterdir()):
        return []
    images, labels = by_stem(images_dir), by_stem(labels_dir)
    fix = "draw them, or move the picture elsewhere"
    return paired(images, labels, f"labels in {labels_dir}", fix)


def as_image(image: Any) -> Tensor:
    """Any picture as uint8 (3, H, W)."""
    if isinstance(image, str | Path):
        return read_image(image)
    if isinstance(image, Image.Image):
        image = image.convert("RGB")
    pixels = image.cpu() if isinstance(image, Tensor) else torch.tensor(np.array(image))
    if not isinstance(image, Tensor) and pixels.ndim == 3:
        pixels = pixels.permute(2, 0, 1)  # arrays and PIL have the channels last
    if pixels.dtype != torch.uint8 or pixels.ndim != 3 or pixels.shape[0] != 3:
        raise InputError(
            f"the new picture is {pixels.dtype} {tuple(pixels.shape)}; give a tensor "
            "uint8 (3, H, W), an array (H, W, 3) or a file"
        )
    return pixels


def save_rgb(path: Path, pixels: Tensor) -> None:
    """Save uint8 (3, H, W) as PNG, whatever the file's name ends in."""
    Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy()).save(path, "PNG")
