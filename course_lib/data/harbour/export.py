"""The harbour on disk, in the layouts that readers of real data sets expect.

| layout | what is written under ``folder`` |
|---|---|
| voc | JPEGImages, SegmentationClass, SegmentationObject, Annotations, ImageSets |
| coco | SPLIT/, annotations/instances_SPLIT.json |
| cityscapes | leftImg8bit/SPLIT/harbour/, gtFine/SPLIT/harbour/ |
| ade20k | images/training, annotations/training (id + 1, 0 = void), training.odgt |
| yolo | images/SPLIT, labels/SPLIT, harbour.names, SPLIT.txt |
| camvid | SPLIT/, SPLITannot/, SPLIT.txt |

Two splits go into the same folder side by side. Label pictures hold ids, 255 = void,
unless the table says otherwise. CamVid's own void, 11, is the buoy here: it stays 255.
"""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from course_lib.data.classes import HARBOUR, VOID, voc_palette
from course_lib.data.harbour.dataset import Harbour, Scene
from course_lib.errors import InputError

FIRST_THING = 6
ADE_SPLIT = {"train": "training", "val": "validation", "test": "testing"}
# Cityscapes keeps 34 ids in its files and trains on 19. Class k of the harbour takes
# the file id whose train id is k, so that a Cityscapes reader gives k back.
CITY_IDS = np.zeros(256, np.uint16)
CITY_IDS[:12] = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24]


def save(path: Path, array: np.ndarray, palette=None, **how) -> None:
    """Write an array as a picture, making its folder; ``palette`` makes it mode P."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(array)
    if palette is not None:
        picture.putpalette([value for colour in palette for value in colour])
    picture.save(path, **how)


def write_lines(path: Path, lines) -> None:
    """Write a text file, a line each, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def ordered(scene: Scene) -> np.ndarray:
    """Instance map uint8 with 1, 2, ... in the order of the boxes, 255 = void."""
    table = np.zeros(int(scene.instance_map.max()) + 1, np.uint8)
    table[scene.ids] = np.arange(1, len(scene.ids) + 1)
    return np.where(scene.class_map == VOID, np.uint8(VOID), table[scene.instance_map])


def voc(name: str, split: str, scene: Scene, root: Path) -> str:
    """PASCAL VOC: palette label pictures and one XML of boxes."""
    palette = HARBOUR.colour_map().tolist()
    save(root / f"JPEGImages/{name}.jpg", scene.image, quality=95)
    save(root / f"SegmentationClass/{name}.png", scene.class_map, palette)
    save(root / f"SegmentationObject/{name}.png", ordered(scene), voc_palette())
    path = root / f"Annotations/{name}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(voc_xml(name, scene)).write(path, encoding="utf-8")
    return name


def voc_xml(name: str, scene: Scene) -> ElementTree.Element:
    """The annotation of a picture; pixels count from 1 and the last one is inside."""
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "folder").text = "harbour"
    ElementTree.SubElement(root, "filename").text = f"{name}.jpg"
    height, width = scene.class_map.shape
    add_numbers(root, "size", width=width, height=height, depth=3)
    ElementTree.SubElement(root, "segmented").text = "1"
    for box, label in zip(scene.boxes.astype(int).tolist(), scene.labels, strict=True):
        node = ElementTree.SubElement(root, "object")
        ElementTree.SubElement(node, "name").text = HARBOUR.names[label]
        for field in ("truncated", "occluded", "difficult"):
            ElementTree.SubElement(node, field).text = "0"
        corners = {
            "xmin": box[0] + 1,
            "ymin": box[1] + 1,
            "xmax": box[2],
            "ymax": box[3],
        }
        add_numbers(node, "bndbox", **corners)
    return root


def add_numbers(parent: ElementTree.Element, tag: str, **values: int) -> None:
    """Add an element that holds one child per number."""
    node = ElementTree.SubElement(parent, tag)
    for name, value in values.items():
        ElementTree.SubElement(node, name).text = str(value)


def coco(name: str, split: str, scene: Scene, root: Path) -> list[dict]:
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


def cityscapes(name: str, split: str, scene: Scene, root: Path) -> str:
    """Cityscapes: labelIds 8 bit, instanceIds 16 bit (label id * 1000 + number)."""
    stem = f"{split}/harbour/{city_name(name)}"
    labels = CITY_IDS[scene.class_map]
    numbers = labels * 1000 + np.where(scene.class_map == VOID, 0, ordered(scene)) - 1
    instances = np.where(scene.instance_map > 0, numbers, labels).astype(np.uint16)
    save(root / f"leftImg8bit/{stem}_leftImg8bit.png", scene.image)
    save(root / f"gtFine/{stem}_gtFine_labelIds.png", labels.astype(np.uint8))
    save(root / f"gtFine/{stem}_gtFine_instanceIds.png", instances)
    return name


