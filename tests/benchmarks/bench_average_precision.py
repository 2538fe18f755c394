"""Average precision: ours beside pycocotools and faster-coco-eval, on equal results.

All three start from the parsed JSON; building an index is counted on every side.
"""

import contextlib
import copy
import io
import json

import numpy as np
import pytest

from course_lib.detection.average_precision import evaluate
from course_lib.paths import data_dir

LARGE = "COCO's AP, 2,000 pictures, 80 classes, 100,000 results"
NETS = ("yolo-fastest-1.1-xl", "yolo-fastest-1.1", "mobilenetv2-yolov3-nano-coco")
REAL = [f"COCO's AP, 120 photographs, {net}" for net in NETS]
MASKS = "COCO's AP of masks, 200 pictures, 10 classes"


def drawn_case(pictures, classes, size=(480, 640), seed=0):
    """About 7 objects a picture, most found once or twice, and false results."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, classes + 1)
    images = [{"id": i, "height": size[0], "width": size[1]} for i in range(pictures)]
    objects, results = [], []
    for picture in range(pictures):
        for _ in range(rng.poisson(7)):
            label = int(rng.choice(classes, p=share / share.sum()))
            box = drawn_box(rng, size)
            row = {"image_id": picture, "category_id": label}
            shape = {"bbox": box, "area": 0.7 * box[2] * box[3]}
            crowd = {"iscrowd": int(rng.random() < 0.01), "id": len(objects) + 1}
            objects.append({**row, **shape, **crowd})
            for _ in range(rng.poisson(2)):
                near = np.add(box, rng.normal(0, 0.1, 4) * (box[2:] * 2))
                results.append({**row, "bbox": near.clip(1).round(2).tolist()})
        for _ in range(rng.poisson(36)):
            label = int(rng.choice(classes, p=share / share.sum()))
            row = {"image_id": picture, "category_id": label}
            results.append({**row, "bbox": drawn_box(rng, size)})
    for row in results:
        row["score"] = round(float(rng.random()), 4)
    categories = [{"id": c, "name": str(c)} for c in range(classes)]
    truth = {"images": images, "annotations": objects, "categories": categories}
    return truth, results


def drawn_box(rng, size):
    width, height = np.exp(rng.normal(4, 1, 2)).clip(4, min(size) - 1)
    x, y = rng.random(2) * (size[1] - width, size[0] - height)
    return [round(float(v), 2) for v in (x, y, width, height)]


def with_masks(rows):
    """Every box becomes an ellipse, packed."""
    from pycocotools import mask as rle

    y, x = np.mgrid[:120, :160] + 0.5
    for row in rows:
        left, top, width, height = row["bbox"]
        inside = ((x - left) / width - 0.5) ** 2 + ((y - top) / height - 0.5) ** 2
        row["segmentation"] = rle.encode(np.asfortranarray(inside <= 0.25, np.uint8))


@pytest.fixture(scope="module")
def cases():
    masks = drawn_case(200, 10, size=(120, 160))
    with_masks(masks[0]["annotations"] + masks[1])
    found = {LARGE: drawn_case(2000, 80), MASKS: masks}
    folder = data_dir()
    if folder:
        annotations = folder / "coco128/annotations/instances_train2017.json"
        truth = json.loads(annotations.read_text())
        reference = folder / "darknet/reference"
        kept = json.loads((reference / "coco128_ap_pycocotools.json").read_text())
        truth["images"] = [i for i in truth["images"] if i["id"] in kept["image_ids"]]
        for name, net in zip(REAL, NETS, strict=True):
            results = reference / f"coco128_results_{net}_320.json"
            found[name] = truth, json.loads(results.read_text())
    return found


def ours(truth, results, iou_type):
    return evaluate(truth, results, iou_type).stats


def pycocotools(truth, results, iou_type):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    coco = COCO()
    coco.dataset = truth
    coco.createIndex()
    return judged(COCOeval(coco, coco.loadRes(results), iou_type))


def faster_coco_eval(truth, results, iou_type):
    faster = pytest.importorskip("faster_coco_eval")
    coco = faster.COCO(truth)
    return judged(faster.COCOeval_faster(coco, coco.loadRes(results), iou_type))


def judged(judge):
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    return judge.stats


@pytest.mark.parametrize("group", [*REAL, MASKS, LARGE])
@pytest.mark.parametrize("side", [ours, faster_coco_eval, pycocotools])
def test_average_precision(benchmark, cases, group, side):
    if group not in cases:
        pytest.skip("COURSE_DATA is unset: no real data to read")
    benchmark.group = group
    kind = "segm" if group == MASKS else "bbox"
    expected = ours(*cases[group], kind)

    def fresh():
        return (*copy.deepcopy(cases[group]), kind), {}  # they write into the case

    with contextlib.redirect_stdout(io.StringIO()):
        rounds = 1 if side is pycocotools and group == LARGE else 5
        found = benchmark.pedantic(side, setup=fresh, rounds=rounds)
    np.testing.assert_allclose(found[:12], expected, rtol=0, atol=1e-9)
