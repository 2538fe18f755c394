"""Data sets and predictions as COCO writes them: xywh boxes, run-length masks."""

from collections.abc import Iterable, Sequence

import numpy as np
from torch import Tensor

from course_lib.detection.coco_masks import encode

Target = dict


def to_coco(dataset) -> dict:
    """COCO instances of a detection data set, every picture read once.

    Args:
        dataset: samples (image (3, H, W), target) as ``data.targets.target_of``
            makes them, and ``classes.names`` with the background first.

    Returns:
        ``images, annotations, categories``; annotation ids count from 1, category
        ids are the labels.

    Taught in chapters/12_boxes_anchors_ap.
    """
    return instances(
        ((image.shape[-2:], target) for image, target in _samples(dataset)),
        dataset.classes.names,
    )


def instances(samples: Iterable[tuple[tuple, Target]], names: Sequence[str]) -> dict:
    """COCO instances of sizes (H, W) and targets; ``names`` from the background on."""
    images, annotations = [], []
    for (height, width), target in samples:
        name = int(target["image_id"])
        images.append({"id": name, "height": int(height), "width": int(width)})
        annotations += [{"image_id": name, **row} for row in _annotations(target)]
    return {
        "images": images,
        "annotations": [{"id": i, **row} for i, row in enumerate(annotations, 1)],
        "categories": [{"id": i, "name": n} for i, n in enumerate(names) if i > 0],
    }


def to_results(
    predictions: Sequence[dict[str, Tensor]],
    image_ids: Sequence[int],
    iou_type: str = "bbox",
) -> list[dict]:
    """COCO results of what a detector found.

    Args:
        predictions: for each picture ``boxes`` (N, 4) xyxy in its pixels, ``labels``
            (N,), ``scores`` (N,), and for "segm" ``masks`` (N, 1, H, W) in 0 to 1.
        image_ids: of the pictures.
        iou_type: "bbox" gives boxes, "segm" run-length masks (above 0.5).

    Taught in chapters/12_boxes_anchors_ap.
    """
    results = []
    for prediction, image_id in zip(predictions, image_ids, strict=True):
        found = {key: value.detach().cpu() for key, value in prediction.items()}
        columns = [found["labels"].tolist(), found["scores"].tolist()]
        if iou_type == "segm":
            shapes = [encode(m) for m in (found["masks"][:, 0] > 0.5).numpy()]
        else:
            shapes = xywh(found["boxes"])
        key = "segmentation" if iou_type == "segm" else "bbox"
        results += [
            {"image_id": image_id, "category_id": label, key: shape, "score": score}
            for label, score, shape in zip(*columns, shapes, strict=True)
        ]
    return results


def xywh(boxes: Tensor) -> list[list[float]]:
    """Boxes (N, 4) xyxy as lists of x, y, width, height, all in pixels."""
    corners = boxes.detach().cpu().double().numpy().reshape(-1, 4)
    return np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]]).tolist()


def _annotations(target: Target) -> list[dict]:
    rows = [
        {"category_id": label, "bbox": box, "area": area, "iscrowd": crowd}
        for label, box, area, crowd in zip(
            target["labels"].tolist(),
            xywh(target["boxes"]),
            target["area"].tolist(),
            target["iscrowd"].tolist(),
            strict=True,
        )
    ]
    if "masks" in target:
        for row, mask in zip(rows, target["masks"].cpu().numpy(), strict=True):
            row["segmentation"] = encode(mask > 0)
    return rows


def _samples(dataset):
    return (dataset[i] for i in range(len(dataset)))
