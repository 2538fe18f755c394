"""Metrics against loops, against torchmetrics, and against a case by hand."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from course_lib.data.statistics import class_statistics
from course_lib.errors import InputError
from course_lib.metrics import (
    ConfusionMatrix,
    boundary_iou,
    boundary_region,
    reduced_iou,
)

seeds = st.integers(0, 2**31)
sizes = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9))


def pictures(seed, size, num_classes, void_share=0.2, answers_void=False):
    """Labels with void, and a prediction that is right about half of the time."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(num_classes, size, generator=generator)
    guess = torch.randint(num_classes, size, generator=generator)
    right = torch.rand(size, generator=generator) < 0.5
    prediction = torch.where(right, labels, guess)
    void = torch.rand(size, generator=generator) < void_share
    if answers_void:
        answer = torch.rand(size, generator=generator) < void_share
        prediction = prediction.masked_fill(answer, 255)
    return labels.masked_fill(void, 255), prediction


def by_loops(labels, prediction, num_classes, void):
    """Every figure by its definition, pixel by pixel."""
    pairs = list(
        zip(labels.flatten().tolist(), prediction.flatten().tolist(), strict=True)
    )
    iou, accuracy, weighted, right = [], [], 0.0, 0
    labelled = sum(t != 255 for t, _ in pairs)
    for c in range(num_classes):
        hit = sum(t == c and p == c for t, p in pairs)
        truth = sum(t == c for t, _ in pairs)
        wrong = sum(t not in (c, 255) and p == c for t, p in pairs)
        if void == "counted":
            wrong += sum(t == 255 and p == c for t, p in pairs)
        iou.append(hit / (truth + wrong) if truth + wrong else math.nan)
        accuracy.append(hit / truth if truth else math.nan)
        weighted += truth * iou[-1] / labelled if truth else 0.0
        right += hit
    total = labelled
    if void == "counted":
        total += sum(t == 255 and p != 255 for t, p in pairs)
    present = [each for each in iou if not math.isnan(each)]
    mean_iou = sum(present) / len(present) if present else math.nan
    pixel = right / total if total else math.nan
    weighted = weighted if labelled else math.nan
    return mean_iou, iou, accuracy, pixel, weighted, (mean_iou + pixel) / 2


@given(seeds, sizes, st.integers(1, 5), st.sampled_from(["ignored", "counted"]))
@settings(max_examples=60, deadline=None)
def test_equals_the_definition_by_loops(seed, size, num_classes, void):
    labels, prediction = pictures(seed, size, num_classes, 0.3, answers_void=True)
    got = ConfusionMatrix(num_classes, void=void).update(labels, prediction).scores()
    wanted = by_loops(labels, prediction, num_classes, void)
    mean_iou, iou, accuracy, pixel, weighted, overall = wanted
    assert got.class_iou.tolist() == pytest.approx(iou, nan_ok=True)
    assert got.class_accuracy.tolist() == pytest.approx(accuracy, nan_ok=True)
    assert got.mean_iou == pytest.approx(mean_iou, nan_ok=True)
    assert got.pixel_accuracy == pytest.approx(pixel, nan_ok=True)
    assert got.frequency_weighted_iou == pytest.approx(weighted, nan_ok=True)
    assert got.overall == pytest.approx(overall, nan_ok=True)


