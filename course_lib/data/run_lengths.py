"""Masks told as lengths of runs: COCO's, Kaggle's and SIIM's kind.

All go down column after column and count pixels of the background and of the mask in
turn. What differs is where a run begins and how numbers are written:

========  ==========================================================================
coco      every run, out, in, out, ...: ``[4, 2, 6]``; or packed into a string
kaggle    pairs "start length" of the runs inside, the first pixel is 1: ``"5 2"``
siim      pairs "gap length", a gap counts from the end of the run before: ``"4 2"``
========  ==========================================================================

Taught in chapters/08_unet_binary_masks.
"""

import re
from collections.abc import Sequence

import numpy as np

from course_lib.data.packed_run_lengths import unpack, whole
from course_lib.errors import InputError

KINDS = ("coco", "kaggle", "siim")
EMPTY = {"kaggle": "", "siim": "-1"}  # how a mask without a pixel is written


def encode(mask: np.ndarray, kind: str) -> str | list[int]:
    """Tell a mask as run lengths.

    Args:
        mask: (H, W), a pixel that is not 0 lies inside.
        kind: one of ``KINDS``.

    Returns:
        A list for "coco", else a string.

    Taught in chapters/08_unet_binary_masks.
    """
    runs = runs_of(mask)
    _check_kind(kind)
    if kind == "coco":
        return runs.tolist()
    pairs = runs[: len(runs) // 2 * 2].reshape(-1, 2)  # (M, 2) gap, length
    if len(pairs) == 0:
        return EMPTY[kind]
    if kind == "kaggle":
        starts = runs.cumsum()[0 : 2 * len(pairs) : 2] + 1
        pairs = np.column_stack([starts, pairs[:, 1]])
    return " ".join(map(str, pairs.ravel()))


def decode(code: str | bytes | Sequence[int], size: tuple[int, int], kind: str):
    """Draw the mask that run lengths tell.

    Args:
        code: what ``encode`` gives; of kind "coco" packed ones too.
        size: (H, W) of the picture.
        kind: one of ``KINDS``.

    Returns:
        (H, W) bool array.

    Raises:
        InputError: for what is no such code, and runs that leave the picture.

    Taught in chapters/08_unet_binary_masks.
    """
    _check_kind(kind)
    if kind == "coco":
        return mask_of(_runs_of_coco(code, size), size)
    numbers = _numbers(code, kind)
    gaps, lengths = numbers[0::2], numbers[1::2]
    if kind == "kaggle":
        ends = [1] + [a + b for a, b in zip(gaps, lengths, strict=True)]
        gaps = [start - end for start, end in zip(gaps, ends, strict=False)]
    if min(gaps, default=0) < 0 or min(lengths, default=1) < 1:
        raise _wrong(kind, "overlap, go backwards or are empty", "sort and merge them")
    runs = [run for pair in zip(gaps, lengths, strict=True) for run in pair]
    rest = size[0] * size[1] - sum(runs)
    if rest < 0:
        raise _wrong(
            kind,
            f"leave the {size[1]}x{size[0]} picture by {-rest} pixels",
            "give the size (height, width) of the picture they belong to",
        )
    return mask_of([*runs, rest], size)


def runs_of(mask: np.ndarray) -> np.ndarray:
    """Lengths of all runs of a mask (H, W), out, in, out, ...: (N,) int64.

    The first is 0 where the first pixel lies inside; the others are above 0.
    """
    inside = np.asarray(mask).T.ravel() != 0
    changes = np.flatnonzero(np.diff(inside, prepend=False))
    return np.diff(changes, prepend=0, append=inside.size)


def mask_of(runs: Sequence[int], size: tuple[int, int]) -> np.ndarray:
    """The (H, W) bool mask of runs that cover ``size`` exactly, out, in, out, ..."""
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape(size[::-1]).T


def _runs_of_coco(code, size: tuple[int, int]) -> np.ndarray:
    area = size[0] * size[1]
    if isinstance(code, str | bytes):
        code = code.encode(errors="replace") if isinstance(code, str) else code
        fits = whole([code], [area])[0]
        runs = unpack([code])[0] if fits else []
    else:
        runs = code if isinstance(code, Sequence | np.ndarray) else [None]
        whole_numbers = all(isinstance(run, int | np.integer) for run in runs)
        fits = whole_numbers and sum(runs) == area and min(runs, default=0) >= 0
    if not fits:
        raise _wrong(
            "coco",
            f"do not cover {size[1]}x{size[0]} pixels",
            "give them whole, the last run outside too, and the size (height, width)",
        )
    return np.asarray(runs, np.int64)


def _numbers(code: str, kind: str) -> list[int]:
    if not isinstance(code, str):
        raise _wrong(kind, f"are {type(code).__name__}", "give them as one string")
    words = [] if code.strip() == EMPTY[kind] else code.split()
    if not words and code.strip() != EMPTY[kind]:
        raise _wrong(kind, "are empty, and this kind writes -1", "give -1 for no pixel")
    for word in words:
        if not re.fullmatch("[0-9]{1,15}", word):
            raise _wrong(kind, f"hold {word[:20]!r}", "give whole numbers from 0")
    if len(words) % 2:
        raise _wrong(kind, f"are {len(words)} numbers", "give whole pairs")
    return [int(word) for word in words]


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise InputError(
            f"there is no kind {kind!r} of run lengths; choose {', '.join(KINDS)}"
        )


def _wrong(kind: str, what: str, fix: str) -> InputError:
    return InputError(f"these run lengths of kind {kind} {what}; {fix}")
