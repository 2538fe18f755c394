"""Your own folder of pictures and your own folder of label pictures."""

from collections.abc import Callable
from pathlib import Path

from course_lib.data.classes import ClassTable
from course_lib.data.readers.pairs import PairsOnDisk, by_stem
from course_lib.errors import InputError


class LabelFolder(PairsOnDisk):
    """Your own folder of pictures and your own folder of label pictures.

    A picture and its labels have one stem: ``boat.jpg`` and ``boat.png``. Label
    pictures hold ids (mode L or P); with ``colours=True``, colours of ``classes``.

    Taught in chapters/01_pixels_and_labels.
    """

    def __init__(
        self,
        images_dir: str | Path,
        labels_dir: str | Path,
        classes: ClassTable,
        transform: Callable | None = None,
        *,
        colours: bool = False,
    ):
        """Find the pairs.

        Raises:
            InputError: for an empty folder, or a picture without labels.
        """
        images, labels = by_stem(images_dir), by_stem(labels_dir)
        for stem, path in images.items():
            if stem not in labels:
                raise InputError(
                    f"{path} has no labels: {labels_dir} holds no {stem}.png; draw "
                    "them, or move the picture elsewhere"
                )
        pairs = [(path, labels[stem]) for stem, path in images.items()]
        name = Path(images_dir).resolve().name
        super().__init__(name, classes, pairs, transform, colours=colours)
