"""Kinds of errors and score sweeps: by hand, by loops, and as tidecv counts them."""

import json

import numpy as np
import pytest
from coco_cases import random_case

from course_lib.detection.average_precision import evaluate
from course_lib.detection.error_types import KINDS, error_types
from course_lib.detection.score_sweep import score_sweep

BOAT, CAR = 1, 2
HERE, FAR = [0, 0, 40, 40], [100, 100, 40, 40]
BESIDE = [24, 0, 40, 40]  # IoU 16 / 64 with HERE


def a_case(objects, results):
    truth = {
        "images": [{"id": 1}],
        "categories": [{"id": BOAT}, {"id": CAR}],
        "annotations": [
            {"id": i, "image_id": 1, "category_id": label, "bbox": box}
            | {"area": 1600, "iscrowd": crowd}
            for i, (box, label, crowd) in enumerate(objects, 1)
        ],
    }
    found = [
        {"image_id": 1, "category_id": label, "bbox": box, "score": score}
        for box, label, score in results
    ]
    return truth, found


@pytest.mark.parametrize(
    "results, kinds",
    [
        ([(HERE, BOAT, 0.9)], []),
        ([(HERE, CAR, 0.9)], ["classification"]),
        ([(BESIDE, BOAT, 0.9)], ["localisation"]),
        ([(BESIDE, CAR, 0.9)], ["both", "missed"]),
        ([(HERE, BOAT, 0.9), (HERE, BOAT, 0.8)], ["duplicate"]),
        ([(HERE, BOAT, 0.9), (FAR, BOAT, 0.8)], ["background"]),
        ([], ["missed"]),
    ],
)
def test_each_kind_by_hand(results, kinds):
    report = error_types(*a_case([(HERE, BOAT, 0)], results))
    assert {name for name in KINDS if report[name]["count"]} == set(kinds)
    assert all(report[name]["count"] <= 1 for name in KINDS)


def test_a_result_on_a_crowd_is_no_error():
    report = error_types(*a_case([(HERE, BOAT, 1)], [(HERE, BOAT, 0.9)] * 2))
    assert sum(each["count"] for each in report.values()) == 0


def test_what_a_kind_costs_is_what_mending_it_by_hand_wins():
    objects = [(HERE, BOAT, 0), (FAR, BOAT, 0)]
    wrong = [(FAR, CAR, 0.9), (HERE, BOAT, 0.8), (BESIDE, BOAT, 0.7)]
    truth, results = a_case(objects, wrong)
    report = error_types(truth, results)
    before = evaluate(truth, results).ap50
    mended = evaluate(*a_case(objects, [(FAR, BOAT, 0.9), *wrong[1:]])).ap50
    won = report["classification"]["ap50"]
    assert won == pytest.approx(mended - before) and won > 0.3
    # BESIDE means HERE, which is found already: mending takes it away.
    fewer = evaluate(*a_case(objects, wrong[:2])).ap50
    assert report["localisation"]["ap50"] == pytest.approx(fewer - before)


def test_a_threshold_leaves_out_low_scores():
    case = a_case([(HERE, BOAT, 0)], [(HERE, BOAT, 0.9), (FAR, BOAT, 0.3)])
    assert error_types(*case)["background"]["count"] == 1
    assert error_types(*case, threshold=0.5)["background"]["count"] == 0


def iou(a, b):
    last = np.minimum(np.add(a[:2], a[2:]), np.add(b[:2], b[2:]))
    w, h = np.maximum(last - np.maximum(a[:2], b[:2]), 0)
    return w * h / (a[2] * a[3] + b[2] * b[3] - w * h) if w * h else 0.0


