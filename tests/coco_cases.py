"""Random ground truth and results in COCO's format, and what pycocotools says."""

import contextlib
import copy
import io

import numpy as np

SIDES = [4, 10, 31, 32, 33, 60, 96, 97]  # areas at the borders of the ranges too


def random_case(seed, masks=False):
    """Crowds, ties of score and overlap, empty pictures, categories, results."""
    rng = np.random.default_rng(seed)
    pictures = rng.permutation(50)[: rng.integers(1, 7)].tolist()
    categories = (rng.permutation(20)[: rng.integers(1, 5)]).tolist()
    size = (40, 60) if masks else (240, 320)
    truth = {
        "images": [{"id": i, "height": size[0], "width": size[1]} for i in pictures],
        "categories": [{"id": c, "name": f"class {c}"} for c in categories],
        "annotations": [],
    }
    results = []
    empty = rng.random() < 0.1
    for picture in pictures:
        for _ in range(0 if rng.random() < 0.2 else rng.integers(0, 9)):
            row = {"image_id": picture, "category_id": int(rng.choice(categories))}
            box = random_box(rng, size)
            crowd = int(rng.random() < 0.15)
            area = box[2] * box[3] * (1 if rng.random() < 0.5 else 0.7)
            mark = {"ignore": 1} if rng.random() < 0.1 else {}
            shape = {"bbox": box, "area": area, "iscrowd": crowd, **mark}
            truth["annotations"].append({**row, **shape})
            for _ in range(0 if empty else rng.integers(0, 4)):
                near = [float(v) for v in np.add(box, rng.integers(-3, 4, 4))]
                near[2:] = np.maximum(near[2:], 0).tolist()
                results.append({**row, "bbox": near if rng.random() < 0.7 else box})
        for _ in range(0 if empty else rng.integers(0, 130 if seed % 10 == 0 else 6)):
            row = {"image_id": picture, "category_id": int(rng.choice(categories))}
            results.append({**row, "bbox": random_box(rng, size)})
    results = [results[i] for i in rng.permutation(len(results))]
    coarse = rng.random() < 0.5
    for row in results:
        row["score"] = float(rng.integers(1, 6) / 5 if coarse else rng.random())
    ids = rng.permutation(len(truth["annotations"])) + (0 if seed % 5 == 0 else 1)
    for name, row in zip(ids.tolist(), truth["annotations"], strict=True):
        row["id"] = name
    if masks:
        with_masks(truth["annotations"], size, rng)
        with_masks(results, size, rng)
        for row in results if seed % 2 else []:
            del row["bbox"]
    return truth, results


def random_box(rng, size):
    width, height = rng.choice([s for s in SIDES if s < size[0]], 2).tolist()
    x, y = rng.integers(0, size[1] - width), rng.integers(0, size[0] - height)
    return [float(x), float(y), float(width), float(height)]


def with_masks(rows, size, rng):
    """Turn the box of every row into a mask with holes, written one of three ways."""
    from course_lib.data.packed_run_lengths import unpack
    from course_lib.detection.coco_masks import encode

    for row in rows:
        x, y, w, h = map(int, row["bbox"])
        mask = np.zeros(size, bool)
        mask[max(y, 0) : y + h, max(x, 0) : x + w] = True
        mask &= rng.random(size) < 0.9
        code, way = encode(mask), rng.integers(3)
        if way == 0:
            code = {
                "size": code["size"],
                "counts": unpack([code["counts"].encode()])[0].tolist(),
            }
        if way == 1 and "score" not in row:
            code = [[x, y, x + w, y, x + w, y + h + 0.5], [x, y, x, y + h, x + 2, y]]
        elif way == 0 and "score" in row:
            code = encode(mask)  # results are packed
        row["segmentation"] = code


def pycocotools_says(truth, results, iou_type="bbox"):
    """Its COCOeval, run; the case is copied, for pycocotools writes into it."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = copy.deepcopy(truth)
        coco.createIndex()
        if results:
            found = coco.loadRes(copy.deepcopy(results))
        else:  # loadRes stumbles over an empty list
            found = COCO()
            found.dataset = {**coco.dataset, "annotations": []}
            found.createIndex()
        judge = COCOeval(coco, found, iou_type)
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return judge
