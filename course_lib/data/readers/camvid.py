"""CamVid: 701 street pictures of 480x360 in 11 classes, split as by SegNet."""

from collections.abc import Callable
from pathlib import Path

from course_lib.data.classes import CAMVID, VOID
from course_lib.data.readers.pairs import PairsOnDisk, check_split, pairs_of_split
from course_lib.data.tree import check_tree

SPLITS = ("train", "val", "test")
TREE = {
    f"{split}{ending}": f"{count} {kind}"
    for split, count in (("train", 367), ("val", 101), ("test", 233))
    for ending, kind in (
        (".txt", "names"),
        ("/", "pictures, PNG or JPEG"),
        ("annot/", "label pictures, ids 0-10, 11 = void"),
    )
}
FIX = "run `python -m course_lib data fetch camvid`, or give the folder that holds it"


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
        check_tree(root, "CamVid", TREE, FIX)
        pairs = pairs_of_split(
            root / f"{split}.txt", root / split, root / f"{split}annot"
        )
        super().__init__("camvid", CAMVID, pairs, transform, ids={11: VOID})
        self.split = split
