"""Training and validation pictures of PASCAL VOC 2012 with SBD, as set arithmetic.

SBD labels 11,355 pictures of VOC anew and shares them into lists of its own: 1,103 of
VOC's 1,449 validation pictures are in SBD, 545 of them in its training list. Whoever
trains on that list and validates on VOC's has a leak. The three splits here have
none: of all 12,031 pictures they train on those that are not for validation.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from course_lib.data.images import read_image
from course_lib.data.readers.pairs import PICTURES
from course_lib.errors import InputError

# rule: (pictures for training, for validation) with the real lists
COUNTS = {"voc": (10582, 1449), "rv-voc12": (11127, 904), "no-sbd": (11685, 346)}


class Split(NamedTuple):
    """Names of pictures, sorted; none in both."""

    train: tuple[str, ...]
    val: tuple[str, ...]


def augmented_split(
    voc_train: Iterable[str],
    voc_val: Iterable[str],
    sbd_train: Iterable[str],
    sbd_val: Iterable[str],
    rule: str = "rv-voc12",
) -> Split:
    """Share the pictures of VOC and SBD into training and validation.

    Args:
        voc_train: names of VOC's segmentation lists (1,464 in the original).
        voc_val: likewise (1,449).
        sbd_train: names of SBD's lists (8,498).
        sbd_val: likewise (2,857).
        rule: the validation pictures. "voc": all of VOC's validation list. "rv-voc12":
            those that SBD does not train on. "no-sbd": those that SBD does not hold.

    Returns:
        ``COUNTS[rule]`` pictures with the original lists: train is everything else.

    Raises:
        InputError: for an unknown rule.

    Taught in chapters/01_pixels_and_labels.
    """
    voc_val, sbd_train, sbd_val = set(voc_val), set(sbd_train), set(sbd_val)
    validation = {
        "voc": voc_val,
        "rv-voc12": voc_val - sbd_train,
        "no-sbd": voc_val - sbd_train - sbd_val,
    }
    if rule not in validation:
        raise InputError(f"no rule {rule!r}; choose from {', '.join(validation)}")
    val = validation[rule]
    everything = voc_val.union(voc_train, sbd_train, sbd_val)
    return Split(tuple(sorted(everything - val)), tuple(sorted(val)))


def leaks(train, test, by: str = "name") -> list[tuple[str, str]]:
    """The pictures that are in both: what is trained on may not be tested on.

    Args:
        train: names or paths of pictures, or a data set with ``pairs``.
        test: likewise.
        by: "name" compares file names without folder and ending. "pixels" reads the
            files and finds the same picture under any name, in any lossless format;
            a picture that was compressed or resized anew is another one.

    Returns:
        (in ``train``, in ``test``) for every pair, in the order of ``test``.

    Raises:
        InputError: for another ``by``, and for a file that cannot be read.

    Taught in chapters/01_pixels_and_labels.
    """
    if by not in ("name", "pixels"):
        raise InputError(f"leaks are found by name or by pixels, not by {by!r}")
    key = _name if by == "name" else _pixels
    trained = defaultdict(list)
    for file in _files(train):
        trained[key(file)].append(str(file))
    return [(file, str(t)) for t in _files(test) for file in trained.get(key(t), ())]


def _files(pictures) -> list[str | Path]:
    if hasattr(pictures, "pairs"):
        return [picture for picture, _ in pictures.pairs]
    return list(pictures)


def _name(file: str | Path) -> str:
    path = Path(file)
    return path.stem if path.suffix.lower() in PICTURES else path.name


def _pixels(file: str | Path) -> bytes:
    image = read_image(file)  # (3, H, W)
    digest = hashlib.sha256(str(tuple(image.shape)).encode())
    digest.update(image.numpy())
    return digest.digest()
