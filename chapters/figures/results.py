"""The picture of the front page: ``python chapters/figures/results.py``.

One harbour of the test split, what is true of it, and what four shipped nets say.
"""

import torch
from frames import FOLDER, LARGEST, outline, picture_of
from matplotlib.figure import Figure
from segmentation import answer, net_of, painted

from course_lib.data.harbour import Harbour, HarbourThings
from course_lib.detection.darknet.detector import load_detector
from course_lib.detection.models import open_detector
from course_lib.paths import weights_dir
from course_lib.show import use_style
from course_lib.show.detections import above, tinted
from course_lib.show.figures import few_colours
from course_lib.show.panels import draw
from course_lib.teaching import setup

PICTURE, SURE = 6, 0.5


def panels() -> list[tuple]:
    """(picture, title, decorate) of six panels."""
    image, truth = Harbour("test")[PICTURE]
    large, _ = HarbourThings("test")[PICTURE]
    files = [weights_dir() / f"yolo_harbour.{end}" for end in ("cfg", "weights")]
    boxes = load_detector(*files, score_threshold=SURE)([large / 255])[0]["boxes"]
    detector, _ = open_detector(weights_dir() / "maskrcnn_harbour.safetensors")
    found = above(detector([large / 255])[0], SURE)
    found["masks"] = found["masks"][:, 0]
    masked = tinted(large, found, HarbourThings.classes, 0.6)
    return [
        (large, "a harbour", None),
        (painted(truth), "truth", None),
        (painted(answer(net_of("fcn32s"), image)), "FCN-32s", None),
        (painted(answer(net_of("resnet18_8s"), image)), "ResNet-18-8s", None),
        (large, "YOLO", outline(boxes.tolist(), "#D55E00")),
        (masked, "Mask R-CNN", outline(found["boxes"].tolist(), "#22262B")),
    ]


def main() -> None:
    """Write results.png."""
    use_style()
    fig = Figure(figsize=(8, 4.7), dpi=100, layout="constrained")
    axes = fig.subplots(2, 3).flat
    for ax, (image, title, decorate) in zip(axes, panels(), strict=True):
        draw(ax, image)
        ax.set_title(title, weight="bold")
        if decorate:
            decorate(ax)
    path = FOLDER / "results.png"
    few_colours(picture_of(fig), 200).save(path, optimize=True)
    assert path.stat().st_size < 2 * LARGEST["png"], path.stat().st_size


if __name__ == "__main__":
    setup(seed=0)
    torch.set_grad_enabled(False)
    main()
