"""PASCAL VOC: JPEGImages, SegmentationClass, SegmentationObject, Annotations, lists."""

from pathlib import Path
from xml.etree import ElementTree

from course_lib.data.classes import HARBOUR, voc_palette
from course_lib.data.harbour.dataset import Harbour, Scene
from course_lib.data.harbour.layouts.files import ordered, save, write_lines


def write(name: str, split: str, scene: Scene, root: Path) -> str:
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


def finish(root: Path, split: str, lines: list, dataset: Harbour) -> None:
    """Write the lists of the split, for segmentation and for detection."""
    for task in ("Segmentation", "Main"):
        write_lines(root / f"ImageSets/{task}/{split}.txt", lines)
