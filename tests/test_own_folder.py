"""Pairs added, changed and deleted from a notebook: nothing half, nothing lost."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from PIL import Image
from told import told

from course_lib.data.classes import HARBOUR, VOC
from course_lib.data.harbour import Harbour, export
from course_lib.data.images import read_labels
from course_lib.data.readers import own_files
from course_lib.data.readers.own_folder import LabelFolder


def opened(root: Path, **how) -> LabelFolder:
    how = {"create": True, **how}
    return LabelFolder(root / "images", root / "annotations", VOC, **how)


def pair(seed: int, size=(4, 6)) -> tuple[torch.Tensor, torch.Tensor]:
    numbers = torch.Generator().manual_seed(seed)
    image = torch.randint(0, 256, (3, *size), generator=numbers, dtype=torch.uint8)
    ids = torch.tensor([*range(21), 255])
    return image, ids[torch.randint(0, 22, size, generator=numbers)]


def same(a, b) -> bool:
    return all(torch.equal(torch.as_tensor(x), torch.as_tensor(y))
               for x, y in zip(a, b, strict=True))  # fmt: skip


def content(folder: LabelFolder) -> dict:
    return {name: folder[i] for i, name in enumerate(folder.names)}


# one operation at a time


def test_add_update_delete(tmp_path):
    folder = opened(tmp_path)
    assert len(folder) == 0 and folder.names == []
    name = folder.add(*pair(1))
    assert datetime.strptime(name, "%Y-%m-%d_%H-%M-%S-%f") <= datetime.now()
    assert folder.names == [name] and same(folder[0], pair(1))
    folder.update(name, mask=pair(2)[1])
    assert same(folder[0], (pair(1)[0], pair(2)[1]))
    folder.update(name, image=pair(3)[0])
    assert same(folder[0], (pair(3)[0], pair(2)[1]))
    folder.update(name, *pair(4, (5, 5)))
    assert same(folder[0], pair(4, (5, 5))) and same(opened(tmp_path)[0], folder[0])
    folder.delete(name)
    assert len(folder) == len(opened(tmp_path)) == 0
    for inner in ("images", "annotations"):  # moved, not destroyed
        [path] = (tmp_path / inner / "deleted").iterdir()
        path.rename(tmp_path / inner / path.name)
    assert same(opened(tmp_path)[0], pair(4, (5, 5)))


def test_labels_are_palette_pictures(tmp_path):
    folder = opened(tmp_path)
    folder.add(*pair(1))
    picture = Image.open(folder.file(0))
    assert picture.mode == "P" and picture.format == "PNG"
    assert np.array_equal(picture, pair(1)[1])
    colours = VOC.colour_map()[pair(1)[1]].numpy()
    assert np.array_equal(picture.convert("RGB"), colours)


def test_a_folder_in_colours_stays_in_colours(tmp_path):
    folder = opened(tmp_path, colours=True)
    folder.add(*pair(1))
    assert Image.open(folder.file(0)).mode == "RGB"
    assert same(folder[0], pair(1))


@pytest.mark.parametrize("kind", ["array", "pil", "file", "narrow", "tv"])
def test_pictures_and_masks_of_every_kind(kind, tmp_path):
    image, mask = pair(7)
    array = image.permute(1, 2, 0).numpy()
    Image.fromarray(array).save(tmp_path / "p.png")
    Image.fromarray(mask.numpy().astype(np.uint8)).save(tmp_path / "m.png")
    from torchvision import tv_tensors

    given = {
        "array": (array, mask.numpy()),
        "pil": (Image.fromarray(array), Image.open(tmp_path / "m.png")),
        "file": (str(tmp_path / "p.png"), tmp_path / "m.png"),
        "narrow": (image, mask.to(torch.uint8)),
        "tv": (tv_tensors.Image(image), tv_tensors.Mask(mask)),
    }[kind]
    folder = opened(tmp_path)
    folder.add(*given)
    assert same(folder[0], (image, mask))


def test_what_is_refused_changes_nothing(tmp_path):
    folder = opened(tmp_path)
    name = folder.add(*pair(1))
    image, mask = pair(2)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    for wrong, words in [
        (lambda: folder.add(image, mask + 300), "the new mask holds the id "),
        (lambda: folder.add(image, mask[1:]), "the new mask is 6x3 but its picture"),
        (lambda: folder.add(image, mask.float()), "torch.float32 (4, 6); give int64"),
        (lambda: folder.add(image, mask[:0]), "(0, 6); give int64 (H, W)"),
        (lambda: folder.add(image.float(), mask), "torch.float32 (3, 4, 6); give a "),
        (lambda: folder.add(image[0], mask), "(4, 6); give a tensor uint8 (3, H, W)"),
        (lambda: folder.add(tmp_path / "no.png", mask), "there is no file"),
        (lambda: folder.update(name, mask=mask[1:]), f"the mask of {name} is 6x3"),
        (lambda: folder.update(name, image=image[:, 1:]), f"the mask of {name} is 6x4"),
        (lambda: folder.update("boat", mask=mask), "has no picture 'boat'; .names "),
        (lambda: folder.delete("boat"), "has no picture 'boat'; .names lists"),
    ]:
        assert words in told(wrong)
    after = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert before == after and folder.names == [name] and same(folder[0], pair(1))


def test_folders_that_cannot_be(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "annotations").mkdir()
    assert "holds no picture" in told(lambda: opened(tmp_path, create=False))
    one = tmp_path / "images"
    assert told(lambda: LabelFolder(one, one / "../images", VOC)) == (
        f"{one} is given for pictures and for labels; give two folders"
    )
    (one / ".DS_Store").write_text("")
    assert len(opened(tmp_path)) == 0


class Stopped(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls):
        return datetime(2026, 3, 29, 2, 30)


def test_two_additions_in_one_microsecond(tmp_path, monkeypatch):
    monkeypatch.setattr(own_files, "datetime", Stopped)
    folder = opened(tmp_path)
    names = [folder.add(*pair(k)) for k in range(3)]
    assert names == [f"2026-03-29_02-30-00-00000{k}" for k in range(3)]
    assert all(same(folder[k], pair(k)) for k in range(3))
    folder.delete(names[2])
    assert folder.add(*pair(9)) == names[2]
    folder.delete(names[2])
    for inner in ("images", "annotations"):  # neither overwrites the other
        assert len(list((tmp_path / inner / "deleted").iterdir())) == 2


def test_names_kept_free_by_many_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(own_files, "datetime", Stopped)
    names = []

    def take():
        names.extend(own_files.free_name(tmp_path) for _ in range(10))

    threads = [threading.Thread(target=take) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(set(names)) == len(names) == 40


def test_other_endings_are_replaced(tmp_path):
    folder = opened(tmp_path)
    image, mask = pair(1)
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(tmp_path / "images/boat.JPG")
    labels = Image.fromarray(mask.numpy().astype(np.uint8))
    labels.save(tmp_path / "annotations/boat.tif")
    folder = opened(tmp_path)
    folder.update("boat", *pair(2))
    assert same(folder[0], pair(2)) and folder.names == ["boat"]
    assert [p.name for p in (tmp_path / "images").iterdir()] == ["boat.png"]
    assert [p.name for p in (tmp_path / "annotations").iterdir()] == ["boat.png"]


def test_a_full_disk_is_one_sentence_and_changes_nothing(tmp_path, monkeypatch):
    folder = opened(tmp_path)
    name = folder.add(*pair(1))

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(own_files.os, "fsync", full)
    for change in (lambda: folder.update(name, *pair(2)), lambda: folder.add(*pair(3))):
        assert "No space left on device); make room" in told(change)
    monkeypatch.undo()
    assert same(folder[0], pair(1)) and same(opened(tmp_path)[0], pair(1))
    folder.update(name, image=pair(4)[0])  # the labels left behind do not count
    assert same(opened(tmp_path)[0], (pair(4)[0], pair(1)[1]))


def test_the_harbour_in_voc_layout_can_be_edited(tmp_path):
    export(Harbour("val", count=2, size=(24, 32)), tmp_path, "voc")
    folder = LabelFolder(
        tmp_path / "JPEGImages", tmp_path / "SegmentationClass", HARBOUR
    )
    name = folder.names[1]
    ids = read_labels(folder.file(1))
    ids[:5] = 255
    folder.update(name, mask=ids)
    assert folder.pairs[1][0].suffix == ".jpg"  # the picture was not touched
    assert torch.equal(folder[1][1], ids)


# whatever order, wherever it is cut off


class Cut(BaseException):
    """The process dies here: nothing after it runs."""


@contextmanager
def dying(at: int):
    """Let the n-th step on the disk never happen."""
    steps = [(os, "replace"), (os, "fsync"), (Path, "unlink"), (Path, "open")]
    kept = [getattr(owner, name) for owner, name in steps]
    count = 0

    def counted(step):
        def run(*args, **how):
            nonlocal count
            count += 1
            if count == at:
                raise Cut
            return step(*args, **how)

        return run

    for (owner, name), step in zip(steps, kept, strict=True):
        setattr(owner, name, counted(step))
    try:
        yield
    except Cut:
        pass
    finally:
        for (owner, name), step in zip(steps, kept, strict=True):
            setattr(owner, name, step)


@pytest.mark.parametrize("ending", [".png", ".tif"])
@pytest.mark.parametrize("which", ["add", "image", "mask", "both"])
def test_cut_off_at_every_step(which, ending, tmp_path):
    """Each place where a change can break off leaves the old or the new pair."""
    seen = set()
    for at in range(1, 16):
        root = tmp_path / str(at)
        folder = opened(root)
        name = folder.add(*pair(1))
        for path in (root / "images" / f"{name}.png", Path(folder.file(0))):
            if ending != ".png":
                Image.open(path).save(path.with_suffix(ending))
                path.unlink()
        folder = opened(root)
        old = dict(zip(("image", "mask"), pair(1), strict=True))
        new = dict(zip(("image", "mask"), pair(2), strict=True))
        if which in new:
            new = {which: new[which]}
        with dying(at):
            folder.add(**new) if which == "add" else folder.update(name, **new)
        now = content(opened(root))
        states = {name: old, "new": new} if which == "add" else {name: old | new}
        labels = {p.stem for p in (root / "annotations").glob("[!.]*")}
        assert labels == now.keys()
        if len(now) == 2:
            now = {name: now[name], "new": now[max(now)]}
        kept = now.keys() == {name} and same(now[name], old.values())
        done = now.keys() == states.keys() and all(
            same(now[key], states[key].values()) for key in now
        )
        assert kept or done
        seen.add("done" if done else "kept")
    assert seen == {"kept", "done"}


SEEDS, PLACES = st.integers(0, 50), st.integers(0, 9)
SIZES = st.sampled_from([(2, 3), (3, 2)])


class Editing(RuleBasedStateMachine):
    """A folder against a dict, with deaths in mid-operation."""

    def __init__(self):
        super().__init__()
        self.room = tempfile.TemporaryDirectory()
        self.root = Path(self.room.name)
        self.folder, self.model = opened(self.root), {}

    def teardown(self):
        self.room.cleanup()

    @rule()
    def reopen(self):
        self.folder = opened(self.root)

    @rule(seed=SEEDS, size=SIZES)
    def add(self, seed, size):
        name = self.folder.add(*pair(seed, size))
        assert name not in self.model
        self.model[name] = pair(seed, size)

    @precondition(lambda self: self.model)
    @rule(seed=SEEDS, place=PLACES, which=st.sampled_from(["image", "mask", "both"]))
    def update(self, seed, place, which):
        name = self.name(place)
        self.folder.update(name, **self.new(name, seed, which))
        self.model[name] = self.wanted(name, seed, which)

    @precondition(lambda self: self.model)
    @rule(place=PLACES)
    def delete(self, place):
        name = self.name(place)
        self.folder.delete(name)
        del self.model[name]

    @precondition(lambda self: self.model)
    @rule(place=PLACES)
    def other_endings(self, place):
        """Someone's own picture: another ending, which an update replaces."""
        name = self.name(place)
        for inner in ("images", "annotations"):
            for path in (self.root / inner).glob(f"{name}.png"):
                Image.open(path).save(path.with_suffix(".tif"))
                path.unlink()
        self.folder = opened(self.root)

    @rule(seed=SEEDS, at=st.integers(1, 12), size=SIZES)
    def die_adding(self, seed, at, size):
        with dying(at):
            self.folder.add(*pair(seed, size))
        self.folder = opened(self.root)
        new = set(self.folder.names) - set(self.model)
        assert len(new) <= 1
        self.model |= {name: pair(seed, size) for name in new}

    @precondition(lambda self: self.model)
    @rule(seed=SEEDS, place=PLACES, at=st.integers(1, 12),
          which=st.sampled_from(["image", "mask", "both"]))  # fmt: skip
    def die_updating(self, seed, place, at, which):
        name = self.name(place)
        wanted = self.wanted(name, seed, which)
        with dying(at):
            self.folder.update(name, **self.new(name, seed, which))
        self.folder = opened(self.root)
        now = content(self.folder)[name]
        assert same(now, self.model[name]) or same(now, wanted)
        if same(now, wanted):
            self.model[name] = wanted

    @precondition(lambda self: self.model)
    @rule(place=PLACES, at=st.integers(1, 3))
    def die_deleting(self, place, at):
        name = self.name(place)
        with dying(at):
            self.folder.delete(name)
        self.folder = opened(self.root)
        if name not in self.folder.names:
            del self.model[name]

    def name(self, place):
        return sorted(self.model)[place % len(self.model)]

    def new(self, name, seed, which):
        size = self.model[name][1].shape if which != "both" else (3, 3)
        parts = dict(zip(("image", "mask"), pair(seed, tuple(size)), strict=True))
        return parts if which == "both" else {which: parts[which]}

    def wanted(self, name, seed, which):
        old = dict(zip(("image", "mask"), self.model[name], strict=True))
        return tuple((old | self.new(name, seed, which)).values())

    @invariant()
    def equal(self):
        found = content(self.folder)
        assert found.keys() == self.model.keys()
        assert all(same(found[name], self.model[name]) for name in found)
        assert self.folder.names == sorted(found)


TestEditing = Editing.TestCase
TestEditing.settings = settings(
    max_examples=20,
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

ENDLESS = """
import sys, torch
from course_lib.data.classes import VOC
from course_lib.data.readers.own_folder import LabelFolder
root, k = sys.argv[1], 0
folder = LabelFolder(root + "/images", root + "/annotations", VOC, create=True)
names = list(folder.names)
print("ready", flush=True)
while True:
    k = (k + 1) % 20
    mask = torch.full((40, 40 + k), k)
    given = mask.to(torch.uint8).expand(3, -1, -1), mask
    if len(names) < 5:
        names.append(folder.add(*given))
    else:
        folder.update(names[k % 5], *given)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_killed_process_leaves_whole_pairs(tmp_path):
    run = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(tmp_path)], stdout=subprocess.PIPE
    )
    run.stdout.readline()
    time.sleep(random.random() / 4)
    run.send_signal(signal.SIGKILL)
    run.wait()
    for image, mask in opened(tmp_path):
        assert image.unique().tolist() == mask.unique().tolist()
        assert mask.shape[1] == 40 + int(mask[0, 0])
