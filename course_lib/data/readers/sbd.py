"""SBD: 11,355 pictures of PASCAL VOC labelled anew, classes and instances as .mat."""

from collections.abc import Callable
from pathlib import Path

import torch
from torchvision import tv_tensors

from course_lib.data.catalogue import check_folder
from course_lib.data.classes import VOC
from course_lib.data.formats.sbd_mat import read_classes, read_instances
from course_lib.data.readers.pairs import (
    PairsOnDisk,
    check_split,
    check_task,
    inner_folder,
    pairs_of_split,
)
from course_lib.data.targets import target_of


class SBD(PairsOnDisk):
    """SBD in its own split, 8,498 train and 2,857 val; neither is VOC's.

    A segmentation sample is (image uint8 (3, H, W), mask int64 (H, W)) without void,
    a detection sample (image, target) with labels 1-20; see ``target_of``.

    Hariharan et al., Semantic Contours from Inverse Detectors, ICCV 2011.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        transform: Callable | None = None,
        task: str = "segmentation",
    ):
        """Open a split.

        Args:
            root: the folder ``benchmark_RELEASE``, or ``dataset`` in it.
            split: "train", "val", or "trainval" for both.
            transform: joint transform of (image, mask) or (image, target), or None.
            task: "segmentation" or "detection".

        Raises:
            InputError: where files are missing; it shows the expected tree.
        """
        root = inner_folder(root, "dataset", "benchmark_RELEASE/dataset")
        check_split("sbd", split, ("train", "val", "trainval"))
        check_task("sbd", task)
        check_folder(root, "sbd")
        labels = root / ("cls" if task == "segmentation" else "inst")
        pairs = [
            pair
            for part in (("train", "val") if split == "trainval" else (split,))
            for pair in pairs_of_split(
                root / f"{part}.txt", root / "img", labels, (".mat",)
            )
        ]
        super().__init__("sbd", VOC, pairs, transform)
        self.split, self.task = split, task

    def labels(self, i: int) -> tv_tensors.Mask:
        """(H, W) int64 class ids of one sample, without picture and transform."""
        if self.task == "segmentation":
            return read_classes(self.pairs[i][1])
        things, classes = read_instances(self.pairs[i][1])
        table = torch.cat([torch.zeros(1, dtype=torch.int64), classes])
        return tv_tensors.Mask(table[things])

    def target(self, i: int) -> dict:
        """The things of one sample, without its picture and its transform."""
        things, classes = read_instances(self.pairs[i][1])
        ids = things.unique()  # 0 first
        ids = ids[ids > 0]
        return target_of(things == ids[:, None, None], classes[ids - 1], i)
