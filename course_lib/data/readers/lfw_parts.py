"""Part labels of Labeled Faces in the Wild: hair, skin and background."""

from collections.abc import Callable
from pathlib import Path

from course_lib.data.catalogue import check_folder, source
from course_lib.data.classes import ClassTable
from course_lib.data.readers.pairs import PairsOnDisk, check_split
from course_lib.errors import InputError

# The label pictures are red, green and blue: a channel is a class.
CLASSES = ClassTable(
    "lfw_parts",
    ("hair", "skin", "background"),
    ((255, 0, 0), (0, 255, 0), (0, 0, 255)),
)
VALIDATION = 200  # the first pictures by name
SPLITS = ("train", "val")
IMAGES, LABELS = "lfw_funneled", "parts_lfw_funneled_gt_images"


class LFWParts(PairsOnDisk):
    """LFW part labels: 2727 train and 200 val pictures of 250x250, in 3 classes.

    Validation are the first 200 by name, sorted: in the order of a file system, each
    machine would have a split of its own.

    Kae et al., Augmenting CRFs with Boltzmann machine shape priors for image labeling,
    CVPR 2013.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        transform: Callable | None = None,
        *,
        validation: int = VALIDATION,
    ):
        """Open a split.

        Args:
            root: the folder that holds ``lfw_funneled``.
            split: "train" or "val".
            transform: joint transform of (image, mask), or None.
            validation: number of pictures, first by name, that are "val".

        Raises:
            InputError: where files are missing; it shows the expected tree.
        """
        root = Path(root)
        check_split("lfw_parts", split, SPLITS)
        check_folder(root, "lfw_parts")
        labels = sorted((root / LABELS).glob("*.ppm"))
        if not 0 < validation < len(labels):
            raise InputError(
                f"{root / LABELS} holds {len(labels)} label pictures, of which "
                f"{validation} should be for validation; {source('lfw_parts').fix}"
            )
        chosen = labels[:validation] if split == "val" else labels[validation:]
        pairs = [(self.picture_of(path, root), path) for path in chosen]
        super().__init__("lfw_parts", CLASSES, pairs, transform, colours=True)
        self.split = split

    @staticmethod
    def picture_of(labels: Path, root: Path) -> Path:
        """The picture of a label picture: in the folder of its person."""
        person = labels.stem.rpartition("_")[0]
        picture = root / IMAGES / person / f"{labels.stem}.jpg"
        if not picture.is_file():
            raise InputError(
                f"{labels} has no picture {picture}; {source('lfw_parts').fix}"
            )
        return picture
