"""COCO: SPLIT/ and annotations/instances_SPLIT.json."""

import json
from pathlib import Path

import numpy as np

from course_lib.data.classes import HARBOUR
from course_lib.data.harbour.dataset import Harbour, Scene
from course_lib.data.harbour.layouts.files import FIRST_THING, save, write_lines


def write(name: str, split: str, scene: Scene, root: Path) -> list[dict]:
    """COCO: the picture, and one record with a run-length mask for each instance."""
    from pycocotools import mask as rle

    save(root / f"{split}/{name}.png", scene.image)
    records = []
    for box, label, number in zip(scene.boxes, scene.labels, scene.ids, strict=True):
        mask = np.asfortranarray(scene.instance_map == number, np.uint8)
        code = rle.encode(mask)
        code["counts"] = code["counts"].decode("ascii")
        x1, y1, x2, y2 = box.tolist()
        record = {"category_id": int(label), "bbox": [x1, y1, x2 - x1, y2 - y1]}
        records.append(
            {**record, "segmentation": code, "area": int(mask.sum()), "iscrowd": 0}
        )
    return records


def finish(root: Path, split: str, lines: list, dataset: Harbour) -> None:
    """Write the one JSON of a COCO split."""
    names = [dataset.file(i) for i in range(len(dataset))]
    height, width = dataset.size
    things = range(FIRST_THING, HARBOUR.num_classes)
    images = [
        {"id": i, "file_name": f"{n}.png", "height": height, "width": width}
        for i, n in enumerate(names)
    ]
    rows = [
        {"image_id": i, **row} for i, of_image in enumerate(lines) for row in of_image
    ]
    table = {
        "info": {"description": "harbour"},
        "images": images,
        "annotations": [{"id": k, **row} for k, row in enumerate(rows, start=1)],
        "categories": [{"id": k, "name": HARBOUR.names[k]} for k in things],
    }
    write_lines(root / f"annotations/instances_{split}.json", [json.dumps(table)])
