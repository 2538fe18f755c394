"""IoU of thin things, sorted by how wide they are."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

REACH = 8  # px; what lies farther from every pole is no pole's pixel


def run_lengths(mask: np.ndarray) -> np.ndarray:
    """How many true pixels stand side by side, written on each of them.

    (H, W) bool -> (H, W) int, 0 where ``mask`` is false.
    """
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    lengths = np.nonzero(edges == -1)[1] - np.nonzero(edges == 1)[1]  # (runs,)
    widths = np.zeros(mask.shape, dtype=int)
    widths[mask] = np.repeat(lengths, lengths)
    return widths


def iou_by_width(
    labels: Tensor,
    prediction: Tensor,
    class_id: int,
    limits: Sequence[int] = (2, 4, 8),
    ignore_index: int = 255,
) -> Tensor:
    """Pixels of a class right and in the union, where it is so and so wide.

    A pixel counts for the width of the nearest true pixel of the class, up to 8 px
    away: so do false ones beside a pole. Those farther off count for no width.

    Args:
        labels: (H, W) ids of the truth.
        prediction: (H, W) ids.
        class_id: of the class, such as pole.
        limits: widths in px: up to 2, up to 4, up to 8, wider.
        ignore_index: void.

    Returns:
        (len(limits) + 1, 2) int64: intersection and union; sum over pictures, divide.

    Taught in chapters/03_transposed_conv_upsampling.
    """
    from scipy.ndimage import distance_transform_edt

    truth = (labels == class_id).numpy()
    if not truth.any():
        return torch.zeros(len(limits) + 1, 2, dtype=torch.int64)
    distance, (rows, columns) = distance_transform_edt(~truth, return_indices=True)
    nearest = run_lengths(truth)[rows, columns]  # (H, W) px
    counts = (distance <= REACH) & (labels != ignore_index).numpy()
    answer = (prediction == class_id).numpy()
    place = np.searchsorted(limits, nearest)  # 0: up to limits[0]
    kinds = (truth & answer & counts, (truth | answer) & counts)
    pairs = [
        [(kind & (place == i)).sum() for kind in kinds] for i in range(len(limits) + 1)
    ]
    return torch.tensor(np.array(pairs))