def city_name(name: str) -> str:
    """``harbour_000000_000007`` of ``harbour_train_000007``: city, sequence, frame."""
    return f"harbour_000000_{name.rsplit('_', 1)[1]}"


def ade20k(name: str, split: str, scene: Scene, root: Path) -> str:
    """ADE20K: ids from 1, 0 = not labelled; returns the line of the odgt list."""
    split = ADE_SPLIT[split]
    image, labels = f"images/{split}/{name}.jpg", f"annotations/{split}/{name}.png"
    save(root / image, scene.image, quality=95)
    save(root / labels, scene.class_map + np.uint8(1))  # 255 + 1 wraps to 0
    height, width = scene.class_map.shape
    line = {"fpath_img": image, "fpath_segm": labels, "width": width, "height": height}
    return json.dumps(line)


def yolo(name: str, split: str, scene: Scene, root: Path) -> str:
    """YOLO: ``class cx cy w h`` as shares of the picture; boat is class 0."""
    save(root / f"images/{split}/{name}.png", scene.image)
    height, width = scene.class_map.shape
    lines = []
    for (x1, y1, x2, y2), label in zip(scene.boxes.tolist(), scene.labels, strict=True):
        shares = (
            (x1 + x2) / 2 / width,
            (y1 + y2) / 2 / height,
            (x2 - x1) / width,
            (y2 - y1) / height,
        )
        lines.append(
            " ".join([str(label - FIRST_THING), *(f"{s:.6f}" for s in shares)])
        )
    write_lines(root / f"labels/{split}/{name}.txt", lines)
    return f"images/{split}/{name}.png"


def camvid(name: str, split: str, scene: Scene, root: Path) -> str:
    """CamVid as split by SegNet: pictures and label pictures of one name."""
    save(root / f"{split}/{name}.png", scene.image)
    save(root / f"{split}annot/{name}.png", scene.class_map)
    return name


def coco_list(split: str, records: list, names: list, size, root: Path) -> None:
    """Write the one JSON of a COCO split."""
    things = range(FIRST_THING, HARBOUR.num_classes)
    images = [
        {"id": i, "file_name": f"{n}.png", "height": size[0], "width": size[1]}
        for i, n in enumerate(names)
    ]
    rows = [
        {"image_id": i, **row} for i, of_image in enumerate(records) for row in of_image
    ]
    table = {
        "info": {"description": "harbour"},
        "images": images,
        "annotations": [{"id": k, **row} for k, row in enumerate(rows, start=1)],
        "categories": [{"id": k, "name": HARBOUR.names[k]} for k in things],
    }
    write_lines(root / f"annotations/instances_{split}.json", [json.dumps(table)])


LAYOUTS = {f.__name__: f for f in (voc, coco, cityscapes, ade20k, yolo, camvid)}


def export(dataset: Harbour, folder: str | Path, layout: str = "voc") -> Path:
    """Write every picture of ``dataset`` in one of the layouts above.

    Args:
        dataset: the split to write.
        folder: where to; made when missing, other splits in it are left alone.
        layout: "voc", "coco", "cityscapes", "ade20k", "yolo" or "camvid".

    Returns:
        The folder.

    Raises:
        InputError: for an unknown layout.

    Taught in chapters/01_pixels_and_labels.
    """
    if layout not in LAYOUTS:
        raise InputError(f"no layout {layout!r}; choose from {', '.join(LAYOUTS)}")
    root, split = Path(folder), dataset.split
    names = [dataset.file(i) for i in range(len(dataset))]
    lines = [
        LAYOUTS[layout](name, split, dataset.scene(i), root)
        for i, name in enumerate(names)
    ]
    if layout == "coco":
        coco_list(split, lines, names, dataset.size, root)
    elif layout == "voc":
        for task in ("Segmentation", "Main"):
            write_lines(root / f"ImageSets/{task}/{split}.txt", lines)
    elif layout == "ade20k":
        write_lines(root / f"{ADE_SPLIT[split]}.odgt", lines)
    elif layout in ("yolo", "camvid"):
        write_lines(root / f"{split}.txt", lines)
    if layout == "yolo":
        write_lines(root / "harbour.names", HARBOUR.names[FIRST_THING:])
    return root
