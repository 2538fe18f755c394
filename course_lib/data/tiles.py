"""Cut a large picture into tiles, and put tiles together again."""

import torch
from torch import Tensor

from course_lib.errors import InputError


def tiles(image: Tensor, size: int | tuple[int, int], overlap: int = 0) -> Tensor:
    """Cut a picture into tiles that overlap, row by row.

    The last tile of a row or column is moved inwards, so that it ends at the border
    and nothing is padded; a side shorter than the tile is one shorter tile.

    Args:
        image: (..., H, W), a picture, a mask or logits.
        size: (h, w) of a tile in pixels, or one number for a square.
        overlap: pixels that neighbours share at least; less than a side of the tile.

    Returns:
        (N, ..., h, w).

    Raises:
        InputError: for an overlap that leaves no step from tile to tile.

    Taught in chapters/01_pixels_and_labels.
    """
    corners, (h, w) = _corners(tuple(image.shape[-2:]), size, overlap)
    return torch.stack([image[..., y : y + h, x : x + w] for y, x in corners])


def untile(parts: Tensor, height: int, width: int, overlap: int = 0) -> Tensor:
    """Put tiles together again; the exact inverse of ``tiles``.

    Where tiles overlap, each gives the half nearer to its own centre: a net knows
    least about the border of a tile.

    Args:
        parts: (N, ..., h, w), in the order of ``tiles``.
        height: H of the whole, in pixels.
        width: W of the whole, in pixels.
        overlap: as it was given to ``tiles``.

    Returns:
        (..., H, W).

    Raises:
        InputError: if the tiles do not make such a picture.

    Taught in chapters/01_pixels_and_labels.
    """
    corners, (h, w) = _corners((height, width), tuple(parts.shape[-2:]), overlap)
    if len(corners) != len(parts) or (h, w) != tuple(parts.shape[-2:]):
        raise InputError(
            f"{len(parts)} tiles of {tuple(parts.shape[-2:])} do not make a picture "
            f"of {(height, width)}, which has {len(corners)} of {(h, w)}; give the "
            "height, width and overlap that tiles() had"
        )
    whole = parts.new_empty(*parts.shape[1:-2], height, width)
    rows, columns = _seams(corners, 0, h), _seams(corners, 1, w)
    for part, (y, x) in zip(parts, corners, strict=True):
        (top, bottom), (left, right) = rows[y], columns[x]
        piece = part[..., top - y : bottom - y, left - x : right - x]
        whole[..., top:bottom, left:right] = piece
    return whole


def _corners(
    whole: tuple[int, int], size: int | tuple[int, int], overlap: int
) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Upper left corners (y, x) of the tiles, and the (h, w) they really have."""
    size = (size, size) if isinstance(size, int) else size
    h, w = min(size[0], whole[0]), min(size[1], whole[1])
    rows, columns = _starts(whole[0], h, overlap), _starts(whole[1], w, overlap)
    return [(y, x) for y in rows for x in columns], (h, w)


def _starts(length: int, size: int, overlap: int) -> list[int]:
    if size == length:
        return [0]
    if not 0 <= overlap < size:
        raise InputError(
            f"overlap is {overlap} for tiles of {size} px; give 0 to {size - 1}"
        )
    return [*range(0, length - size, size - overlap), length - size]


def _seams(corners: list, axis: int, size: int) -> dict[int, tuple[int, int]]:
    """First and end pixel that the tiles starting at each place give."""
    starts = sorted({corner[axis] for corner in corners})
    cuts = [(a + size + b) // 2 for a, b in zip(starts, starts[1:], strict=False)]
    ends = [*cuts, starts[-1] + size]
    return dict(zip(starts, zip([0, *cuts], ends, strict=True), strict=True))
