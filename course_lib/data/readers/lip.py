"""Look into Person: one person a picture, in 19 garments and parts of the body."""

from collections.abc import Callable
from pathlib import Path

from course_lib.data.catalogue import check_folder
from course_lib.data.classes import ClassTable, voc_palette
from course_lib.data.readers.pairs import PairsOnDisk, check_split, pairs_of_split

# Left and right are the person's own. The sets have VOC's colours.
CLASSES = ClassTable(
    "lip",
    (
        "background", "hat", "hair", "glove", "sunglasses", "upper clothes", "dress",
        "coat", "socks", "pants", "jumpsuit", "scarf", "skirt", "face", "left arm",
        "right arm", "left leg", "right leg", "left shoe", "right shoe",
    ),
    voc_palette(20),
)  # fmt: skip
# ATR, the same task in other classes (Liang et al., Deep human parsing with active
# template regression, PAMI 2015); a table alone, nets for it are common.
ATR = ClassTable(
    "atr",
    (
        "background", "hat", "hair", "sunglasses", "upper clothes", "skirt", "pants",
        "dress", "belt", "left shoe", "right shoe", "face", "left leg", "right leg",
        "left arm", "right arm", "bag", "scarf",
    ),
    voc_palette(18),
)  # fmt: skip
SPLITS = ("train", "val")


class LIP(PairsOnDisk):
    """LIP in 20 classes: 30462 train and 10000 val pictures; nothing is void.

    Left and right are classes of their own: a flip has to exchange them.

    Gong et al., Look into Person: self-supervised structure-sensitive learning and a
    new benchmark for human parsing, CVPR 2017.
    """

    def __init__(
        self, root: str | Path, split: str = "train", transform: Callable | None = None
    ):
        """Open a split.

        Args:
            root: the folder that holds ``TrainVal_images``.
            split: "train" or "val".
            transform: joint transform of (image, mask), or None.

        Raises:
            InputError: where files are missing; it shows the expected tree.
        """
        root = Path(root)
        check_split("lip", split, SPLITS)
        check_folder(root, "lip")
        images = root / "TrainVal_images"
        labels = root / "TrainVal_parsing_annotations" / f"{split}_segmentations"
        pairs = pairs_of_split(
            images / f"{split}_id.txt", images / f"{split}_images", labels
        )
        super().__init__("lip", CLASSES, pairs, transform)
        self.split = split
