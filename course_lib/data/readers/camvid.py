"""CamVid: 701 street pictures of 480x360 in 11 classes, split as by SegNet."""

from collections.abc import Callable
from pathlib import Path

from course_lib.data.catalogue import check_folder
from course_lib.data.classes import CAMVID, VOID
from course_lib.data.readers.pairs import PairsOnDisk, check_split, pairs_of_split

SPLITS = ("train", "val", "test")


class CamVid(PairsOnDisk):
    """CamVid in the split of SegNet: 367 train, 101 val, 233 test pictures.

    Brostow et al., Semantic object classes in video, PRL 2009; the split and the 11
    classes: Badrinarayanan et al., SegNet, PAMI 2017.
    Taught in chapters/01_pixels_and_labels.
    """

    def __init__(
        self, root: str | Path, split: str = "train", transform: Callable | None = None
    ):
        """Open a split.

        Args:
            root: the folder that holds ``train.txt``, ``train/``, ``trainannot/`` ...
            split: "train", "val" or "test".
            transform: joint transform of (image, mask), or None.

        Raises:
            InputError: where files are missing; it shows the expected tree.
        """
        root = Path(root)
        check_split("camvid", split, SPLITS)
        check_folder(root, "camvid")
        pairs = pairs_of_split(
            root / f"{split}.txt", root / split, root / f"{split}annot"
        )
        super().__init__("camvid", CAMVID, pairs, transform, ids={11: VOID})
        self.split = split
