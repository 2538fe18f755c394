"""Names files: line i, counted from 0, is the name of class i."""

from collections.abc import Sequence
from pathlib import Path

from course_lib.errors import InputError

# COCO numbers its 80 classes 1 to 90: these ids belong to things it never annotated.
COCO_GAPS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
COCO_IDS = [i for i in range(1, 91) if i not in COCO_GAPS]
COCO_ENDS = ("person", "toothbrush")  # first and last of the 80


def read_names(path: str | Path, count: int | None = None) -> list[str]:
    """The names, one a line.

    Args:
        path: of the file, such as coco.names.
        count: classes of the net, or None.

    Raises:
        InputError: where the file is missing, no text, or has another count.

    Taught in chapters/14_yolov3_darknet.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(
            f"there is no names file {path}; check the name and the folder"
        )
    try:
        lines = path.read_text(encoding="utf-8").rstrip().splitlines()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is no text at byte {error.start}; give one name a line"
        ) from None
    names = [line.strip() for line in lines]
    if count is not None and len(names) != count:
        raise InputError(
            f"{path} has {len(names)} names, but the net has {count} classes; give the "
            "names file of this net"
        )
    return names


def category_ids(names: Sequence[str]) -> list[int]:
    """COCO's own ids for its 80 classes; for any others 1, 2, 3 and so on."""
    coco = len(names) == len(COCO_IDS) and (names[0], names[-1]) == COCO_ENDS
    return COCO_IDS if coco else list(range(1, len(names) + 1))
