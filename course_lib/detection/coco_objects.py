"""Annotations and results of COCO as ``Objects``, in the order a judge reads them."""

from collections.abc import Hashable
from dataclasses import replace

import numpy as np

from course_lib.detection.coco_tables import Objects, numbers, places
from course_lib.errors import InputError

Places = dict[Hashable, int]


def annotated_objects(
    table: dict, images: Places, categories: Places, iou_type: str
) -> Objects:
    """The annotations of the listed pictures and categories; others are left out.

    Args:
        table: COCO instances; ``iscrowd`` marks what is not counted.
        images: place of every picture id.
        categories: place of every category id.
        iou_type: "bbox" or "segm".

    Raises:
        InputError: for a damaged annotation, naming it, the value and the fix.
    """
    rows = table.get("annotations")
    if not isinstance(rows, list):
        raise InputError("the annotations have no list 'annotations'; give COCO's")
    what = "annotations"
    ids = _own_ids(rows)
    image = places(rows, "image_id", images, what)
    category = places(rows, "category_id", categories, what)
    crowd = numbers(rows, "iscrowd", 1, what) != 0
    areas = numbers(rows, "area", 1, what)
    if iou_type == "bbox":
        boxes = _boxes(rows, what)
    else:
        boxes = np.zeros((len(rows), 4))
    keep = np.flatnonzero((image >= 0) & (category >= 0))
    order = keep[np.lexsort((image[keep], category[keep]))]
    # pycocotools takes a match with annotation 0 for no match.
    judged = np.array([name != 0 for name in ids], bool)
    flat = (image, category, boxes, areas, None, None, crowd, judged)
    objects = Objects(*flat).take(order)
    if iou_type == "segm":
        objects = replace(objects, masks=_masks(rows, order, table, what))
    return objects


def result_objects(
    rows: list[dict],
    images: Places,
    categories: Places,
    iou_type: str,
    table: dict,
) -> Objects:
    """Results of a detector; those of categories that are not listed are left out.

    Their area is that of the box where the first result has one, else of the mask,
    as pycocotools has it.

    Raises:
        InputError: for a picture that the annotations do not list, or a damaged
            result, naming it, the value and the fix.
    """
    what = "results"
    if not isinstance(rows, list):
        raise InputError(f"the results are a {type(rows).__name__}; give a list")
    image = places(rows, "image_id", images, what)
    category = places(rows, "category_id", categories, what)
    if (image < 0).any():
        i = int(np.argmax(image < 0))
        raise InputError(
            f"'image_id' of {what}[{i}] is {rows[i]['image_id']!r}, which the "
            "annotations do not list; give the annotations of the same pictures"
        )
    if len(rows) and (category < 0).all():
        raise InputError(
            f"no 'category_id' of the {what} (first: {rows[0]['category_id']!r}) is "
            f"one of the annotations' ({', '.join(map(str, list(categories)[:5]))}, "
            "...); bring both to the same ids"
        )
    scores = numbers(rows, "score", 1, what)
    keep = np.flatnonzero(category >= 0)
    order = keep[np.lexsort((-scores[keep], image[keep], category[keep]))]
    by_box = bool(rows) and bool(rows[0].get("bbox"))
    masks = None
    if iou_type == "segm" or not by_box:
        masks = _masks(rows, order, table, what)
    boxes, areas = _extent(rows, order, by_box, masks)
    return Objects(image[order], category[order], boxes, areas, masks, scores[order])


def _extent(rows, order, by_box: bool, masks) -> tuple[np.ndarray, np.ndarray]:
    """Boxes and areas in order: of the boxes, or of the masks where there are none."""
    if by_box:
        boxes = _boxes(rows, "results")[order]
        return boxes, boxes[:, 2] * boxes[:, 3]
    if not masks:
        return np.zeros((0, 4)), np.zeros(0)
    from pycocotools import mask as rle

    # One by one: pycocotools 2.0.11 stumbles over a list of more than 255.
    return rle.toBbox(masks), np.array([rle.area(mask) for mask in masks], float)


def _own_ids(rows: list) -> list:
    try:
        ids = [row["id"] for row in rows]
        distinct = len(set(ids))
    except (KeyError, TypeError):
        raise InputError("an annotation has no 'id'; give each its own") from None
    if distinct < len(ids):
        seen: set = set()
        twice = next(a for a in ids if a in seen or seen.add(a))
        raise InputError(f"annotation id {twice!r} stands twice; give each its own")
    return ids


def _boxes(rows: list[dict], what: str) -> np.ndarray:
    boxes = numbers(rows, "bbox", 4, what)
    if (boxes[:, 2:] < 0).any():
        i = int(np.argmax((boxes[:, 2:] < 0).any(axis=1)))
        raise InputError(
            f"'bbox' of {what}[{i}] is {rows[i]['bbox']!r}, which has a negative size; "
            "give x, y, width, height"
        )
    return boxes


def _masks(rows: list[dict], order: np.ndarray, table: dict, what: str) -> list[dict]:
    """Run-length codes of the rows in that order."""
    from course_lib.detection.coco_masks import run_lengths

    sizes = {row["id"]: row for row in table["images"]}
    return [
        run_lengths(rows[i], sizes[rows[i]["image_id"]], f"{what}[{i}]") for i in order
    ]
