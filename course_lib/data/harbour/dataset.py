"""The harbour as a data set: an endless row of pictures, the same for everyone."""

import operator
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset
from torchvision import tv_tensors

from course_lib.data.classes import HARBOUR
from course_lib.data.harbour.dials import make_dials
from course_lib.data.harbour.light import finish
from course_lib.data.harbour.paint import draw
from course_lib.data.harbour.scene import compose
from course_lib.data.targets import target_of_boxes
from course_lib.errors import InputError

FIRST = {"train": 0, "val": 1_000_000, "test": 2_000_000}  # index of each split
COUNT = {"train": 1000, "val": 100, "test": 200}
MOST = 1_000_000  # pictures in a split


@dataclass(frozen=True)
class Scene:
    """One drawn picture and its truth.

    Attributes:
        image: uint8 (H, W, 3).
        class_map: uint8 (H, W), class ids, 255 = void.
        instance_map: uint16 (H, W), 0 where no thing is. A thing keeps its number
            over time.
        boxes: float32 (N, 4) xyxy in pixels, the tight box of the visible pixels;
            x2 and y2 are one past the last pixel.
        labels: int64 (N,) class ids, 6 to 11.
        ids: int64 (N,) numbers of the things in ``instance_map``.
    """

    image: np.ndarray
    class_map: np.ndarray
    instance_map: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    ids: np.ndarray


def tight_boxes(instance_map: np.ndarray, class_map: np.ndarray):
    """Boxes (N, 4), labels (N,) and ids (N,) of all instances in a map."""
    y, x = np.nonzero(instance_map)
    number = instance_map[y, x]
    top = int(number.max(initial=0)) + 1
    low, high = np.full((2, top), 2**30), np.full((2, top), -1)
    labels = np.zeros(top, np.int64)
    for axis, values in enumerate((x, y)):
        np.minimum.at(low[axis], number, values)
        np.maximum.at(high[axis], number, values)
    labels[number] = class_map[y, x]
    ids = np.flatnonzero(high[0] >= 0)
    boxes = np.concatenate([low[:, ids], high[:, ids] + 1]).T
    return boxes.astype(np.float32), labels[ids], ids


class Harbour(Dataset):
    """Pictures of a harbour, drawn when they are asked for.

    Args:
        split: "train", "val" or "test": disjoint ranges of the picture's index.
        count: number of pictures; by default 1000, 100 and 200.
        size: (H, W) in pixels.
        seed: of the world; the course uses 0 throughout.
        task: "segmentation" gives (image uint8 (3, H, W), mask int64 (H, W), 255 =
            void); "detection" gives (image, target) as torchvision's detectors want.
        transform: joint transform of (image, mask) or (image, target).
        **dials: see ``Dials``.

    Raises:
        InputError: for an unknown split, task or dial, a size below 8 pixels or a
            count that does not fit.

    The bytes of a picture depend on seed, index, dials, size and time alone.
    Taught in chapters/01_pixels_and_labels.
    """

    name = "harbour"
    classes = HARBOUR

    def __init__(
        self,
        split="train",
        count=None,
        size=(96, 128),
        *,
        seed=0,
        task="segmentation",
        transform=None,
        **dials,
    ):
        if split not in FIRST:
            raise InputError(
                f"the harbour has no split {split!r}; choose train, val or test"
            )
        if task not in ("segmentation", "detection"):
            raise InputError(
                f"the harbour has no task {task!r}; choose segmentation or detection"
            )
        self.split, self.task, self.transform = split, task, transform
        self.count = check_count(COUNT[split] if count is None else count)
        self.size, self.seed = check_size(size), check_seed(seed)
        self.dials = make_dials(dials)

    def __len__(self) -> int:
        return self.count

    def scene(self, i: int, time: float = 0.0) -> Scene:
        """Draw picture ``i`` as it is ``time`` seconds after the start."""
        land, things = self.plan(i, time)
        pen = draw(land, things, self.dials, time)
        image, kind, instance = finish(pen, land, things, self.dials, time)
        return Scene(image, kind, instance, *tight_boxes(instance, kind))

    def plan(self, i: int, time: float = 0.0):
        """What stands where in picture ``i``: (Land, things from far to near)."""
        if not 0 <= i < self.count:
            raise IndexError(f"picture {i} of {self.count}")
        return compose(self.seed, FIRST[self.split] + i, self.dials, self.size, time)

    def __getitem__(self, i: int):
        scene = self.scene(i)
        image = tv_tensors.Image(
            torch.from_numpy(scene.image).permute(2, 0, 1).contiguous()
        )
        if self.task == "segmentation":
            target = tv_tensors.Mask(torch.from_numpy(scene.class_map).long())
        else:
            target = detection_target(scene, i)
        return self.transform(image, target) if self.transform else (image, target)

    def file(self, i: int) -> str:
        """The name of picture ``i`` in messages and exports."""
        return f"harbour_{self.split}_{i:06d}"


def detection_target(scene: Scene, i: int) -> dict:
    """The scene as torchvision's detectors want it."""
    masks = scene.instance_map[None] == scene.ids[:, None, None]  # (N, H, W)
    boxes, labels = torch.from_numpy(scene.boxes), torch.from_numpy(scene.labels)
    return target_of_boxes(boxes, labels, i, scene.class_map.shape) | {
        "masks": tv_tensors.Mask(torch.from_numpy(masks)),
        "area": torch.from_numpy(masks.sum(axis=(1, 2))).float(),
    }


def whole(value) -> int | None:
    """The value as int, or None when it is not a whole number."""
    try:
        return operator.index(value)
    except TypeError:
        return None


def check_count(count) -> int:
    """Refuse a count that is not between 1 and a million."""
    if whole(count) is None or not 1 <= count <= MOST:
        raise InputError(
            f"the count is {count!r}; give a whole number from 1 to {MOST}"
        )
    return whole(count)


def check_seed(seed) -> int:
    """Refuse a seed that is not a whole number from 0."""
    if whole(seed) is None or seed < 0:
        raise InputError(f"the seed is {seed!r}; give a whole number from 0")
    return whole(seed)


def check_size(size) -> tuple[int, int]:
    """Refuse what is not (H, W) of at least 8 pixels each."""
    pair = tuple(map(whole, size)) if isinstance(size, tuple | list) else ()
    if len(pair) != 2 or None in pair or min(pair) < 8:
        raise InputError(
            f"the size is {size!r}; give (height, width), each at least 8 px"
        )
    return pair
