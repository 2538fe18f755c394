"""Annotations and results of COCO as ``Objects``, in the order a judge reads them."""

from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np

from course_lib.detection.coco_tables import Objects, numbers, places, sorted_ids
from course_lib.errors import InputError

Places = dict[Hashable, int]
LARGEST = 1e9  # pixels, of a coordinate


@dataclass(frozen=True)
class Case:
    """Ground truth and results, ready to be matched."""

    truth: Objects
    results: Objects
    categories: tuple[str, ...]  # names, in the order of their ids
    num_pictures: int


def read(
    ground_truth: dict,
    results: list[dict],
    iou_type: str = "bbox",
    called: tuple[str, str] = ("annotations", "results"),
) -> Case:
    """COCO's instances and results as a case; see ``average_precision.evaluate``."""
    if iou_type not in ("bbox", "segm"):
        raise InputError(f"iou_type is {iou_type!r}; choose bbox or segm")
    images = sorted_ids(ground_truth, "images", called[0])
    categories = sorted_ids(ground_truth, "categories", called[0])
    known = (images, categories, iou_type, called)
    truth = annotated_objects(ground_truth, *known)
    found = result_objects(results, ground_truth, *known)
    return Case(truth, found, _names(ground_truth, categories), len(images))


def annotated_objects(
    table: dict,
    images: Places,
    categories: Places,
    iou_type: str,
    called: tuple[str, str],
) -> Objects:
    """The annotations of the listed pictures and categories; others are left out.

    Args:
        table: COCO instances; ``iscrowd`` marks what is not counted.
        images: place of every picture id.
        categories: place of every category id.
        iou_type: "bbox" or "segm".
        called: what messages call annotations and results.

    Raises:
        InputError: for a damaged annotation, naming it, the value and the fix.
    """
    rows, what = table.get("annotations"), f"{called[0]}: annotations"
    if not isinstance(rows, list):
        raise InputError(f"{called[0]}: no list 'annotations'; give COCO instances")
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
    judged = np.array([name != 0 for name in _own_ids(rows, what)], bool)
    flat = (image, category, boxes, areas, None, None, crowd, judged)
    objects = Objects(*flat).take(order)
    if iou_type == "segm":
        objects = replace(objects, masks=_masks(rows, order, table, what))
    return objects


def result_objects(
    rows: list[dict],
    table: dict,
    images: Places,
    categories: Places,
    iou_type: str,
    called: tuple[str, str],
) -> Objects:
    """Results of a detector; those of categories that are not listed are left out.

    Their area is that of the box where the first result has one, else of the mask,
    as pycocotools has it. Arguments as of ``annotated_objects``.

    Raises:
        InputError: for a picture that the annotations do not list, or a damaged
            result, naming it, the value and the fix.
    """
    what = called[1]
    if not isinstance(rows, list):
        raise InputError(f"{what} is a {type(rows).__name__}; give a list of results")
    image = places(rows, "image_id", images, what)
    category = places(rows, "category_id", categories, what)
    if (image < 0).any():
        i = int(np.argmax(image < 0))
        raise InputError(
            f"'image_id' of {what}[{i}] is {rows[i]['image_id']!r:.40}, no picture of "
            f"{called[0]} ({_some(images)}); give annotations of the same pictures"
        )
    if len(rows) and (category < 0).all():
        raise InputError(
            f"'category_id' of {what}[0] is {rows[0]['category_id']!r:.40}, no "
            f"category of {called[0]} ({_some(categories)}), nor is any other there; "
            "bring both to the same ids"
        )
    scores = numbers(rows, "score", 1, what)
    keep = np.flatnonzero(category >= 0)
    order = keep[np.lexsort((-scores[keep], image[keep], category[keep]))]
    by_box = not rows or _has_box(rows[0])
    masks = None
    if iou_type == "segm" or not by_box:
        masks = _masks(rows, order, table, what)
    boxes = _boxes(rows, what)[order] if by_box else _boxes_of(masks)
    areas = boxes[:, 2] * boxes[:, 3] if by_box else _areas_of(masks)
    return Objects(image[order], category[order], boxes, areas, masks, scores[order])


def _boxes_of(masks: list[dict]) -> np.ndarray:
    from pycocotools import mask as rle

    return rle.toBbox(masks).reshape(-1, 4)


def _areas_of(masks: list[dict]) -> np.ndarray:
    from pycocotools import mask as rle

    # One by one: pycocotools 2.0.11 stumbles over a list of more than 255.
    return np.array([rle.area(mask) for mask in masks], float)


def _names(ground_truth: dict, categories: Places) -> tuple[str, ...]:
    """Names of the categories; with their ids where one name stands twice."""
    names = {c["id"]: str(c.get("name", c["id"])) for c in ground_truth["categories"]}
    clear = len(set(names.values())) == len(names)
    return tuple(names[c] if clear else f"{names[c]} ({c})" for c in categories)


def _has_box(row: dict) -> bool:
    """True where the judge goes by the box of a result: not [], or there is no mask."""
    box = row.get("bbox")
    empty = box is None or (isinstance(box, list) and not box)
    return not empty or "segmentation" not in row


def _some(ids: Places) -> str:
    return ", ".join(repr(name) for name in list(ids)[:3]) + ", ..."


def _own_ids(rows: list, what: str) -> list:
    try:
        ids = [row["id"] for row in rows]
        distinct = len(set(ids))
    except (KeyError, TypeError):
        raise InputError(f"an 'id' of {what} is missing; give each its own") from None
    if distinct < len(ids):
        seen: set = set()
        twice = next(a for a in ids if a in seen or seen.add(a))
        raise InputError(f"id {twice!r} of {what} stands twice; give each its own")
    return ids


def _boxes(rows: list[dict], what: str) -> np.ndarray:
    boxes = numbers(rows, "bbox", 4, what)
    wrong = (boxes[:, 2:] < 0).any(axis=1) | (np.abs(boxes) > LARGEST).any(axis=1)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise InputError(
            f"'bbox' of {what}[{i}] is {rows[i]['bbox']!r:.60}, which has a negative "
            "size or lies beyond any picture; give x, y, width, height in pixels"
        )
    return boxes


def _masks(rows: list[dict], order: np.ndarray, table: dict, what: str) -> list[dict]:
    """Run-length codes of the rows in that order."""
    from course_lib.detection.coco_masks import packed_masks

    images = {row["id"]: row for row in table["images"]}
    return packed_masks(rows, images, order.tolist(), what)
