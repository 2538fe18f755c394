"""Penn-Fudan: PNGImages, PedMasks (0, then one number a thing) and Annotation.

Every thing of the harbour counts as a pedestrian here. Penn-Fudan has no void: it
becomes background. Its splits are made by the reader, so both go to the same folders.
"""

from pathlib import Path

import numpy as np

from course_lib.data.classes import VOID
from course_lib.data.harbour.dataset import Scene
from course_lib.data.harbour.layouts.files import ordered, save, write_lines


def write(name: str, split: str, scene: Scene, root: Path) -> str:
    """Picture, mask, and the text with the boxes: from 1, the last pixel named."""
    masks = ordered(scene)
    save(root / f"PNGImages/{name}.png", scene.image)
    save(root / f"PedMasks/{name}_mask.png", np.where(masks == VOID, 0, masks))
    boxes = scene.boxes.astype(int) + [1, 1, 0, 0]
    lines = [
        f'Bounding box for object {number} "PASpersonStanding" (Xmin, Ymin) - '
        f"(Xmax, Ymax) : ({x1}, {y1}) - ({x2}, {y2})"
        for number, (x1, y1, x2, y2) in enumerate(boxes, 1)
    ]
    write_lines(root / f"Annotation/{name}.txt", lines)
    return name