@given(seeds, sizes, st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_streamed_equals_at_once(seed, size, cut):
    labels, prediction = pictures(seed, size, 4)
    at_once = ConfusionMatrix(4).update(labels, prediction)
    streamed, rest = ConfusionMatrix(4), ConfusionMatrix(4)
    for n, pair in enumerate(zip(labels, prediction, strict=True)):
        (streamed if n < cut else rest).update(*pair)
    assert torch.equal(streamed.merge(rest).matrix, at_once.matrix)


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_agrees_with_torchmetrics(seed):
    tm = pytest.importorskip("torchmetrics.functional.classification")
    labels, prediction = pictures(seed, (2, 12, 12), 5)
    labels[0, 0, :5] = torch.arange(5)  # every class is there
    got = ConfusionMatrix(5).update(labels, prediction).scores()
    options = {"num_classes": 5, "ignore_index": 255}
    iou = tm.multiclass_jaccard_index(prediction, labels, average=None, **options)
    recall = tm.multiclass_accuracy(prediction, labels, average=None, **options)
    pixel = tm.multiclass_accuracy(prediction, labels, average="micro", **options)
    torch.testing.assert_close(got.class_iou.float(), iou, rtol=0, atol=1e-6)
    torch.testing.assert_close(got.class_accuracy.float(), recall, rtol=0, atol=1e-6)
    assert got.mean_iou == pytest.approx(iou.mean().item(), abs=1e-6)
    assert got.pixel_accuracy == pytest.approx(pixel.item(), abs=1e-6)
    micro = tm.multiclass_jaccard_index(prediction, labels, average="micro", **options)
    one = ConfusionMatrix(5).update(labels, prediction)
    assert reduced_iou([one], "micro") == pytest.approx(micro.item(), abs=1e-6)


def test_a_case_by_hand():
    labels = torch.tensor([[0, 0, 0, 1], [0, 1, 255, 255]])
    prediction = torch.tensor([[0, 0, 1, 1], [0, 0, 1, 0]])
    matrix = ConfusionMatrix(2).update(labels, prediction)
    assert matrix.matrix.tolist() == [[3, 1, 0], [1, 1, 0], [1, 1, 0]]
    ignored, counted = matrix.scores(), matrix.scores("counted")
    assert ignored.class_iou.tolist() == pytest.approx([3 / 5, 1 / 3])
    assert ignored.mean_iou == pytest.approx(7 / 15)
    assert ignored.mean_iou_without_background == pytest.approx(1 / 3)
    assert ignored.mean_accuracy == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert ignored.pixel_accuracy == pytest.approx(4 / 6)
    assert ignored.frequency_weighted_iou == pytest.approx(4 / 6 * 3 / 5 + 2 / 6 / 3)
    assert counted.class_iou.tolist() == pytest.approx([3 / 6, 1 / 4])
    assert counted.pixel_accuracy == pytest.approx(4 / 8)


def test_an_absent_class_is_nan_and_left_out_of_the_mean():
    labels = torch.tensor([[0, 0], [1, 1]])
    scores = ConfusionMatrix(3).update(labels, labels).scores()
    assert math.isnan(scores.class_iou[2]) and math.isnan(scores.class_accuracy[2])
    assert scores.mean_iou == 1.0 and scores.mean_accuracy == 1.0
    only_predicted = ConfusionMatrix(3).update(labels, torch.tensor([[0, 2], [1, 1]]))
    assert only_predicted.scores().class_iou.tolist() == [0.5, 1.0, 0.0]


def test_a_class_predicted_only_on_void_is_wrong_only_when_void_counts():
    labels, prediction = torch.tensor([0, 255]), torch.tensor([0, 1])
    matrix = ConfusionMatrix(2).update(labels, prediction)
    assert math.isnan(matrix.scores("ignored").class_iou[1])
    assert matrix.scores("counted").class_iou[1] == 0


def test_all_void_is_nan_everywhere_and_null_in_json():
    void = torch.full((2, 3), 255)
    scores = ConfusionMatrix(2).update(void, torch.zeros(2, 3).long()).scores()
    plain = json.loads(json.dumps(scores.as_dict(), allow_nan=False))
    assert plain["mean_iou"] is None and plain["class_iou"] == [None, None]
    assert plain["pixel_accuracy"] is None


def test_one_pixel_and_no_pixel():
    one = torch.tensor([[1]], dtype=torch.uint8)
    assert ConfusionMatrix(2).update(one, one).scores().mean_iou == 1.0
    none = torch.zeros(0, 4, dtype=torch.int64)
    assert ConfusionMatrix(2).update(none, none).matrix.sum() == 0


@pytest.mark.parametrize(
    ("labels", "prediction", "sentence"),
    [
        (
            [0, 11],
            [0, 0],
            r"labels: id 11 is none of the 2 classes \(0 to 1\) nor void \(255\)",
        ),
        ([0, 1], [0, 2], "prediction: id 2 is none"),
        ([0, 1], [0, -1], "prediction: id -1 is none"),
        ([0, 1], [0], r"labels are \(2,\) but the prediction is \(1,\)"),
        ([0, 1], [0.2, 1.0], "prediction: torch.float32 are not class ids"),
    ],
)
def test_what_are_no_class_ids_is_refused(labels, prediction, sentence):
    with pytest.raises(InputError, match=sentence):
        ConfusionMatrix(2).update(torch.tensor(labels), torch.tensor(prediction))


def test_wrong_words_are_refused():
    with pytest.raises(InputError, match='void is "count"; choose'):
        ConfusionMatrix(2, void="count")
    with pytest.raises(InputError, match="ignore_index 1 is also a class"):
        ConfusionMatrix(2, ignore_index=1)
    with pytest.raises(InputError, match="num_classes is 0"):
        ConfusionMatrix(0)
    with pytest.raises(InputError, match="matrix of 3 classes cannot be added"):
        ConfusionMatrix(2).merge(ConfusionMatrix(3))
    with pytest.raises(InputError, match='reduction is "mean"; choose'):
        reduced_iou([ConfusionMatrix(2)], "mean")


def test_the_three_reductions_by_hand():
    good, bad = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 1, 1, 1])
    first = ConfusionMatrix(2).update(good, good)  # IoU 1, 1
    second = ConfusionMatrix(2).update(good, bad)  # IoU 1/3, 1/3
    each = [first, second]
    assert reduced_iou(each, "per_image") == pytest.approx((1 + 1 / 3) / 2)
    assert reduced_iou(each, "macro") == pytest.approx((4 / 6 + 2 / 4) / 2)
    assert reduced_iou(each, "micro") == pytest.approx(6 / 10)
    assert reduced_iou(iter(each)) == reduced_iou(each, "macro")


