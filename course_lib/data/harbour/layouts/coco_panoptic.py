"""COCO panoptic: SPLIT/, annotations/panoptic_SPLIT.json and .../panoptic_SPLIT/.

A category id is the harbour's class id + 1, since 0 means nothing there; things are the
last six. A segment's id is 65536 times its category, plus the number of a thing. Label
pictures of category ids lie in semantic_masks/SPLIT/.
"""

import json
from pathlib import Path

import numpy as np

from course_lib.data.classes import HARBOUR, VOID
from course_lib.data.formats.panoptic_json import write_ids
from course_lib.data.harbour.dataset import Harbour, Scene
from course_lib.data.harbour.layouts.files import FIRST_THING, save, write_lines


def write(name: str, split: str, scene: Scene, root: Path) -> list[dict]:
    """The picture, its ids as colours, and one record for each segment."""
    void = scene.class_map == VOID
    kinds = np.where(void, 0, scene.class_map.astype(np.int64) + 1)
    ids = np.where(void, 0, 65536 * kinds + scene.instance_map)
    save(root / f"{split}/{name}.png", scene.image)
    save(root / f"semantic_masks/{split}/{name}.png", kinds.astype(np.uint8))
    write_ids(root / f"annotations/panoptic_{split}/{name}.png", ids)
    return [_segment(ids == k, int(k)) for k in np.unique(ids[~void])]


def _segment(mask: np.ndarray, number: int) -> dict:
    y, x = np.nonzero(mask)
    box = [x.min(), y.min(), x.max() - x.min() + 1, y.max() - y.min() + 1]
    return {
        "id": number,
        "category_id": number // 65536,
        "iscrowd": 0,
        "bbox": [int(value) for value in box],
        "area": len(x),
    }


def finish(root: Path, split: str, lines: list, dataset: Harbour) -> None:
    """Write the one JSON of the split."""
    height, width = dataset.size
    files = [f"{dataset.file(i)}.png" for i in range(len(dataset))]
    images = [
        {"id": i, "file_name": file, "height": height, "width": width}
        for i, file in enumerate(files)
    ]
    rows = [
        {"image_id": i, "file_name": file, "segments_info": segments}
        for i, (file, segments) in enumerate(zip(files, lines, strict=True))
    ]
    kinds = [
        {"id": k + 1, "name": name, "isthing": int(k >= FIRST_THING)}
        for k, name in enumerate(HARBOUR.names)
    ]
    table = {"images": images, "annotations": rows, "categories": kinds}
    write_lines(root / f"annotations/panoptic_{split}.json", [json.dumps(table)])
