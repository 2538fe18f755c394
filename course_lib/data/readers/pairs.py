"""What every data set of pictures and label pictures on disk shares."""

from collections.abc import Callable, Container, Iterable
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision import tv_tensors

from course_lib.data.classes import ClassTable
from course_lib.data.formats.files import read_text
from course_lib.data.images import (
    colour_to_index,
    picture_size,
    read_image,
    read_labels,
)
from course_lib.errors import InputError

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp")


class PairsOnDisk(Dataset):
    """Pictures and label pictures, pair by pair.

    A sample is (image uint8 (3, H, W), mask int64 (H, W)), 255 = void, or what
    ``transform(image, mask)`` makes of it. A reader that serves detection too has
    ``target(i)``, which takes the place of the mask where ``task`` says so.
    """

    task = "segmentation"

    def __init__(
        self,
        name: str,
        classes: ClassTable,
        pairs: list[tuple[Path, Path]],
        transform: Callable | None = None,
        *,
        ids: dict[int, int] | None = None,
        colours: bool = False,
    ):
        """Name the pairs.

        Args:
            name: of the data set.
            classes: what the ids mean.
            pairs: (picture, label picture).
            transform: joint transform, or None.
            ids: id in the file -> id here, such as {11: 255}; others stay.
            colours: the label pictures show colours of ``classes`` instead of ids.
        """
        self.name, self.classes, self.pairs = name, classes, pairs
        self.transform, self.ids, self.colours = transform, ids or {}, colours

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor | dict]:
        image = self.image(i)
        if self.task == "detection":
            found = self.target(i)
            size = found["boxes"].canvas_size
        else:
            found = self.labels(i)
            size = found.shape
        check_sizes(image.shape[-2:], size, *self.pairs[i])
        return self.transform(image, found) if self.transform else (image, found)

    def image(self, i: int) -> tv_tensors.Image:
        """(3, H, W) uint8 of one sample, without its labels and its transform."""
        return read_image(self.pairs[i][0])

    def image_size(self, i: int) -> tuple[int, int]:
        """(H, W) of ``image(i)``, from the header of the file alone."""
        return picture_size(self.pairs[i][0])

    def labels(self, i: int) -> tv_tensors.Mask:
        """(H, W) int64 of one sample, without its picture and its transform."""
        path = self.pairs[i][1]
        if self.colours:
            try:
                return colour_to_index(read_image(path), self.classes)
            except InputError as error:
                raise InputError(f"{path}: {error}") from None
        mask = read_labels(path)
        for old, new in self.ids.items():
            mask[mask == old] = new
        return mask

    def file(self, i: int) -> str:
        """The label picture of a sample, to be named in messages."""
        return str(self.pairs[i][1])


def by_stem(folder: str | Path, endings: tuple[str, ...] = PICTURES) -> dict[str, Path]:
    """The pictures of a folder by file name without ending, in order.

    Args:
        folder: that holds them.
        endings: of the files, where these are no pictures, such as (".xml",).

    Raises:
        InputError: for a folder that is not there or holds no picture, and for two
            pictures of one stem.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; check the name")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in endings or path.name.startswith("."):
            continue
        if path.stem in found:
            raise InputError(
                f"{found[path.stem]} and {path.name} share the stem {path.stem}; "
                "rename one, pairs are found by it"
            )
        found[path.stem] = path
    if not found:
        kinds = "picture; give a folder of PNG or JPEG"
        if endings is not PICTURES:
            kinds = f"{' or '.join(endings)}; give the folder of these files"
        raise InputError(f"{folder} holds no {kinds}")
    return found


def pairs_of_split(
    list_file: Path,
    images_dir: Path,
    labels_dir: Path,
    endings: tuple[str, ...] = PICTURES,
) -> list[tuple[Path, Path]]:
    """Pairs in the order of a list, one a line: a stem, or a path whose stem counts.

    ``endings`` are those of the labels, where these are no pictures.

    Raises:
        InputError: for an empty list, and for a name without its files.
    """
    lines = read_text(list_file).split("\n")
    stems = [Path(line.split()[0]).stem for line in lines if line.strip()]
    if not stems:
        raise InputError(f"{list_file} is empty; it should hold one name a line")
    images, labels = by_stem(images_dir), by_stem(labels_dir, endings)
    check_named(list_file, stems, images, images_dir)
    check_named(list_file, stems, labels, labels_dir)
    return [(images[stem], labels[stem]) for stem in stems]


def check_named(
    told: Path, names: list[str], there: Container[str], folder: object
) -> None:
    """Refuse a list or table with a name whose file is not there."""
    missing = [name for name in names if name not in there]
    if missing:
        raise InputError(
            f"{told} names {missing[0]}, which {folder} does not hold ({len(missing)} "
            f"such of {len(names)}); get the data set again"
        )


def paired(
    files: dict[str, Path], others: dict[str, Path], what: str, fix: str
) -> list[tuple[Path, Path]]:
    """Every file with that of its stem among others; none may be without.

    ``what`` names the others in the sentence, such as "labels in a/b".
    """
    alone = [path for stem, path in files.items() if stem not in others]
    if alone:
        raise InputError(
            f"{alone[0]} has no {what} ({len(alone)} such of {len(files)}); {fix}"
        )
    return [(path, others[stem]) for stem, path in files.items()]


def inner_folder(root: str | Path, *inner: str) -> Path:
    """The first folder inside ``root`` that is there; else ``root`` itself."""
    folders = (Path(root) / name for name in inner)
    return next((folder for folder in folders if folder.is_dir()), Path(root))


def check_split(name: str, split: str, splits: tuple[str, ...]) -> None:
    """Refuse a split that a data set does not have."""
    if split not in splits:
        raise InputError(f"{name} has no split {split!r}; it has {', '.join(splits)}")


def check_task(
    name: str, task: str, tasks: Iterable[str] = ("segmentation", "detection")
) -> None:
    """Refuse a task that a data set does not have."""
    if task not in tasks:
        raise InputError(f"{name} has no task {task!r}; it has {', '.join(tasks)}")


def check_sizes(
    image: torch.Size, mask: torch.Size, image_file: object, mask_file: object
) -> None:
    """Refuse a pair of two sizes, (H, W) each."""
    if tuple(image) != tuple(mask):
        raise InputError(
            f"{mask_file} is {mask[1]}x{mask[0]} but its picture {image_file} is "
            f"{image[1]}x{image[0]} (width x height); resize the labels by nearest "
            "neighbour, or find the right pair"
        )
