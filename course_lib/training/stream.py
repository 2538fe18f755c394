"""Which samples a training sees, at which step.

Batch number s of a run depends on (seed, s) alone: not on workers, on what was
drawn before, or on how often the run was stopped. That makes resuming exact.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

Key = tuple[int, int]  # (seed of this drawing, index of the sample)


class Cached(Dataset):
    """A data set kept in memory as it comes, before any random transform."""

    def __init__(self, dataset: Dataset):
        self.dataset, self.samples = dataset, {}

    def __getattr__(self, name: str):  # name, classes, file ...
        return getattr(self.__dict__["dataset"], name)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        if i not in self.samples:
            self.samples[i] = self.dataset[i]
        return self.samples[i]


class Drawn(Dataset):
    """Samples by key: the transform's chance is seeded by the key."""

    def __init__(self, dataset: Dataset, transform: Callable):
        self.dataset, self.transform = dataset, transform

    def __getitem__(self, key: Key) -> tuple[Tensor, Tensor]:
        seed, i = key
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.transform(*self.dataset[i])


class Batches(Sampler[list[Key]]):
    """Keys of batches ``start`` to ``stop``; each epoch is one permutation."""

    def __init__(self, count: int, batch_size: int, seed: int, start: int, stop: int):
        self.count, self.batch_size, self.seed = count, batch_size, seed
        self.start, self.stop = start, stop

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[list[Key]]:
        for step in range(self.start, self.stop):
            first = step * self.batch_size
            yield [self._key(n) for n in range(first, first + self.batch_size)]

    def _key(self, n: int) -> Key:
        epoch, place = divmod(n, self.count)
        order = self._order(epoch)
        return self.seed * 1_000_000_007 + n, int(order[place])

    def _order(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        return torch.randperm(self.count, generator=generator)


def stream(
    dataset: Dataset,
    transform: Callable,
    batch_size: int,
    seed: int,
    start: int,
    stop: int,
    workers: int = 0,
) -> DataLoader:
    """Batches ``start`` to ``stop`` - 1 of the endless stream of a seed.

    Returns:
        A loader of (images (B, 3, H, W) float32, labels (B, H, W) int64).

    Taught in chapters/05_training_recipes.
    """
    batches = Batches(len(dataset), batch_size, seed, start, stop)
    return DataLoader(
        Drawn(dataset, transform),
        batch_sampler=batches,
        num_workers=workers,
        # a loader draws a number when it starts: not from what dropout draws from
        generator=torch.Generator(),
    )
