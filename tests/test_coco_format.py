"""Data sets and predictions as COCO writes them, against pycocotools."""

import json

import numpy as np
import pytest
import torch
from coco_cases import pycocotools_says
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as rle
from torch import nn
from torchvision.ops import box_convert

import course_lib
from course_lib.data import packed_run_lengths as run_lengths
from course_lib.detection import coco_masks
from course_lib.detection.coco_format import to_coco, to_results
from course_lib.detection.evaluation import evaluate_detector
from course_lib.errors import InputError


@pytest.fixture(scope="module")
def harbour():
    return course_lib.world("harbour", task="detection").dataset("test", count=3)


class Guess(nn.Module):
    """Finds what is there, a little beside it, in the order it is asked."""

    def __init__(self, dataset, shift):
        super().__init__()
        self.dataset, self.shift, self.turn = dataset, shift, 0

    def forward(self, images, targets=None):
        assert not self.training and all(x.max() <= 1 for x in images)
        found = []
        for image in images:
            truth, target = self.dataset[self.turn]
            assert image.shape == truth.shape
            boxes, masks = target["boxes"].as_subclass(torch.Tensor), target["masks"]
            masks = masks.roll(self.shift, dims=2)[:, None].float()
            scores = torch.linspace(0.9, 0.1, len(boxes))
            labels = target["labels"]
            box = boxes + self.shift
            found.append(dict(boxes=box, labels=labels, scores=scores, masks=masks))
            self.turn += 1
        return found


@pytest.mark.parametrize("shift", [0, 2])
def test_a_detector_is_measured_as_pycocotools_would(harbour, shift):
    detector = Guess(harbour, shift).train()
    reports = evaluate_detector(
        detector, harbour, iou_types=("bbox", "segm"), batch_size=2
    )
    assert detector.training
    truth = to_coco(harbour)
    targets = [harbour[i][1] for i in range(len(harbour))]
    guess = Guess(harbour, shift).eval()
    found = guess([harbour[i][0].float() / 255 for i in range(len(harbour))])
    ids = [target["image_id"] for target in targets]
    for kind, report in reports.items():
        judge = pycocotools_says(truth, to_results(found, ids, kind), kind)
        np.testing.assert_allclose(report.stats, judge.stats, rtol=0, atol=1e-9)
        assert (report.ap == 1) == (shift == 0)
    assert reports["bbox"].categories == harbour.classes.names[1:]


def test_to_coco_is_plain_json_with_boxes_and_masks_of_the_samples(harbour):
    truth = to_coco(harbour)
    assert json.loads(json.dumps(truth)) == truth
    _, target = harbour[0]
    rows = [r for r in truth["annotations"] if r["image_id"] == target["image_id"]]
    boxes = box_convert(target["boxes"].as_subclass(torch.Tensor), "xyxy", "xywh")
    assert [row["bbox"] for row in rows] == boxes.tolist()
    for row, mask in zip(rows, target["masks"], strict=True):
        assert np.array_equal(rle.decode(row["segmentation"]), mask.numpy())
        assert row["area"] == mask.sum() and row["iscrowd"] == 0
    assert [row["id"] for row in truth["annotations"]] == list(
        range(1, len(truth["annotations"]) + 1)
    )


def test_a_detector_without_masks_is_told_so(harbour):
    class Boxes(Guess):
        def forward(self, images, targets=None):
            found = super().forward(images)
            return [{k: v for k, v in each.items() if k != "masks"} for each in found]

    assert evaluate_detector(Boxes(harbour, 0), harbour)["bbox"].ap == 1
    with pytest.raises(InputError, match="gives no masks; evaluate bbox alone"):
        evaluate_detector(Boxes(harbour, 0), harbour, iou_types=("segm",))


def test_a_detector_that_finds_nothing_scores_nothing(harbour):
    class Blind(nn.Module):
        def forward(self, images, targets=None):
            none = dict(labels=torch.zeros(0).long(), scores=torch.zeros(0))
            masks = torch.zeros(0, 1, *images[0].shape[-2:])
            return [dict(boxes=torch.zeros(0, 4), masks=masks, **none)] * len(images)

    reports = evaluate_detector(Blind(), harbour, iou_types=("bbox", "segm"))
    assert reports["bbox"].ap == reports["segm"].ap == 0


masks = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**31))


@settings(deadline=None)
@given(st.lists(masks, max_size=4))
def test_packed_run_lengths_are_read_as_pycocotools_reads_them(cases):
    drawn = []
    for height, width, seed in cases:
        mask = np.random.default_rng(seed).random((height, width)) < 0.5
        drawn.append((mask, coco_masks.encode(mask)))
        assert np.array_equal(rle.decode(drawn[-1][1]), mask)
    codes = [code["counts"].encode() for _, code in drawn]
    runs, counts = run_lengths.unpack(codes)
    areas = [mask.size for mask, _ in drawn]
    assert run_lengths.whole(codes, areas).all()
    assert not run_lengths.whole(codes, [area + 1 for area in areas]).any()
    for i, (mask, code) in enumerate(drawn):
        own = np.split(runs, np.cumsum(counts))[i]
        flat = np.repeat(np.arange(len(own)) % 2, own)
        assert np.array_equal(flat, mask.ravel(order="F"))
        listed = {"size": code["size"], "counts": own.tolist()}
        for written in (code, listed):
            assert np.array_equal(rle.decode(packed(written, *mask.shape)), mask)


def packed(code, height, width):
    images = {7: {"id": 7, "height": height, "width": width}}
    rows = [{"image_id": 7, "segmentation": code}]
    return coco_masks.packed_masks(rows, images, [0], "results")[0]


def test_long_runs_are_unpacked():
    mask = np.zeros((3000, 2000), bool)
    mask[7:2900, 3:1900] = True
    runs, _ = run_lengths.unpack([coco_masks.encode(mask)["counts"].encode()])
    assert runs.sum() == mask.size and runs[1::2].sum() == mask.sum()


damaged = st.one_of(
    st.text(max_size=20),
    st.text("0123456789:;<=>?@ABCDEFGHIJKLMNOabcdefghijklmno", max_size=12),
    st.binary(max_size=20),
    st.lists(st.integers(-5, 2**70), max_size=5),
    st.lists(st.floats(), max_size=5),
    st.none(),
)
codes = st.one_of(
    damaged,
    st.fixed_dictionaries({"counts": damaged, "size": st.just([4, 5])}),
    st.dictionaries(st.sampled_from(["counts", "size", "x"]), damaged),
    st.lists(st.lists(st.floats(), max_size=9), max_size=3),
    st.lists(st.lists(st.integers(-(2**40), 2**40), max_size=9), max_size=3),
    st.lists(damaged, max_size=3),
)


@settings(max_examples=150, deadline=None)
@given(codes)
def test_a_damaged_mask_is_refused_or_is_a_mask_of_that_size(code):
    try:
        mask = packed(code, 4, 5)
    except InputError as error:
        assert "results[0]" in str(error)
    else:
        assert rle.decode(mask).shape == (4, 5)


def test_a_cut_mask_is_refused():
    code = coco_masks.encode(np.tri(30, 40, dtype=bool))
    for end in range(len(code["counts"])):
        with pytest.raises(InputError, match="give polygons or run lengths"):
            packed(code | {"counts": code["counts"][:end]}, 30, 40)


@pytest.mark.parametrize("height", [None, 0, -3, "4", 10**9, 2.5])
def test_a_picture_without_a_size_has_no_masks(height):
    with pytest.raises(InputError, match="picture 7 has height .* masks need both"):
        packed([[0, 0, 1, 1, 0, 2]], height, 5)
