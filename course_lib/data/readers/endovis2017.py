"""EndoVis 2017: instruments of a surgical robot, told apart three ways.

A frame has one label picture for each instrument in sight, in a folder named after it;
left and right are two folders. What is no robot's instrument (``Other_labels``, code
40: an ultrasound probe) is background here, as where the challenge counts.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torchvision import tv_tensors

from course_lib.data.catalogue import check_folder
from course_lib.data.classes import (
    ENDOVIS_BINARY,
    ENDOVIS_PARTS,
    ENDOVIS_TYPES,
    VOID,
)
from course_lib.data.images import picture_size, read_image
from course_lib.data.readers.endovis_border import COLUMNS, ROWS, crop_border
from course_lib.data.readers.pairs import (
    PairsOnDisk,
    by_stem,
    check_split,
    check_task,
    paired,
)
from course_lib.errors import InputError

TASKS = {"binary": ENDOVIS_BINARY, "parts": ENDOVIS_PARTS, "type": ENDOVIS_TYPES}
CODES = torch.full((256,), VOID, dtype=torch.uint8)  # code in the files -> id
CODES[[0, 10, 20, 30, 40]] = torch.tensor([0, 1, 2, 3, 0], dtype=torch.uint8)
TRAINING = range(1, 9)  # the sequences with labels of their own; 9 and 10 are the test


class EndoVis2017(PairsOnDisk):
    """Frames in sequences: ``instrument_dataset_N/left_frames`` and ``ground_truth``.

    Takes also a folder of ``images/`` and ``parts_masks/`` as one split, "test", that
    knows no types. Where two label pictures meet, the higher id wins.

    Allan et al., 2017 Robotic Instrument Segmentation Challenge, 2019.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        transform: Callable | None = None,
        *,
        task: str = "binary",
        crop: bool = True,
        validation: tuple[int, ...] = (3,),
    ):
        """Open a split; no sequence is in two.

        Args:
            root: the folder that holds ``instrument_dataset_1`` and so on.
            split: "train", "val", or "test" for sequences 9 and 10.
            transform: joint transform of (image, mask), or None.
            task: "binary" (2 classes), "parts" (4) or "type" (7).
            crop: leave out the black border: 1280x1024 pixels of 1920x1080.
            validation: numbers of the sequences that make up "val".

        Raises:
            InputError: where files are missing, and for an unknown split or task.
        """
        root = Path(root)
        check_split("endovis2017", split, ("train", "val", "test"))
        check_task("endovis2017", task, TASKS)
        if (root / "parts_masks").is_dir():
            frames = _flat(root, split, task)
        else:
            check_folder(root, "endovis2017")
            frames = _sequences(root, split, validation)
        self.instruments = dict(frames)  # frame -> {label picture: id of its type}
        pairs = [(frame, next(iter(masks))) for frame, masks in frames]
        super().__init__("endovis2017", TASKS[task], pairs, transform)
        self.split, self.task, self.crop = split, task, crop

    def image(self, i: int) -> tv_tensors.Image:
        """(3, H, W) uint8 of one frame."""
        image = read_image(self.pairs[i][0])
        return crop_border(image, self.pairs[i][0]) if self.crop else image

    def image_size(self, i: int) -> tuple[int, int]:
        """(H, W) of ``image(i)``, from the header of the file alone."""
        height, width = picture_size(self.pairs[i][0])
        inner = (height - 2 * ROWS, width - 2 * COLUMNS)
        return inner if self.crop else (height, width)

    def labels(self, i: int) -> tv_tensors.Mask:
        """(H, W) int64 of one frame, its instruments merged."""
        frame = self.pairs[i][0]
        merged = torch.zeros(picture_size(frame), dtype=torch.uint8)
        for path, kind in self.instruments[frame].items():
            parts = read_parts(path)
            if parts.shape != merged.shape:
                raise InputError(
                    f"{path} is {parts.shape[1]}x{parts.shape[0]} but its frame is "
                    f"{merged.shape[1]}x{merged.shape[0]}; get the data set again"
                )
            if self.task != "parts":
                parts = parts.sign() * (kind if self.task == "type" else 1)
            merged = merged.maximum(parts)
        merged = crop_border(merged, frame) if self.crop else merged
        return tv_tensors.Mask(merged.long())


def read_parts(path: Path) -> Tensor:
    """Part ids (H, W) uint8 of one label picture, grey or grey in three channels."""
    red, green, blue = read_image(path).as_subclass(Tensor)
    ids = CODES[red.int()]
    if (ids == VOID).any() or not (torch.equal(red, green) and torch.equal(red, blue)):
        wrong = red[ids == VOID][:1].tolist() or ["a colour"]
        raise InputError(
            f"{path} holds {wrong[0]}, but parts are 0, 10, 20, 30 or 40 in grey; "
            "save label pictures as PNG, never as JPEG"
        )
    return ids


def type_of(folder: str) -> int | None:
    """The type id of a folder such as ``Left_Prograsp_Forceps_labels``; of others None.

    Raises:
        InputError: for a name that holds no instrument.
    """
    words = folder.lower().replace("_", " ")
    for kind, name in enumerate(ENDOVIS_TYPES.names):
        if kind and name in words:
            return kind
    if words.startswith("other"):
        return None
    raise InputError(
        f"the folder {folder} names no instrument; it should hold one of "
        f"{', '.join(ENDOVIS_TYPES.names[1:])}, or be Other_labels"
    )


def _sequences(root: Path, split: str, validation: tuple[int, ...]) -> list:
    """(frame, {label picture: type}) of the sequences of a split, in their order."""
    frames = []
    for folder in sorted(root.glob("instrument_dataset_*/"), key=_number):
        if split == _split_of(_number(folder), validation):
            frames += _sequence(folder)
    if not frames:
        raise InputError(
            f"{root} holds no sequence of the split {split}; val is "
            f"{', '.join(map(str, validation))}, test is 9 and 10, train the others"
        )
    return frames


def _split_of(number: int, validation: tuple[int, ...]) -> str:
    if number in validation:
        return "val"
    return "train" if number in TRAINING else "test"


def _number(folder: Path) -> int:
    last = folder.name.rpartition("_")[2]
    if not last.isdecimal():
        raise InputError(f"{folder} should end in a number, as instrument_dataset_1")
    return int(last)


def _sequence(folder: Path) -> list:
    frames = by_stem(folder / "left_frames")
    masks = {frame: {} for frame in frames.values()}
    for labels in sorted((folder / "ground_truth").glob("*/")):
        kind = type_of(labels.name)
        if kind is None:
            continue
        what = f"labels in {labels}"
        for frame, path in paired(frames, by_stem(labels), what, "get them again"):
            masks[frame][path] = kind
    if not all(masks.values()):
        raise InputError(f"{folder}/ground_truth holds no instrument; get it again")
    return list(masks.items())


def _flat(root: Path, split: str, task: str) -> list:
    if split != "test" or task == "type":
        raise InputError(
            f"{root} holds images/ and parts_masks/, neither sequences nor types; open "
            'it as split "test" for the task "binary" or "parts"'
        )
    folder = root / "parts_masks"
    what, fix = f"labels in {folder}", "get them again"
    pairs = paired(by_stem(root / "images"), by_stem(folder), what, fix)
    return [(frame, {labels: 1}) for frame, labels in pairs]
