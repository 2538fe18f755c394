"""Losses of segmentation networks. Void pixels (255) never count.

Every loss takes logits (B, C, H, W) and labels (B, H, W) int64, 0 to C - 1 or 255.
If their sizes differ, the labels are brought to the size of the logits by nearest
neighbour, so ids stay ids. A loss is a float32 scalar, 0 (with a gradient of 0)
where every pixel is void. Taught in chapters/05_training_recipes.
"""

from course_lib.losses.combined import (
    LOSSES,
    WEIGHTED,
    Loss,
    class_presence,
    pick_loss,
    supervised,
)
from course_lib.losses.overlap import dice, jaccard, lovasz_softmax, tversky
from course_lib.losses.pixels import (
    cross_entropy,
    focal,
    ohem,
    shrink_labels,
    valid_pixels,
)

__all__ = [
    "LOSSES",
    "WEIGHTED",
    "Loss",
    "class_presence",
    "cross_entropy",
    "dice",
    "focal",
    "jaccard",
    "lovasz_softmax",
    "ohem",
    "pick_loss",
    "shrink_labels",
    "supervised",
    "tversky",
    "valid_pixels",
]
