"""Shards from front to back in shuffled batches, shared out to ranks and workers.

In every epoch the shards are put into another order; rank r of R takes every R-th of
them, worker w of W every W-th of those. So one worker reads a shard, and a sample is
seen once. Within a worker samples wait in a buffer and leave it in random order.
"""

import random
import tarfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from course_lib.data.records.codec import Sample, decode
from course_lib.data.records.index import checksum, read_about, read_index
from course_lib.errors import InputError


def shard_stream(
    folder: str | Path,
    batch_size: int,
    *,
    seed: int = 0,
    epoch: int = 0,
    rank: int = 0,
    world_size: int = 1,
    workers: int = 0,
    buffer: int = 1000,
    transform: Callable | None = None,
    collate: Callable | None = None,
) -> DataLoader:
    """Batches of one epoch; all ranks and workers together see every sample once.

    The last batch of each worker may be smaller, and ranks may have unequal work (a
    number of shards that does not divide, shards of several sizes): where they wait
    for each other, stop all of them after ``batches_for_all``.

    Args:
        folder: written by ``write_shards``.
        batch_size: samples a batch.
        seed: of the order, and of what the transform draws for each sample.
        epoch: its number; another one is another order, so make a stream for each.
        rank: of this process, 0 to world_size - 1.
        world_size: number of processes that share the shards.
        workers: loader processes of this rank; those beyond its shards stay idle.
        buffer: samples from which a worker draws the next; 1 keeps the shards' order.
        transform: joint transform of (image, mask or target), or None.
        collate: makes a batch of a list of samples; None stacks tensors.

    Raises:
        InputError: for missing, cut or unreadable shards, and fewer shards than ranks.

    Taught in chapters/01_pixels_and_labels.
    """
    import webdataset as wds

    folder = Path(folder).resolve()
    about = read_about(folder)
    index = read_index(folder, about)
    shards = {}
    for shard in shards_of(about, seed, epoch, rank, world_size):
        rows = index[index[:, 0] == about["shards"].index(shard)]
        path = folder / shard["file"]
        shards[path.as_uri()] = (path, rows[:, 3].tolist())
    samples = wds.DataPipeline(
        wds.SimpleShardList(list(shards)),
        wds.split_by_worker,
        partial(_members, shards=shards),
        wds.shuffle(buffer, initial=buffer, seed=f"{seed} {epoch} {rank}"),
        wds.map(partial(_sample, transform=transform, seed=f"{seed} {epoch}")),
    )
    return DataLoader(
        samples,
        batch_size=batch_size,
        num_workers=workers,
        collate_fn=collate,
        # a loader draws a number when it starts: not from what dropout draws from
        generator=torch.Generator(),
    )


def shards_of(
    about: dict, seed: int, epoch: int, rank: int, world_size: int
) -> list[dict]:
    """The shards of one rank in one epoch, in the order it reads them.

    Args:
        about: from ``index.read_about``.
        seed: of the order of all shards, together with the epoch.
        epoch: its number.
        rank: takes the shards at places rank, rank + world_size, ...
        world_size: number of ranks.

    Raises:
        InputError: for fewer shards than ranks.
    """
    shards = list(about["shards"])
    if not 0 <= rank < world_size <= len(shards):
        raise InputError(
            f"rank {rank} of {world_size} cannot share {len(shards)} shards: each rank "
            "needs one; write smaller shards"
        )
    random.Random(f"{seed} {epoch}").shuffle(shards)
    return shards[rank::world_size]


def batches_for_all(
    about: dict,
    batch_size: int,
    *,
    seed: int = 0,
    epoch: int = 0,
    world_size: int = 1,
    workers: int = 0,
) -> int:
    """Number of batches that every rank has in an epoch; see ``shard_stream``.

    Processes that train together wait for each other at every step, so all must stop
    after equally many (``itertools.islice``). What is left over is not seen in this
    epoch; as the shards are shuffled, another epoch leaves out something else.
    """
    ranks = (shards_of(about, seed, epoch, r, world_size) for r in range(world_size))
    return min(_batches(shards, batch_size, max(workers, 1)) for shards in ranks)


def _batches(shards: list[dict], batch_size: int, workers: int) -> int:
    shares = [shards[w::workers] for w in range(workers)]
    counts = [sum(shard["samples"] for shard in share) for share in shares]
    return sum(-(-count // batch_size) for count in counts)


Found = tuple[Path, str, dict[str, bytes]]  # shard, key, files of a sample


def _members(urls: Iterable[dict], shards: dict) -> Iterator[Found]:
    """The files of every sample, shard by shard, each checked."""
    import webdataset as wds

    for url in urls:
        path, expected = shards[url["url"]]
        try:
            samples = wds.tarfile_to_samples()(iter([url]))
            for n, number in enumerate(expected):
                files = next(samples, {})  # a damaged tar file may just end
                parts = {name: files[name] for name in files if name[:2] != "__"}
                if checksum(parts) != number:
                    raise ValueError(f"sample {n} of its {len(expected)}")
                yield path, files["__key__"], parts
        except (tarfile.TarError, OSError, ValueError) as error:
            raise InputError(
                f"{path} is damaged ({error.args[0]}); see what else is with `python "
                f"-m course_lib shards check {path.parent}`"
            ) from None


def _sample(found: Found, transform: Callable | None, seed: str) -> Sample:
    """A sample; what its transform draws depends on it and ``seed`` alone."""
    path, key, parts = found
    sample = decode(parts, f"sample {key} of {path}")
    if transform is None:
        return sample
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(random.Random(f"{seed} {key}").getrandbits(63))
        return transform(*sample)
