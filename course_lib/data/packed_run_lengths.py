"""COCO's packed run lengths, read many at a time.

Packed, a character carries five bits of a number and a sixth that says whether more
follow; from the fourth number on, it is the difference to the run before the last.

Taught in chapters/08_unet_binary_masks.
"""

from collections.abc import Sequence

import numpy as np

LONGEST = 6  # characters of a number: 30 bits


def unpack(codes: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Run lengths of packed strings, one after the other.

    Args:
        codes: M strings, as pycocotools packs them.

    Returns:
        (N,) int64 run lengths, (M,) int64 how many of them are each string's.
    """
    digits = np.frombuffer(b"".join(codes), np.uint8).astype(np.int64) - 48
    is_last = digits & 32 == 0
    ends = np.cumsum([0, *map(len, codes)])
    counts = np.diff(np.append(0, np.cumsum(is_last))[ends])  # (M,)
    last = np.flatnonzero(is_last)
    if not len(last):
        return last, counts
    begin = np.append(0, last[:-1] + 1)
    numbers = digits[begin] & 31
    for place in range(1, min(int((last - begin).max()) + 1, LONGEST)):
        longer = np.flatnonzero(last - begin >= place)
        numbers[longer] |= (digits[begin[longer] + place] & 31) << 5 * place
    bits = 5 * np.minimum(last - begin + 1, LONGEST)
    numbers -= (digits[last] >> 4 & 1) << bits  # those below 0
    return _undo_differences(numbers, counts), counts


def whole(codes: Sequence[bytes], areas: Sequence[int]) -> np.ndarray:
    """Which packed strings are sound and cover their picture exactly: (M,) bool.

    Args:
        codes: M strings.
        areas: M areas of the pictures, in pixels.
    """
    runs, counts = unpack(codes)
    sums = np.append(0, np.cumsum(runs))
    below = np.append(0, np.cumsum(runs < 0))
    ends = np.cumsum(np.append(0, counts))
    fine = (np.diff(sums[ends]) == areas) & (np.diff(below[ends]) == 0)
    return fine & np.fromiter(map(_is_packed, codes), bool, len(codes))


def _is_packed(code: bytes) -> bool:
    """True for characters in the range, and an end that is no middle of a number."""
    return bool(code) and min(code) >= 48 and max(code) < 112 and not code[-1] - 48 & 32


def _undo_differences(numbers: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Sum up every second number of each string, from the second and the third on."""
    pairs = (counts + 1) // 2  # rows of two columns, so that a column is a chain
    first = np.cumsum(pairs) - pairs
    shift = np.repeat(2 * first - np.cumsum(counts) + counts, counts)
    place = np.arange(len(numbers)) + shift
    table = np.zeros((pairs.sum(), 2), np.int64)
    table.flat[place] = numbers
    sums = np.cumsum(table, axis=0)
    filled = first[counts > 0]
    before = sums[filled] * [1, 0] + (sums[filled] - table[filled]) * [0, 1]
    sums -= np.repeat(before, pairs[counts > 0], axis=0)
    sums[filled, 0] = table[filled, 0]  # the first run starts no chain
    return sums.ravel()[place]
