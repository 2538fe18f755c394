"""SBU shadow: pictures with and without sun, labelled in shadow and the rest."""

from collections.abc import Callable
from pathlib import Path

from course_lib.data.catalogue import check_folder, source
from course_lib.data.classes import ClassTable
from course_lib.data.readers.pairs import PairsOnDisk, by_stem, check_split
from course_lib.errors import InputError

CLASSES = ClassTable("sbu_shadow", ("lit", "shadow"), ((244, 221, 150), (41, 58, 105)))
FOLDERS = {"train": "SBUTrain4KRecoveredSmall", "test": "SBU-Test"}
SHADOW = 255  # in the files; there is no void in this set


class SBUShadow(PairsOnDisk):
    """SBU shadow in two classes: about 4085 train and 638 test pictures.

    In the files 255 is shadow, though it is void everywhere else in the course; here
    shadow is 1. A picture without a mask is left out and named in ``unlabelled``.

    Vicente et al., Large-scale training of shadow detectors with noisily-annotated
    shadow examples, ECCV 2016.
    """

    def __init__(
        self, root: str | Path, split: str = "train", transform: Callable | None = None
    ):
        """Open a split.

        Args:
            root: the folder ``SBU-shadow``.
            split: "train" or "test".
            transform: joint transform of (image, mask), or None.

        Raises:
            InputError: where files are missing; it shows the expected tree.
        """
        root = Path(root)
        check_split("sbu_shadow", split, tuple(FOLDERS))
        check_folder(root, "sbu_shadow")
        folder = root / FOLDERS[split]
        images, masks = (
            by_stem(folder / "ShadowImages"),
            by_stem(folder / "ShadowMasks"),
        )
        pairs = [(path, masks[stem]) for stem, path in images.items() if stem in masks]
        if not pairs:
            raise InputError(
                f"no picture of {folder} has a mask of its name; "
                f"{source('sbu_shadow').fix}"
            )
        super().__init__("sbu_shadow", CLASSES, pairs, transform, ids={SHADOW: 1})
        self.split = split
        self.unlabelled = [path for stem, path in images.items() if stem not in masks]
