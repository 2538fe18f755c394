"""Records as a stream: every sample once, in an order of the seed and the epoch."""

from collections import Counter
from itertools import islice

import pytest
import torch
from torch import Tensor
from torchvision import tv_tensors

from course_lib.data.classes import VOC
from course_lib.data.harbour import Harbour
from course_lib.data.readers.records import Records
from course_lib.data.records.index import read_about, sample_rows
from course_lib.data.records.stream import batches_for_all, shard_stream, shards_of
from course_lib.data.records.write import write_shards
from course_lib.errors import InputError

COUNT, SHARD = 23, 3  # eight shards, the last of two samples


class Numbers:
    """Pictures that are their own number."""

    name, classes, split = "numbers", VOC, "train"

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, i):
        image = torch.full((3, 2, 4), i, dtype=torch.uint8)
        return tv_tensors.Image(image), tv_tensors.Mask(torch.full((2, 4), 255 - i))

    def file(self, i) -> str:
        return f"number_{i}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("shards of #1 {a,b}?")
    return write_shards(Numbers(), root / "numbers", samples=SHARD)


def numbers(loader) -> list[int]:
    """The numbers of all samples that a loader gives, in their order."""
    found = []
    for images, masks in loader:
        assert images.shape[1:] == (3, 2, 4) and images.dtype == torch.uint8
        assert masks.shape[1:] == (2, 4) and masks.dtype == torch.int64
        assert torch.equal(images[:, 0].long(), 255 - masks)
        found += images[:, 0, 0, 0].tolist()
    return found


def test_without_shuffling_shards_keep_their_order(folder):
    about = read_about(folder)
    order = [int(s["file"][:6]) for s in shards_of(about, 5, 2, 0, 1)]
    assert sorted(order) == list(range(8)) != order
    later = [int(s["file"][:6]) for s in shards_of(about, 5, 3, 0, 1)]
    assert sorted(later) == list(range(8)) and later != order
    expected = [n for s in order for n in range(3 * s, min(3 * s + 3, COUNT))]
    assert numbers(shard_stream(folder, 4, seed=5, epoch=2, buffer=1)) == expected


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("world_size", [1, 3])
def test_every_sample_once(folder, world_size, workers):
    loaders = [
        shard_stream(folder, 2, rank=rank, world_size=world_size, workers=workers)
        for rank in range(world_size)
    ]
    found = Counter(n for loader in loaders for n in numbers(loader))
    assert found == Counter(range(COUNT))


@pytest.mark.parametrize("world_size", range(1, 9))
def test_any_number_of_ranks(folder, world_size):
    shares = [
        numbers(shard_stream(folder, 4, rank=rank, world_size=world_size, epoch=3))
        for rank in range(world_size)
    ]
    assert sorted(sum(shares, [])) == list(range(COUNT)) and all(shares)


