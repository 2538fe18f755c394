"""A folder of pictures with YOLO labels, as Ultralytics or Darknet describe it.

``data.yaml`` (Ultralytics) says ``path, train, val, test, names``; a ``.data`` file
(Darknet) says ``train = list``, ``valid = list``, ``names = file``. A split is a
folder of pictures or a text file with one picture a line. The labels of
``images/a/b.jpg`` lie in ``labels/a/b.txt``; else beside the picture.
"""

from collections.abc import Callable
from pathlib import Path

import torch
import yaml
from torch.utils.data import Dataset
from torchvision import tv_tensors

from course_lib.data.classes import ClassTable, voc_palette
from course_lib.data.formats.yolo_txt import read_labels, to_pixels
from course_lib.data.images import read_image
from course_lib.data.readers.pairs import PICTURES
from course_lib.errors import InputError

SPLITS = {"train": ("train",), "val": ("val", "valid"), "test": ("test",)}


class YoloFolder(Dataset):
    """Pictures and boxes: (image uint8 (3, H, W), target) as detectors want them.

    The target is that of ``data.targets.target_of`` without masks; class 0 of the
    files is label 1.

    Taught in chapters/15_training_yolo.
    """

    name = "yolo-folder"

    def __init__(
        self, path: str | Path, split="train", transform: Callable | None = None
    ):
        """Open a split.

        Args:
            path: ``data.yaml`` or a Darknet ``.data`` file.
            split: "train", "val" or "test".
            transform: joint transform of (image, target).

        Raises:
            InputError: for a file that says too little, or a split without pictures.
        """
        if split not in SPLITS:
            raise InputError(f"there is no split {split!r}; choose {', '.join(SPLITS)}")
        plan = read_plan(Path(path))
        self.names, self.transform = plan["names"], transform
        names = ("background", *self.names)
        self.classes = ClassTable(Path(path).stem, names, voc_palette(len(names)))
        entry = next((plan[key] for key in SPLITS[split] if plan.get(key)), None)
        if entry is None:
            raise InputError(f"{path} does not say {split}:, where its pictures are")
        self.pictures = list_pictures(entry, Path(path))

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, i: int):
        image = read_image(self.pictures[i])
        size = tuple(image.shape[-2:])
        labels = label_file(self.pictures[i])
        kinds, boxes = torch.zeros(0, dtype=torch.int64), torch.zeros(0, 4)
        if labels.is_file():
            kinds, boxes = read_labels(labels, len(self.names))
        boxes = to_pixels(boxes, size)  # (N, 4)
        target = {
            "boxes": tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=size),
            "labels": kinds + 1,
            "image_id": i,
            "area": (boxes[:, 2:] - boxes[:, :2]).prod(dim=1),
            "iscrowd": torch.zeros_like(kinds),
        }
        return self.transform(image, target) if self.transform else (image, target)

    def file(self, i: int) -> str:
        """The picture of a sample, to be named in messages."""
        return str(self.pictures[i])


def read_plan(path: Path) -> dict:
    """What ``data.yaml`` or ``.data`` says: splits as ``Path``, names as a list."""
    if not path.is_file():
        raise InputError(f"there is no file {path}; give data.yaml or a .data file")
    text = path.read_text(errors="replace")
    plan = _yaml(text, path) if path.suffix in (".yaml", ".yml") else _darknet(text)
    root = path.parent / str(plan.pop("path", "") or "")
    names = plan.get("names")
    if isinstance(names, str):
        names = _lines(root / names, "names")
    if isinstance(names, dict):
        if sorted(names) != list(range(len(names))):
            raise InputError(f"{path}: the names are not numbered 0, 1, 2, ...")
        names = [names[i] for i in range(len(names))]
    if not isinstance(names, list) or not names:
        raise InputError(f"{path} does not say names:, the classes in their order")
    splits = {
        k: root / str(v) for k, v in plan.items() if k in sum(SPLITS.values(), ())
    }
    return {"names": [str(name) for name in names], **splits}


def _yaml(text: str, path: Path) -> dict:
    try:
        plan = yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError(f"{path} is no YAML; write train:, val: and names:") from None
    if not isinstance(plan, dict):
        raise InputError(f"{path} holds no settings; write train:, val: and names:")
    return plan


def _darknet(text: str) -> dict:
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _lines(path: Path, what: str) -> list[str]:
    if not path.is_file():
        raise InputError(f"there is no file {path}; {what} should stand there")
    lines = path.read_text(errors="replace").splitlines()
    return [line.strip() for line in lines if line.strip()]


def list_pictures(entry: Path, path: Path) -> list[Path]:
    """The pictures of a folder, or those that a text file lists, in their order."""
    if entry.is_dir():
        found = (p for p in sorted(entry.rglob("*")) if p.suffix.lower() in PICTURES)
        pictures = list(found)
    else:
        lines = _lines(entry, f"the pictures of {path}")
        pictures = [
            next((p for p in (entry.parent / line, path.parent / line) if p.is_file()),
                 entry.parent / line)
            for line in lines
        ]  # fmt: skip
    if not pictures:
        raise InputError(f"{entry} holds no picture; give a folder or a list of them")
    return pictures


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
    for picture in dataset.pictures:
        if not picture.is_file():
            raise InputError(f"there is no picture {picture}; correct the list")
        file = label_file(picture)
        kinds = read_labels(file, len(dataset.names))[0] if file.is_file() else []
        empty += len(kinds) == 0
        for kind in kinds:
            counts[dataset.names[int(kind)]] += 1
    if empty == len(dataset):
        raise InputError(
            f"none of {len(dataset)} pictures has a label; the first was looked for in "
            f"{label_file(dataset.pictures[0])}"
        )
    objects = sum(counts.values())
    return {
        "pictures": len(dataset),
        "without labels": empty,
        "objects": objects,
    } | counts
