"""Average precision, against pycocotools and against cases done by hand."""

import json

import numpy as np
import pytest
from coco_cases import pycocotools_says, random_case

from course_lib.detection import average_precision as ap
from course_lib.errors import InputError

NETS = ["yolo-fastest-1.1-xl", "yolo-fastest-1.1", "mobilenetv2-yolov3-nano-coco"]


def agrees(truth, results, iou_type):
    ours, judge = (
        ap.evaluate(truth, results, iou_type),
        pycocotools_says(truth, results, iou_type),
    )
    for mine, theirs in (
        (ours.stats, judge.stats),
        (ours.precision, judge.eval["precision"][..., 2]),
        (ours.recall, judge.eval["recall"]),
    ):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-9)
    return ours


@pytest.mark.parametrize("tens", range(20))
def test_boxes_agree_with_pycocotools(tens):
    for seed in range(10 * tens, 10 * tens + 10):
        agrees(*random_case(seed), "bbox")


@pytest.mark.parametrize("tens", range(4))
def test_masks_agree_with_pycocotools(tens):
    for seed in range(10 * tens, 10 * tens + 10):
        truth, results = random_case(seed, masks=True)
        agrees(truth, results, "segm")
        agrees(truth, results, "bbox")


def test_the_random_cases_are_what_they_should_be():
    cases = [random_case(seed) for seed in range(60)]
    reports = [ap.evaluate(*case) for case in cases]
    figures = np.array([report.stats for report in reports])
    assert (figures == -1).any(axis=0).all() and ((figures > 0).any(axis=0)).all()
    crowds = [sum(a["iscrowd"] for a in truth["annotations"]) for truth, _ in cases]
    assert np.mean(np.array(crowds) > 0) > 0.5
    assert sum(not results for _, results in cases) >= 2
    assert max(len(results) for _, results in cases) > 300


@pytest.mark.real
@pytest.mark.parametrize("net", NETS)
def test_the_real_results_agree_with_pycocotools(real_data, net):
    folder = real_data / "darknet" / "reference"
    kept = json.loads((folder / "coco128_ap_pycocotools.json").read_text())
    annotations = real_data / "coco128/annotations/instances_train2017.json"
    truth = json.loads(annotations.read_text())
    truth["images"] = [i for i in truth["images"] if i["id"] in kept["image_ids"]]
    results = json.loads((folder / f"coco128_results_{net}_320.json").read_text())
    report = agrees(truth, results, "bbox")
    figures = kept["results"][net]
    np.testing.assert_allclose(report.stats, figures["stats"], rtol=0, atol=1e-6)
    for name, value in figures["per_class_AP50"].items():
        assert report.per_class[name]["AP50"] == pytest.approx(value, abs=1e-6)


def one_class(boxes, found):
    """A picture of one class: boxes xywh, and (box, score) of results."""
    truth = {
        "images": [{"id": 1}],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": [
            {"id": i, "image_id": 1, "category_id": 1, "bbox": box, "iscrowd": 0}
            | {"area": box[2] * box[3]}
            for i, box in enumerate(boxes, 1)
        ],
    }
    row = {"image_id": 1, "category_id": 1}
    return truth, [{**row, "bbox": box, "score": score} for box, score in found]


def test_the_case_of_chapter_12_by_hand():
    a, b, sky = [0, 0, 40, 40], [60, 0, 40, 40], [0, 200, 40, 40]
    truth, results = one_class([a, b], [(a, 0.9), (sky, 0.8), (b, 0.7)])
    report = ap.evaluate(truth, results)
    # Right, wrong, right: precision 1 up to recall 0.5, then 2 of 3.
    by_hand = (51 * 1 + 50 * 2 / 3) / 101
    assert report.ap50 == pytest.approx(by_hand, abs=1e-12)
    assert report.ap == pytest.approx(by_hand, abs=1e-12)
    assert report.recall[0, 0, 0].tolist() == [0.5, 1, 1]  # with 1, 10, 100 results


