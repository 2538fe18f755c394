"""PASCAL VOC: JPEGImages, SegmentationClass, SegmentationObject, Annotations, lists."""

from pathlib import Path

from course_lib.data.classes import HARBOUR, voc_palette
from course_lib.data.formats.voc_xml import write_voc_xml
from course_lib.data.harbour.dataset import Harbour, Scene
from course_lib.data.harbour.layouts.files import annotated, ordered, save, write_lines


def write(name: str, split: str, scene: Scene, root: Path) -> str:
    """PASCAL VOC: palette label pictures and one XML of boxes."""
    palette = HARBOUR.colour_map().tolist()
    save(root / f"JPEGImages/{name}.jpg", scene.image, quality=95)
    save(root / f"SegmentationClass/{name}.png", scene.class_map, palette)
    save(root / f"SegmentationObject/{name}.png", ordered(scene), voc_palette())
    picture = annotated(f"{name}.jpg", scene)
    write_voc_xml(root / f"Annotations/{name}.xml", picture, "harbour", segmented=True)
    return name


def finish(root: Path, split: str, lines: list, dataset: Harbour) -> None:
    """Write the lists of the split, for segmentation and for detection."""
    for task in ("Segmentation", "Main"):
        write_lines(root / f"ImageSets/{task}/{split}.txt", lines)
