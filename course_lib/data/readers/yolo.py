"""A folder of pictures with YOLO labels, as Ultralytics or Darknet describe it.

The labels of ``images/a/b.jpg`` lie in ``labels/a/b.txt``; else beside the picture; or
in a folder that is named.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils.data import Dataset

from course_lib.data.classes import ClassTable, voc_palette
from course_lib.data.formats.yolo_plan import SPLITS, list_pictures, read_plan
from course_lib.data.formats.yolo_txt import read_labels, to_pixels
from course_lib.data.images import read_image
from course_lib.data.targets import target_of_boxes
from course_lib.data.tree import check_tree
from course_lib.errors import InputError


class YoloFolder(Dataset):
    """Pictures and boxes: (image uint8 (3, H, W), target) as detectors want them.

    The target is that of ``data.targets.target_of`` without masks; class 0 of the
    files is label 1.

    Taught in chapters/15_training_yolo.
    """

    name = "yolo-folder"

    def __init__(
        self,
        path: str | Path,
        split="train",
        transform: Callable | None = None,
        *,
        labels: str | Path | None = None,
    ):
        """Open a split.

        Args:
            path: ``data.yaml``, the folder that holds it, or a Darknet ``.data`` file.
            split: "train", "val" or "test".
            transform: joint transform of (image, target).
            labels: the folder of the label files, where it is not found as above.

        Raises:
            InputError: for a file that says too little, or a split without pictures.
        """
        if split not in SPLITS:
            raise InputError(f"there is no split {split!r}; choose {', '.join(SPLITS)}")
        path, self.labels = Path(path), labels
        if path.is_dir():
            about = {"data.yaml": "says train:, val: and names:"}
            check_tree(path, "YOLO", about, "write it, or give a Darknet .data file")
            path = path / "data.yaml"
        if labels is not None and not Path(labels).is_dir():
            raise InputError(f"there is no folder {labels}; give that of the labels")
        plan = read_plan(path)
        self.names, self.transform = plan["names"], transform
        names = ("background", *self.names)
        self.classes = ClassTable(path.stem, names, voc_palette(len(names)))
        entry = next((plan[key] for key in SPLITS[split] if plan.get(key)), None)
        if entry is None:
            raise InputError(f"{path} does not say {split}:, where its pictures are")
        self.pictures = list_pictures(entry, path)

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, i: int):
        image = read_image(self.pictures[i])
        size = tuple(image.shape[-2:])
        labels = self.label_file(i)
        kinds, boxes = torch.zeros(0, dtype=torch.int64), torch.zeros(0, 4)
        if labels.is_file():
            kinds, boxes = read_labels(labels, len(self.names))
        boxes = to_pixels(boxes, size)  # (N, 4)
        target = target_of_boxes(boxes, kinds + 1, i, size)
        return self.transform(image, target) if self.transform else (image, target)

    def label_file(self, i: int) -> Path:
        """Where the labels of a sample lie."""
        if self.labels is None:
            return label_file(self.pictures[i])
        return Path(self.labels) / f"{self.pictures[i].stem}.txt"

    def file(self, i: int) -> str:
        """The picture of a sample, to be named in messages."""
        return str(self.pictures[i])


def label_file(picture: Path) -> Path:
    """Where the labels of a picture lie: ``images`` becomes ``labels``, ``.txt``."""
    parts = list(picture.parts)
    for i in range(len(parts) - 2, -1, -1):
        if parts[i] == "images":
            parts[i] = "labels"
            return Path(*parts).with_suffix(".txt")
    return picture.with_suffix(".txt")


def check_folder(dataset: YoloFolder) -> dict[str, int]:
    """Read every label of a split and count.

    Returns:
        ``pictures``, ``without labels``, ``objects``, then objects of every class.

    Raises:
        InputError: for the first label that is wrong, naming file and line, and where
            no picture has a label (the usual reason: ``labels`` is misspelt).

    Taught in chapters/15_training_yolo.
    """
    counts = dict.fromkeys(dataset.names, 0)
    empty = 0
    for i, picture in enumerate(dataset.pictures):
        if not picture.is_file():
            raise InputError(f"there is no picture {picture}; correct the list")
        file = dataset.label_file(i)
        kinds = read_labels(file, len(dataset.names))[0] if file.is_file() else []
        empty += len(kinds) == 0
        for kind in kinds:
            counts[dataset.names[int(kind)]] += 1
    if empty == len(dataset):
        raise InputError(
            f"none of {len(dataset)} pictures has a label; the first was looked for in "
            f"{dataset.label_file(0)}"
        )
    objects = sum(counts.values())
    return {
        "pictures": len(dataset),
        "without labels": empty,
        "objects": objects,
    } | counts
