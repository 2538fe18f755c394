"""Pictures a second from a folder of files and from records, in one process.

Cold: the contents of the files are not in the page cache, all of it comes from the
disk, which is counted (their names may be in memory, and the disk may have a cache of
its own). Warm: nothing comes from the disk. Folder and ``Records`` are read in a random
order, as training does, the stream from the front.
"""

import gc
import os
from pathlib import Path

import numpy as np
import pytest

from course_lib.data.classes import HARBOUR
from course_lib.data.harbour import Harbour, export
from course_lib.data.readers.camvid import CamVid
from course_lib.data.readers.own_folder import LabelFolder
from course_lib.data.readers.penn_fudan import PennFudan
from course_lib.data.readers.records import Records
from course_lib.data.readers.voc import VOCSegmentation
from course_lib.data.records.stream import shard_stream
from course_lib.data.records.write import write_shards
from course_lib.paths import data_dir

CASES = {
    "harbour, JPEG, 128x96": ("voc", 400, (96, 128)),
    "harbour, PNG, 128x96": ("camvid", 400, (96, 128)),
    "harbour, PNG, 512x384": ("camvid", 100, (384, 512)),
    "CamVid test, JPEG, 480x360": (CamVid, "camvid"),
    "Penn-Fudan test, PNG, with masks": (PennFudan, "PennFudanPed"),
}
ROUNDS = 5


def opened(name, root):
    """The data set of a case."""
    kind, *how = CASES[name]
    if not isinstance(kind, str):
        if data_dir() is None:
            pytest.skip("COURSE_DATA is unset: no real data to read")
        return kind(data_dir() / how[0], split="test")
    export(Harbour("test", *how), root, kind)
    if kind == "voc":
        return VOCSegmentation(root, "test")
    return LabelFolder(root / "test", root / "testannot", HARBOUR)


@pytest.fixture(scope="module", params=CASES)
def case(request, tmp_path_factory):
    """Name, data set, and its records with pictures as files and as numbers."""
    root = tmp_path_factory.mktemp("case")
    dataset = opened(request.param, root / "folder")
    shards = {
        kind: write_shards(dataset, root / kind, kind, samples=len(dataset) // 4 + 1)
        for kind in ("file", "npy")
    }
    return request.param, dataset, shards


def from_folder(dataset, order, decoded):
    if decoded:
        return [dataset[i] and 1 for i in order]
    return [len(path.read_bytes()) and 1 for i in order for path in dataset.pairs[i]]


def by_number(records, order, decoded):
    read = records.__getitem__ if decoded else records.read
    return [read(i) and 1 for i in order]


def streamed(folder, decoded):
    if decoded:
        return [len(batch) for batch in shard_stream(folder, 16, collate=list)]
    import webdataset as wds

    shards = sorted(path.as_uri() for path in folder.glob("*.tar"))
    pipeline = wds.DataPipeline(wds.SimpleShardList(shards), wds.tarfile_to_samples())
    return [1 for _ in pipeline]


def make_cold(paths):
    """Put files out of the page cache."""
    gc.collect()  # an index that is still mapped would stay
    for path in paths:
        with open(path, "rb") as file:
            os.fsync(file.fileno())  # what is not on the disk yet would stay
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def from_disk(run):
    """Megabytes that a run had to fetch from the disk."""
    before, _ = disk_bytes(), run()
    return round((disk_bytes() - before) / 1e6, 1)


def disk_bytes():
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(x.split()[1]) for x in lines if x.startswith("read_bytes"))


@pytest.mark.parametrize("side", ["folder", "by number", "stream"])
@pytest.mark.parametrize("kind", ["file", "npy"])
@pytest.mark.parametrize("decoded", [True, False], ids=["decoded", "bytes"])
@pytest.mark.parametrize("cold", [True, False], ids=["cold", "warm"])
def test_pictures_a_second(benchmark, case, cold, decoded, kind, side):
    name, dataset, shards = case
    if kind == "npy" and (side == "folder" or not decoded):
        pytest.skip("the folder holds no numbers, and these need no decoding")
    order = np.random.default_rng(0).permutation(len(dataset)).tolist()
    benchmark.group = f"{name}, {'cold' if cold else 'warm'}, " + (
        "decoded" if decoded else "bytes only"
    )
    paths = sorted(shards[kind].iterdir())
    if side == "folder":
        paths = [path for pair in dataset.pairs for path in pair]
    runs = {
        "folder": lambda: from_folder(dataset, order, decoded),
        "by number": lambda: by_number(Records(shards[kind]), order, decoded),
        "stream": lambda: streamed(shards[kind], decoded),
    }

    def setup():
        if cold:
            make_cold(paths)

    count = sum(runs[side]())
    assert count == len(dataset) * (2 if side == "folder" and not decoded else 1)
    benchmark.pedantic(runs[side], setup=setup, rounds=ROUNDS)
    setup()
    fetched = from_disk(runs[side])
    size = sum(path.stat().st_size for path in paths) / 1e6
    assert fetched >= 0.9 * size if cold else fetched == 0  # 0.9: ends of shards
    benchmark.extra_info |= {
        "pictures_per_second": round(len(dataset) / benchmark.stats.stats.median),
        "megabytes": round(size, 1),
        "megabytes_from_disk": fetched,
    }
