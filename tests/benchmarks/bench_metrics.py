"""Streamed mean IoU: ours beside torchmetrics, on the same pictures."""

import pytest
import torch

from course_lib.metrics import ConfusionMatrix

GROUP = "streamed mean IoU, 20 pictures of 480x360, 11 classes and void"
CLASSES = 11


@pytest.fixture(scope="module")
def pairs():
    generator = torch.Generator().manual_seed(0)
    size = (20, 360, 480)
    labels = torch.randint(CLASSES, size, generator=generator)
    guess = torch.randint(CLASSES, size, generator=generator)
    right = torch.rand(size, generator=generator) < 0.7
    void = torch.rand(size, generator=generator) < 0.05
    prediction = torch.where(right, labels, guess)
    return list(zip(labels.masked_fill(void, 255), prediction, strict=True))


@pytest.fixture(scope="module")
def expected(pairs):
    return ours(pairs)


def ours(pairs):
    matrix = ConfusionMatrix(CLASSES)
    for labels, prediction in pairs:
        matrix.update(labels, prediction)
    return matrix.scores().mean_iou


def theirs(pairs, validate):
    from torchmetrics.classification import MulticlassJaccardIndex

    metric = MulticlassJaccardIndex(
        CLASSES, ignore_index=255, average="macro", validate_args=validate
    )
    for labels, prediction in pairs:
        metric.update(prediction, labels)
    return metric.compute().item()


@pytest.mark.benchmark(group=GROUP)
def test_course_lib(benchmark, pairs, expected):
    assert benchmark(ours, pairs) == expected


@pytest.mark.benchmark(group=GROUP)
@pytest.mark.parametrize("validate", [True, False], ids=["checked", "unchecked"])
def test_torchmetrics(benchmark, pairs, expected, validate):
    pytest.importorskip("torchmetrics")
    assert benchmark(theirs, pairs, validate) == pytest.approx(expected, abs=1e-6)
