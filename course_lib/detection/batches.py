"""Batches for detectors: lists of pictures, where wanted of one shape.

R-CNN pads the pictures of a batch to a common size; a wide one next to a tall one
is mostly padding. Taught in chapters/13_mask_rcnn_finetuning.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms.v2 import functional as F

from course_lib.training.stream import Batches, Drawn


class AspectBatches(Batches):
    """Keys of batches whose pictures have about the same width / height.

    A turn shuffles the pictures, fills the batches of each bin of shapes, repeating
    pictures of that bin where the last batch is short, and shuffles the batches.

    Args:
        ratios: width / height of every picture.
        batch_size, seed, start, stop: as ``Batches``.
        edges: between the bins.
    """

    def __init__(
        self,
        ratios: Sequence[float],
        batch_size: int,
        seed: int,
        start: int,
        stop: int,
        edges: Sequence[float] = (0.71, 1.0, 1.41),
    ):
        self.bins = torch.bucketize(torch.tensor(ratios), torch.tensor(edges))
        batches = sum(-(-n // batch_size) for n in self.bins.bincount().tolist())
        super().__init__(batches * batch_size, batch_size, seed, start, stop)

    def _order(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        order = torch.randperm(len(self.bins), generator=generator)
        batches = []
        for shape in self.bins.unique():
            alike = order[self.bins[order] == shape]
            turns = -(-len(alike) // self.batch_size)  # rounded up
            places = torch.arange(turns * self.batch_size) % len(alike)
            batches += alike[places].split(self.batch_size)
        shuffled = torch.randperm(len(batches), generator=generator)
        return torch.cat([batches[i] for i in shuffled])


def aspect_ratios(dataset: Dataset) -> list[float]:
    """Width / height of every picture; reads them all once."""
    sizes = (dataset[i][0].shape[-2:] for i in range(len(dataset)))
    return [width / height for height, width in sizes]


def as_lists(samples: list) -> tuple[list[Tensor], list[dict]]:
    """Pictures as float (3, H, W) in 0-1 and their targets, as detectors want them."""
    images, targets = zip(*samples, strict=True)
    floats = [F.to_dtype(i.as_subclass(Tensor), scale=True) for i in images]
    return floats, list(targets)


def unchanged(image: Tensor, target: dict) -> tuple[Tensor, dict]:
    """The transform that does nothing."""
    return image, target


def detector_batches(
    dataset: Dataset,
    batch_size: int,
    seed: int,
    start: int,
    stop: int,
    *,
    transform: Callable | None = None,
    ratios: Sequence[float] | None = None,
    workers: int = 0,
) -> DataLoader:
    """Batches ``start`` to ``stop`` - 1 of the endless stream of a seed.

    Args:
        dataset: of (image, target).
        batch_size: pictures a batch.
        seed: batch s depends on (seed, s) alone.
        start: first batch.
        stop: the one behind the last.
        transform: joint random transform of (image, target).
        ratios: width / height of every picture, to group them; None does not.
        workers: loader processes.

    Returns:
        A loader of (list of images float (3, H, W) in 0-1, list of targets).

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    kind = Batches if ratios is None else AspectBatches
    first = len(dataset) if ratios is None else ratios
    return DataLoader(
        Drawn(dataset, transform or unchanged),
        batch_sampler=kind(first, batch_size, seed, start, stop),
        collate_fn=as_lists,
        num_workers=workers,
        generator=torch.Generator(),
    )