def slow_region(mask, distance):
    """Pixels of the mask with a pixel outside it, or the frame, within reach."""
    height, width = mask.shape
    near = torch.zeros_like(mask)
    steps = range(-distance, distance + 1)
    for y, x in mask.nonzero().tolist():
        around = [(y + dy, x + dx) for dy in steps for dx in steps]
        near[y, x] = any(
            not (0 <= v < height and 0 <= u < width) or not mask[v, u]
            for v, u in around
        )
    return near


@given(seeds, st.integers(1, 9), st.integers(1, 9), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_boundary_iou_equals_the_slow_version(seed, height, width, distance):
    labels, prediction = pictures(seed, (height, width), 2, 0.1)
    got = boundary_iou(labels, prediction, 2, distance)
    for c in range(2):
        truth = slow_region(labels == c, distance) & (labels != 255)
        answer = slow_region(prediction == c, distance) & (labels != 255)
        wanted = (truth & answer).sum().item() / max(1, (truth | answer).sum().item())
        if not (truth | answer).any():
            wanted = math.nan
        assert got[c].item() == pytest.approx(wanted, nan_ok=True)


def test_boundary_region_of_a_square_by_hand():
    mask = torch.zeros(9, 9, dtype=torch.bool)
    mask[2:7, 2:7] = True
    assert boundary_region(mask, 1).sum() == 25 - 9
    assert boundary_region(mask, 2).sum() == 25 - 1
    everywhere = torch.ones(2, 6, 6, dtype=torch.bool)
    assert boundary_region(everywhere, 1).sum() == 2 * (36 - 16)


def test_a_shift_costs_more_at_the_boundary_than_in_the_whole():
    labels, shifted = torch.zeros(2, 60, 80, dtype=torch.int64)
    labels[10:40, 10:40], shifted[10:40, 12:42] = 1, 1
    whole = ConfusionMatrix(2).update(labels, shifted).scores().class_iou[1]
    edge = boundary_iou(labels, shifted, 2)[1]  # 2 % of 100 px: 2 px
    assert whole == pytest.approx(28 / 32) and edge < 0.5
    with pytest.raises(InputError, match="distance is 0 px"):
        boundary_iou(labels, shifted, 2, distance=0)


def test_class_statistics_and_weights_by_hand():
    first = torch.tensor([[0, 0, 0, 1]])
    second = torch.tensor([[0, 0, 255, 255]])
    found = class_statistics([first, second], num_classes=3)
    assert found.pixels.tolist() == [5, 1, 0] and found.void == 2
    assert found.pictures.tolist() == [2, 1, 0]
    assert found.share.tolist() == pytest.approx([5 / 6, 1 / 6, 0])
    # frequencies 5/8 and 1/4, so their median is 7/16; class 2 is nowhere
    weights = found.median_frequency_weights().tolist()
    assert weights == pytest.approx([7 / 16 / (5 / 8), 7 / 16 / (1 / 4), 0])


@pytest.mark.real
def test_every_figure_of_the_camvid_reference(real_data):
    folder = real_data / "camvid"
    wanted = json.loads((folder / "espnet_test_reference.json").read_text())
    matrix = ConfusionMatrix(11)
    for path in sorted((folder / "testannot").glob("*.png")):
        answer = folder / "espnet_test_predictions" / path.name
        labels, prediction = (
            torch.from_numpy(np.asarray(Image.open(each)).astype(np.int64))
            for each in (path, answer)
        )
        matrix.update(
            labels.masked_fill(labels == 11, 255),
            prediction.masked_fill(prediction == 11, 255),
        )
    assert matrix.matrix.tolist() == wanted["confusion_matrix"]
    ignored, counted = matrix.scores(), matrix.scores("counted")
    exact = {
        "mean_iou_11_void_pixels_counted_as_false_positives": counted.mean_iou,
        "mean_iou_11_void_pixels_ignored": ignored.mean_iou,
        "mean_class_accuracy_11": ignored.mean_accuracy,
        "pixel_accuracy_void_ignored": ignored.pixel_accuracy,
        "frequency_weighted_iou_void_ignored": ignored.frequency_weighted_iou,
    }
    for key, value in exact.items():
        assert value == pytest.approx(wanted[key], abs=1e-9), key
    rounded = {
        "iou_void_counted": counted.class_iou,
        "iou_void_ignored": ignored.class_iou,
        "class_accuracy": ignored.class_accuracy,
    }
    for key, values in rounded.items():
        assert [round(v, 6) for v in values.tolist()] == wanted[key], key


@pytest.mark.real
def test_median_frequency_weights_of_camvid(real_data):
    files = sorted((real_data / "camvid" / "trainannot").glob("*.png"))
    masks = (torch.from_numpy(np.array(Image.open(path))) for path in files)
    weights = class_statistics(masks, 11, ignore_index=11).median_frequency_weights()
    assert weights.tolist() == pytest.approx(
        [0.2793, 0.2017, 4.7865, 0.1490, 1.0000, 0.4217]
        + [3.8467, 1.9736, 0.7889, 6.3747, 8.8587],
        abs=5e-5,
    )