def count_by_loops(truth, results):
    """Errors of a case without crowds, one result at a time."""
    counts = dict.fromkeys(KINDS, 0)
    for image in truth["images"]:
        objects = [a for a in truth["annotations"] if a["image_id"] == image["id"]]
        found = [r for r in results if r["image_id"] == image["id"]]
        covered, wrong = set(), []
        for result in sorted(found, key=lambda r: -r["score"]):
            free = [
                (iou(result["bbox"], a["bbox"]), i)
                for i, a in enumerate(objects)
                if a["category_id"] == result["category_id"] and i not in covered
            ]
            best = max(free, default=(0, 0))
            if best[0] >= 0.5:
                covered.add(best[1])
            else:
                wrong.append(result)
        for result in wrong:
            own, other = (
                max(
                    (
                        (iou(result["bbox"], a["bbox"]), i)
                        for i, a in enumerate(objects)
                        if (a["category_id"] == result["category_id"]) == same
                    ),
                    default=(0, -1),
                )
                for same in (True, False)
            )
            if 0.1 <= own[0] < 0.5:
                kind, meant = "localisation", own[1]
            elif other[0] >= 0.5:
                kind, meant = "classification", other[1]
            elif own[0] >= 0.5:
                kind, meant = "duplicate", -1
            else:
                kind, meant = ("both" if other[0] >= 0.1 else "background"), -1
            counts[kind] += 1
            covered.add(meant)
        counts["missed"] += len(set(range(len(objects))) - covered)
    return counts


def test_counts_agree_with_loops():
    total = dict.fromkeys(KINDS, 0)
    for seed in range(40):
        truth, results = random_case(seed)
        kept = [a for a in truth["annotations"] if not a["iscrowd"]]
        truth["annotations"] = kept
        results = results[:100]
        report = error_types(truth, results)
        counts = {name: report[name]["count"] for name in KINDS}
        assert counts == count_by_loops(truth, results), seed
        total = {name: total[name] + counts[name] for name in KINDS}
    assert all(total.values())


def test_masks_are_judged_as_masks():
    truth, results = random_case(7, masks=True)
    report = error_types(truth, results, "segm")
    assert sum(each["count"] for each in report.values()) > 0
    assert all(0 <= each["ap50"] <= 1 for each in report.values())


@pytest.mark.real
@pytest.mark.parametrize(
    "net, counts",  # of tidecv 1.0.1, box mode, without the crowds
    [
        ("yolo-fastest-1.1-xl", [150, 1501, 716, 84, 2709, 208]),
        ("mobilenetv2-yolov3-nano-coco", [171, 1516, 907, 79, 2961, 249]),
    ],
)
def test_the_counts_of_tide_on_real_results(real_data, net, counts):
    annotations = real_data / "coco128/annotations/instances_train2017.json"
    truth = json.loads(annotations.read_text())
    truth["annotations"] = [a for a in truth["annotations"] if not a["iscrowd"]]
    file = real_data / f"darknet/reference/coco128_results_{net}_320.json"
    report = error_types(truth, json.loads(file.read_text()))
    assert [report[name]["count"] for name in KINDS] == counts


def test_a_sweep_by_hand():
    case = a_case(
        [(HERE, BOAT, 0), (FAR, BOAT, 0)],
        [(HERE, BOAT, 0.9), (BESIDE, BOAT, 0.6), (FAR, BOAT, 0.3)],
    )
    sweep = score_sweep(*case, thresholds=np.array([0, 0.5, 0.9, 0.95]))
    assert sweep.precision.tolist() == [2 / 3, 1 / 2, 1, 1]
    assert sweep.recall.tolist() == [1, 1 / 2, 1 / 2, 0]
    assert sweep.f1.tolist() == pytest.approx([0.8, 0.5, 2 / 3, 0])
    assert score_sweep(*case, iou=0.95).recall[0] == 1


def test_cutting_first_and_matching_after_gives_the_same_sweep():
    truth, results = random_case(20)
    sweep = score_sweep(truth, results, thresholds=np.array([0.0, 0.3, 0.6]))
    for threshold, recall in zip(sweep.thresholds, sweep.recall, strict=True):
        kept = [row for row in results if row["score"] >= threshold]
        again = score_sweep(truth, kept, thresholds=np.array([0.0]))
        assert again.recall[0] == recall


def test_nothing_at_all():
    truth, _ = a_case([], [])
    assert all(each["count"] == 0 for each in error_types(truth, []).values())
    assert score_sweep(truth, []).recall.max() == 0
