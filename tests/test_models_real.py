"""The real ImageNet SqueezeNet before and after its conversion."""

import json
import time

import pytest
import torch

from course_lib.models.classifiers import classifier
from course_lib.models.dense import to_dense
from course_lib.training.imagenet import sample

pytestmark = pytest.mark.real


@pytest.fixture
def folder(real_data):
    return real_data / "imagenet"


def test_top1_of_the_sample_pictures_before_and_after_conversion(folder, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(folder.parent))
    rows = json.loads((folder / "squeezenet_reference.json").read_text())["results"]
    expected = [row["top5"][0] for row in rows]
    net, _ = classifier("squeezenet1_0", "real")
    crops, classes = sample(folder)
    torch.set_num_threads(1)
    start = time.perf_counter()
    with torch.no_grad():
        before = torch.cat([net(four) for four in crops.split(4)])
        dense = to_dense(net)
        after = torch.cat([dense(four).mean(dim=(2, 3)) for four in crops.split(4)])
    print(f"{time.perf_counter() - start:.1f} s for {len(crops)} pictures, twice")
    assert before.argmax(dim=1).tolist() == expected
    assert after.argmax(dim=1).tolist() == expected
    assert (before - after).abs().max() < 1e-4
    assert (before.argmax(dim=1) == classes).sum() == 59


def test_names_of_the_classes_are_those_beside_the_pictures(folder):
    _, names = classifier("squeezenet1_0", "real")
    rows = (folder / "imagenet_classes.txt").read_text().splitlines()
    theirs = [row.split("\t")[2] for row in rows]
    same = sum(a.lower() == b.lower() for a, b in zip(names, theirs, strict=True))
    assert len(theirs) == 1000 and same > 900  # the others are spelt another way
