"""Every set of the catalogue that has archives: packed, fetched, read.

The archives hold harbour pictures in the set's layout and have the names, tops and
places that the catalogue states. The checksums, which are of the real ones, are left
out.
"""

from dataclasses import replace

import pytest
import torch
from file_server import FileServer, left
from harbour_archives import LAYOUT, exported, packed, zipped

from course_lib.data.catalogue import CATALOGUE, source
from course_lib.data.fetching import fetch
from course_lib.data.harbour import Harbour, export
from course_lib.data.opening import READERS, open_dataset

SETS = [
    name
    for name, entry in CATALOGUE.items()
    if entry.files and LAYOUT.get(name, name) in READERS
]


def without_checksums(name):
    files = [replace(f, checksum=None, bytes=None) for f in source(name).files]
    return replace(source(name), files=tuple(files), registration="")


def files_of(folder) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def equal(one, other) -> bool:
    if isinstance(one, dict):
        return all(equal(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return all(map(equal, one, other))
    return torch.equal(torch.as_tensor(one), torch.as_tensor(other))


@pytest.mark.parametrize("name", SETS)
def test_a_set_comes_as_it_was_packed_and_its_reader_opens_it(name, tmp_path):
    server = FileServer()
    before = exported(name, tmp_path / "before")
    for file, content in packed(name, before).items():
        server.offer(file, content)
    after = fetch(without_checksums(name), tmp_path / "cache", mirror=server.url)
    server.close()
    assert left(tmp_path / "cache") == [name]
    places = tuple(f"{file.to}/" if file.to else "" for file in source(name).files)
    kept = {k: v for k, v in files_of(before).items() if k.startswith(places)}
    assert kept and files_of(after) == kept
    options = {"validation": 2} if name == "lfw_parts" else {}
    sets = [
        open_dataset(LAYOUT.get(name, name), "train", folder, **options)
        for folder in (before, after)
    ]
    assert len(sets[0]) == len(sets[1]) >= 2
    assert all(equal(sets[0][i], sets[1][i]) for i in range(len(sets[0])))


def test_the_sets_are_many():
    assert len(SETS) >= 11


@pytest.fixture
def coco(tmp_path):
    """COCO, its splits called train2017 and val2017, as a folder to pack."""
    for split in ("train", "val"):
        export(Harbour(split, 2, (48, 64)), tmp_path / "coco", "coco")
        export(Harbour(split, 2, (48, 64)), tmp_path / "coco", "coco_panoptic")
    for path in sorted((tmp_path / "coco").rglob("*"), reverse=True):
        if path.stem.endswith(("train", "val")):
            path.rename(path.with_name(f"{path.stem}2017{path.suffix}"))
    return tmp_path / "coco"


def test_coco_of_2017(coco, tmp_path):
    entry = without_checksums("coco2017")
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    parts = ("train2017", "val2017", "annotations")
    for file, part in zip(entry.files, parts, strict=True):
        (mirror / file.name).write_bytes(zipped(coco / part, part))
    folder = fetch(entry, tmp_path / "cache", mirror=str(mirror))
    for split in ("train", "val"):
        found = open_dataset("coco", split, folder)
        boxes = Harbour(split, 2, (48, 64)).scene(1).boxes
        assert len(found) == 2 and equal(found[1][1]["boxes"], boxes)
    folder = fetch(without_checksums("coco2017_val"), tmp_path, mirror=str(mirror))
    assert len(open_dataset("coco", "val", folder)) == 2


def test_the_archives_within_coco_panoptic(coco, tmp_path):
    inner, names = tmp_path / "inner" / "annotations", ("train2017", "val2017")
    inner.mkdir(parents=True)
    for name in (f"panoptic_{name}" for name in names):
        pictures = zipped(coco / "annotations" / name, name)
        (inner / f"{name}.zip").write_bytes(pictures)
        (coco / "annotations" / f"{name}.json").rename(inner / f"{name}.json")
    entry = without_checksums("coco2017_panoptic")
    packed_twice = tmp_path / entry.files[0].name
    packed_twice.write_bytes(zipped(inner.parent, ""))
    folder = fetch(entry, tmp_path, [packed_twice])
    for name in (f"panoptic_{name}" for name in names):
        before = files_of(coco / "annotations" / name)
        assert before and files_of(folder / "annotations" / name) == before
    assert not list(folder.rglob("*.zip"))
