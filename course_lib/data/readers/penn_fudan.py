"""Penn-Fudan: 170 pictures of pedestrians, one mask each."""

import re
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset

from course_lib.data.catalogue import check_folder, source
from course_lib.data.classes import ClassTable
from course_lib.data.images import read_image, read_labels
from course_lib.data.readers.pairs import by_stem, check_sizes, check_split
from course_lib.data.targets import target_of
from course_lib.errors import InputError

CLASSES = ClassTable(
    "penn_fudan", ("background", "person"), ((32, 32, 48), (239, 209, 62))
)
# Picture i of the sorted names belongs to the split that holds i mod 17: the same
# pictures for everyone, both places (Fudan, Penn) in each split.
TURN = 17
SPLITS = {"test": (0, 4, 8, 11, 14), "val": (1, 9)}
SPLITS["train"] = tuple(i for i in range(TURN) if i not in (*SPLITS["test"], 1, 9))
WRITTEN = re.compile(r"\((\d+), (\d+)\) - \((\d+), (\d+)\)")
NEEDED = ("PNGImages/", "PedMasks/")
FIX = source("penn_fudan").fix


class PennFudan(Dataset):
    """Pedestrians as torchvision's detectors want them.

    A sample is (image uint8 (3, H, W), target); see ``target_of`` for the target.

    Wang et al., Object Detection Combining Recognition and Segmentation, ACCV 2007.
    Taught in chapters/13_mask_rcnn_finetuning.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = None,
        transform: Callable | None = None,
    ):
        """Open the folder.

        Args:
            root: the folder ``PennFudanPed``.
            split: "train" (100 pictures), "val" (20), "test" (50), or None for all.
            transform: joint transform of (image, target), or None.

        Raises:
            InputError: where files are missing; it shows the expected tree. For an
                unknown split.
        """
        if split is not None:
            check_split("penn_fudan", split, ("train", "val", "test"))
        self.root = root = Path(root)
        check_folder(root, "penn_fudan", NEEDED)
        masks = by_stem(root / "PedMasks")
        self.name, self.classes, self.transform = "penn_fudan", CLASSES, transform
        self.pairs = []
        for stem, path in by_stem(root / "PNGImages").items():
            if f"{stem}_mask" not in masks:
                raise InputError(f"{path} has no mask {stem}_mask.png; {FIX}")
            self.pairs.append((path, masks[f"{stem}_mask"]))
        if split is not None:
            places = SPLITS[split]
            self.pairs = [
                pair for i, pair in enumerate(self.pairs) if i % TURN in places
            ]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, i: int) -> tuple[Tensor, dict]:
        image, people = read_image(self.pairs[i][0]), read_labels(self.pairs[i][1])
        check_sizes(image.shape[-2:], people.shape, *self.pairs[i])
        ids = people.unique()  # 0 first
        masks = people == ids[ids > 0][:, None, None]  # (N, H, W)
        target = target_of(masks, torch.ones(len(masks), dtype=torch.int64), i)
        return self.transform(image, target) if self.transform else (image, target)

    def file(self, i: int) -> str:
        """The mask file of a sample, to be named in messages."""
        return str(self.pairs[i][1])

    def written_boxes(self, i: int) -> Tensor:
        """The boxes (N, 4) xyxy that ``Annotation/NAME.txt`` writes, in our pixels.

        The file counts pixels from 1 and names the last one; here, as everywhere, x2
        and y2 lie behind it. Of 423 boxes one is 6 px wider than its mask.

        Raises:
            InputError: where the file is not there, or holds no box.
        """
        path = self.root / "Annotation" / f"{self.pairs[i][0].stem}.txt"
        if not path.is_file():
            raise InputError(f"there is no file {path}; {FIX}")
        found = WRITTEN.findall(path.read_text(errors="replace"))
        if not found:
            raise InputError(f"{path} holds no box (x, y) - (x, y); {FIX}")
        boxes = torch.tensor([[float(number) for number in box] for box in found])
        return boxes - torch.tensor([1.0, 1, 0, 0])  # (N, 4)
