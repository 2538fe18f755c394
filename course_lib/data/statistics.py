"""How often every class occurs, and the loss weights that follow from it."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib.metrics import ConfusionMatrix


@dataclass(frozen=True, eq=False)
class ClassStatistics:
    """Pixels of every class over a set of label pictures.

    Attributes:
        pixels: (C,) int64, labelled pixels of the class.
        pictures: (C,) int64, pictures that show the class.
        pixels_beside: (C,) int64, all pixels, void too, of those pictures.
        void: pixels that are void.

    Taught in chapters/01_pixels_and_labels.
    """

    pixels: Tensor
    pictures: Tensor
    pixels_beside: Tensor
    void: int

    @property
    def share(self) -> Tensor:
        """(C,) float64, share of the labelled pixels; they sum to 1."""
        return self.pixels / self.pixels.sum().double()

    def median_frequency_weights(self) -> Tensor:
        """(C,) float64 loss weights: the median frequency over the class's own.

        The frequency of a class is its share of the pictures that show it. A class
        no picture shows has the weight 0 and no say in the median.

        Eigen and Fergus, Predicting depth, surface normals and semantic labels,
        ICCV 2015, section 6.3.1. Taught in chapters/01_pixels_and_labels.
        """
        frequency = self.pixels.double() / self.pixels_beside  # (C,), NaN = absent
        median = torch.quantile(frequency[self.pictures > 0], 0.5)
        return (median / frequency).nan_to_num(0.0)


def class_statistics(
    masks: Iterable[Tensor], num_classes: int, ignore_index: int = 255
) -> ClassStatistics:
    """Count the classes of label pictures.

    Args:
        masks: at least one (H, W) integer mask of ids 0 to C-1 and void.
        num_classes: C.
        ignore_index: the id of void.

    Raises:
        InputError: for an id that is no class.

    Taught in chapters/01_pixels_and_labels.
    """
    counts = []
    for mask in masks:
        matrix = ConfusionMatrix(num_classes, ignore_index).update(mask, mask).matrix
        counts.append(matrix.diagonal())
    table = torch.stack(counts)  # (pictures, C+1), void last
    pixels, size = table[:, :-1], table.sum(dim=1, keepdim=True)
    return ClassStatistics(
        pixels=pixels.sum(dim=0),
        pictures=(pixels > 0).sum(dim=0),
        pixels_beside=((pixels > 0) * size).sum(dim=0),
        void=int(table[:, -1].sum()),
    )