def test_workers_read_other_shards(folder):
    about = read_about(folder)
    own = [int(s["file"][:6]) for s in shards_of(about, 0, 0, 1, 2)]
    shards = [
        n // SHARD for n in numbers(shard_stream(folder, 1, rank=1, world_size=2))
    ]
    assert set(shards) == set(own)
    seen = numbers(shard_stream(folder, 1, rank=1, world_size=2, workers=2))
    # two workers take turns, until the shorter one ends
    turns = {n // SHARD for n in seen[0:10:2]}, {n // SHARD for n in seen[1:10:2]}
    assert turns == (set(own[0::2]), set(own[1::2]))


def test_the_order_is_that_of_seed_and_epoch(folder):
    def order(**options) -> list[int]:
        return numbers(shard_stream(folder, 4, **options))

    loader = shard_stream(folder, 4, seed=1)
    first = numbers(loader)
    assert first == numbers(loader) == order(seed=1) == order(seed=1, epoch=0)
    others = [order(seed=1, epoch=1), order(seed=2), sorted(first)]
    others += [order(seed=1, buffer=1), order(seed=1, buffer=5)]
    assert all(sorted(other) == sorted(first) != other for other in others[:2])
    assert all(first != other for other in others)
    assert order(seed=1, workers=2) == order(seed=1, workers=2)


def test_neighbours_of_a_shard_part(folder):
    """With a buffer as large as the rank's share, the shuffle is a whole one."""
    pairs = 0
    for epoch in range(20):
        found = numbers(shard_stream(folder, COUNT, epoch=epoch))
        pairs += sum(b - a == 1 for a, b in zip(found, found[1:], strict=False))
    assert pairs / 20 < 2.5  # by chance 22 of 22 * 23 ordered pairs: 0.96 an epoch


@pytest.mark.parametrize(
    "world_size, workers", [(1, 0), (1, 2), (2, 2), (5, 0), (8, 0)]
)
def test_batches_for_all(folder, world_size, workers):
    options = {"seed": 4, "epoch": 1, "world_size": world_size, "workers": workers}
    steps = batches_for_all(read_about(folder), 5, **options)
    loaders = [shard_stream(folder, 5, rank=r, **options) for r in range(world_size)]
    assert steps == min(len(list(loader)) for loader in loaders)


def test_what_uneven_shards_leave_out(folder):
    """Three ranks share eight shards: 3, 3 and 2 of them."""
    about, missed = read_about(folder), []
    for epoch in range(4):
        steps = batches_for_all(about, 3, epoch=epoch, world_size=3)
        loaders = [
            shard_stream(folder, 3, epoch=epoch, rank=r, world_size=3) for r in range(3)
        ]
        found = [n for loader in loaders for n in numbers(islice(loader, steps))]
        assert steps == 2 and len(found) == len(set(found)) >= COUNT - 6
        missed.append(frozenset(range(COUNT)) - set(found))
    assert len(set(missed)) == 4


def noise(image: Tensor, mask: Tensor):
    return image * 0 + torch.randint(0, 256, (3, 1, 1), dtype=torch.uint8), mask


def drawn(loader) -> dict[int, list[int]]:
    """What the transform drew for every sample."""
    return {
        255 - int(mask[0, 0]): image[:, 0, 0].tolist()
        for images, masks in loader
        for image, mask in zip(images, masks, strict=True)
    }


def test_chance_belongs_to_the_sample_not_to_the_worker(folder):
    state = torch.random.get_rng_state()
    options = {"transform": noise, "seed": 3}
    alone = drawn(shard_stream(folder, 4, **options))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert alone == drawn(shard_stream(folder, 4, workers=2, **options))
    rank = drawn(shard_stream(folder, 4, rank=1, world_size=2, **options))
    assert rank.items() < alone.items()
    later = drawn(shard_stream(folder, 4, epoch=1, **options))
    assert sum(alone[n] == later[n] for n in alone) < 3
    assert len(set(map(tuple, alone.values()))) > 20


def test_samples_are_those_of_the_data_set(tmp_path):
    harbour = Harbour("val", count=4, size=(48, 64))
    root = write_shards(harbour, tmp_path / "harbour", "npy", samples=3)
    loader = shard_stream(root, 2, buffer=1, collate=list)
    found = [sample for batch in loader for sample in batch]
    start = 0 if shards_of(read_about(root), 0, 0, 0, 1)[0]["samples"] == 3 else 3
    expected = [*harbour][start:] + [*harbour][:start]
    for (image, mask), (picture, labels) in zip(found, expected, strict=True):
        assert torch.equal(image, picture) and torch.equal(mask, labels)
        assert type(image) is tv_tensors.Image and type(mask) is tv_tensors.Mask
    assert len(Records(root)) == 4


def test_more_ranks_than_shards(folder):
    for rank, world_size in ((0, 9), (2, 2), (-1, 2), (0, 0)):
        with pytest.raises(InputError) as error:
            shard_stream(folder, 2, rank=rank, world_size=world_size)
        assert str(error.value) == (
            f"rank {rank} of {world_size} cannot share 8 shards: each rank needs one; "
            "write smaller shards"
        )


@pytest.mark.parametrize("workers", [0, 2])
def test_damage_is_named(tmp_path, workers):
    root = write_shards(Numbers(), tmp_path / "numbers", samples=SHARD)
    path = root / "000002.tar"
    whole = path.read_bytes()
    first, second, _ = sample_rows(path)[:, 0].tolist()
    cases = {
        first + 150: "(invalid header)",
        first + 530: "(sample 0 of its 3)",
        second + 150: "(sample 1 of its 3)",  # tarfile takes it for the end
    }
    for place, said in cases.items():
        path.write_bytes(whole[:place] + b"!!!!!!!!" + whole[place + 8 :])
        with pytest.raises(InputError) as error:
            list(shard_stream(root, 2, workers=workers))
        assert f"{path} is damaged {said}; see what" in str(error.value)
        path.write_bytes(whole)
    path.write_bytes(whole[:2048])
    with pytest.raises(InputError, match=f"has 2048 of {len(whole)} bytes"):
        shard_stream(root, 2, workers=workers)
