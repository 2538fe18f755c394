"""PASCAL VOC 2012 with the pictures of SBD, in three splits without a leak."""

from collections.abc import Callable
from pathlib import Path

from torchvision import tv_tensors

from course_lib.data.classes import VOC
from course_lib.data.formats.sbd_mat import read_classes
from course_lib.data.readers.pairs import PairsOnDisk, check_split
from course_lib.data.readers.sbd import SBD
from course_lib.data.readers.voc import VOCSegmentation
from course_lib.data.voc_splits import augmented_split


class VOCAugmented(PairsOnDisk):
    """VOC 2012 with SBD: 11,127 train and 904 val pictures by the usual rule.

    What SBD holds is trained on with SBD's labels, the rest with VOC's; validation
    is always on VOC's own labels.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        transform: Callable | None = None,
        *,
        voc: str | Path | None = None,
        rule: str = "rv-voc12",
    ):
        """Open a split.

        Args:
            root: the folder of SBD.
            split: "train" or "val".
            transform: joint transform of (image, mask), or None.
            voc: the folder of VOC 2012; None looks for ``voc2012`` beside ``root``.
            rule: "voc", "rv-voc12" or "no-sbd"; see ``augmented_split``.

        Raises:
            InputError: where files are missing; it shows the expected tree.
        """
        check_split("voc with sbd", split, ("train", "val"))
        voc = Path(root).parent / "voc2012" if voc is None else voc
        sets = [
            {pair[0].stem: pair for pair in reader(folder, part).pairs}
            for reader, folder in ((VOCSegmentation, voc), (SBD, root))
            for part in ("train", "val")
        ]
        names = augmented_split(*sets, rule=rule)
        if split == "train":
            every = sets[0] | sets[1] | sets[2] | sets[3]  # SBD's labels come last
            pairs = [every[name] for name in names.train]
        else:
            pairs = [sets[1][name] for name in names.val]
        super().__init__("voc with sbd", VOC, pairs, transform)
        self.split, self.rule = split, rule

    def labels(self, i: int) -> tv_tensors.Mask:
        """(H, W) int64 class ids of one sample, without picture and transform."""
        path = self.pairs[i][1]
        return read_classes(path) if path.suffix == ".mat" else super().labels(i)