def test_a_second_box_on_the_same_object_is_wrong():
    a = [0, 0, 40, 40]
    report = ap.evaluate(*one_class([a, [60, 0, 40, 40]], [(a, 0.9), (a, 0.8)]))
    assert report.ap50 == pytest.approx(51 / 101)


def test_of_two_objects_overlapped_alike_the_last_is_taken():
    a, between, b = [0, 0, 40, 40], [10, 0, 40, 40], [20, 0, 40, 40]
    case = one_class([a, b], [(between, 0.9), (b, 0.8)])
    assert agrees(*case, "bbox").recall[0, 0, 0, 2] == 0.5


def test_a_limit_that_is_just_reached_is_reached():
    case = one_class([[0, 0, 40, 40]], [([0, 0, 40, 20], 0.9)])  # IoU 0.5
    assert agrees(*case, "bbox").ap50 > 0.99


def test_more_results_may_be_counted():
    a, sky = [0, 0, 40, 40], [0, 200, 40, 40]
    case = one_class([a], [(sky, 0.9)] * 100 + [(a, 0.8)])
    assert ap.evaluate(*case).recall.max() == ap.evaluate(*case).ap == 0
    longer = ap.evaluate(*case, max_detections=(1, 100, 300))
    assert longer.recall[0, 0, 0].tolist() == [0, 0, 1] and longer.ap > 0


def test_nothing_to_find_and_nothing_found():
    nothing = {"images": [], "annotations": [], "categories": []}
    assert (ap.evaluate(nothing, []).stats == -1).all()
    truth, results = one_class([], [([0, 0, 4, 4], 0.5)])
    assert (ap.evaluate(truth, results).stats == -1).all()
    truth, _ = one_class([[0, 0, 40, 40]], [])
    assert ap.evaluate(truth, []).ap == 0


def test_picture_ids_may_be_text_and_are_read_in_their_order():
    for seed in range(10):
        truth, results = random_case(seed)
        for row in truth["annotations"] + results:
            row["image_id"] = f"picture {row['image_id']}"
        for row in truth["images"]:
            row["id"] = f"picture {row['id']}"
        agrees(truth, results, "bbox")


def test_an_unknown_kind_of_overlap_is_refused():
    with pytest.raises(InputError, match="iou_type is 'keypoints'; choose bbox or"):
        ap.evaluate(*one_class([], []), "keypoints")


# Right, wrong, right, of 4 objects.
RECALL, PRECISION = [0.25, 0.25, 0.5], [1, 0.5, 2 / 3]


def test_voc_by_hand():
    # Recall 0, 0.1, 0.2 at precision 1; 0.3, 0.4, 0.5 at 2/3; 0.6 to 1 never.
    eleven = ap.voc_average_precision(RECALL, PRECISION, points=11)
    assert eleven == pytest.approx((3 * 1 + 3 * 2 / 3) / 11)
    area = ap.voc_average_precision(RECALL, PRECISION)
    assert area == pytest.approx(0.25 * 1 + 0.25 * 2 / 3)
    assert ap.voc_average_precision([], []) == 0
    assert ap.voc_average_precision([0.5, 1], [1, 1]) == 1


def test_a_curve_from_scores():
    hit = np.array([True, True, False])
    recall, precision = ap.precision_recall(np.array([0.2, 0.9, 0.5]), hit, 4)
    assert recall.tolist() == RECALL
    np.testing.assert_allclose(precision, PRECISION)


def test_all_points_are_the_limit_of_many_points():
    rng = np.random.default_rng(0)
    for _ in range(20):
        hit = rng.random(40) < 0.6
        recall, precision = ap.precision_recall(rng.random(40), hit, hit.sum() + 3)
        many = ap.voc_average_precision(recall, precision, points=100_001)
        assert many == pytest.approx(
            ap.voc_average_precision(recall, precision), abs=1e-4
        )
