"""Label pictures in colour, with names: overlays, legends, boxes."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from torch import Tensor

from course_lib.errors import InputError
from course_lib.show.panels import as_array, as_picture, draw, grid, pictures

VOID = 255


def colourise(mask: Any, classes) -> Tensor:
    """Give every pixel the colour of its class.

    Args:
        mask: (H, W) integer ids, 255 is void; tensor or array.
        classes: a ``ClassTable``.

    Returns:
        (3, H, W) uint8, RGB.

    Raises:
        InputError: if ``mask`` is not (H, W) or holds an id without a class.

    Taught in chapters/01_pixels_and_labels.
    """
    ids = torch.as_tensor(np.ascontiguousarray(as_array(mask))).long()  # (H, W)
    if ids.ndim != 2:
        raise InputError(f"a label picture must be (H, W), got {tuple(ids.shape)}; "
                         "turn logits into ids with logits.argmax(dim=0)")
    check_ids(present_ids(ids), classes)
    return classes.colour_map()[ids].permute(2, 0, 1).contiguous()


def overlay(image: Any, mask: Any, classes, alpha: float = 0.5) -> Tensor:
    """Lay the colours of the classes over the picture.

    Void pixels and a class named "background" keep the picture as it is.

    Args:
        image: (3, H, W) uint8 or float in [0, 1], or any picture of ``pictures``.
        mask: (H, W) integer ids, 255 is void.
        classes: a ``ClassTable``.
        alpha: 0 leaves the picture, 1 leaves the colours.

    Returns:
        (3, H, W) uint8.

    Raises:
        InputError: if the sizes differ, or an id has no class.

    Taught in chapters/01_pixels_and_labels.
    """
    below = torch.from_numpy(as_picture(image)).permute(2, 0, 1).float()
    colours = colourise(mask, classes).float()  # (3, H, W)
    if below.shape != colours.shape:
        raise InputError(f"picture is {tuple(below.shape[1:])} and labels are "
                         f"{tuple(colours.shape[1:])}: resize one of them")
    ids = torch.as_tensor(as_array(mask)).long()
    tinted = ids != VOID
    if "background" in classes.names:
        tinted &= ids != classes.names.index("background")
    mixed = torch.lerp(below, colours, alpha)
    return torch.where(tinted, mixed, below).round().to(torch.uint8)


def present_ids(*masks: Any) -> list[int]:
    """The ids that occur in any of the label pictures, in order."""
    return sorted({int(i) for mask in masks for i in np.unique(as_array(mask))})


def check_ids(ids: Iterable[int], classes) -> None:
    """Refuse ids that no class has."""
    for i in ids:
        if not (0 <= i < classes.num_classes or i == VOID):
            raise InputError(f"the labels hold id {i}, but {classes.name} has ids 0 "
                             f"to {classes.num_classes - 1} and 255 for void")


def legend(where, classes, ids: Any) -> None:
    """Name the colours of the classes that occur, below a figure or on axes.

    Args:
        where: a matplotlib Figure (legend below it) or Axes (legend beside it).
        classes: a ``ClassTable``.
        ids: the ids to name, or a label picture (H, W) whose ids to name.

    Taught in chapters/01_pixels_and_labels.
    """
    ids = present_ids(ids)
    check_ids(ids, classes)
    colours = classes.colour_map().numpy() / 255  # (256, 3)
    names = ["void" if i == VOID else classes.names[i] for i in ids]
    patches = [Patch(facecolor=colours[i], edgecolor="#55595E", linewidth=0.6,
                     label=name) for i, name in zip(ids, names, strict=True)]
    look = dict(handles=patches, handlelength=1.1, handleheight=1.1,
                columnspacing=1.4, handletextpad=0.5, borderaxespad=0.2)
    if hasattr(where, "add_subplot"):
        letters = 5 + sum(map(len, names)) / len(names)
        fit = max(1, int(where.get_figwidth() * 10.5 / letters))
        rows = -(-len(ids) // fit)
        where.set_figheight(where.get_figheight() + 0.24 * rows)
        where.legend(loc="outside lower center", ncols=-(-len(ids) // rows), **look)
    else:
        where.legend(loc="upper left", bbox_to_anchor=(1.01, 1), **look)


def label_figure(image: Any, mask: Any, prediction: Any = None, *, classes,
                 titles: Sequence[str] = ("picture", "truth", "prediction")
                 ) -> Figure:
    """Draw a picture beside its labels, and the prediction if there is one.

    Args:
        image: (3, H, W) picture.
        mask: (H, W) ids of the truth.
        prediction: (H, W) ids, or None.
        classes: a ``ClassTable``; one legend names the classes that occur.
        titles: of the two or three panels.

    Taught in chapters/01_pixels_and_labels.
    """
    shown = [image, mask] if prediction is None else [image, mask, prediction]
    return pictures(shown, titles[:len(shown)], classes=classes)


def box_figure(image: Any, boxes: Any, labels: Any = None, scores: Any = None,
               classes=None) -> Figure:
    """Draw boxes on a picture, each with the name of its class and its score.

    Args:
        image: (3, H, W) picture.
        boxes: (N, 4) float, xyxy in pixels, origin top left.
        labels: (N,) class ids, or None.
        scores: (N,) in [0, 1], or None.
        classes: a ``ClassTable`` for names and colours.

    Raises:
        InputError: if ``boxes`` is not (N, 4).

    Taught in chapters/12_boxes_anchors_ap.
    """
    boxes = as_array(boxes)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise InputError(f"boxes must be (N, 4) xyxy, got {tuple(boxes.shape)}")
    fig, (ax,) = grid([image], titled=False)
    fig.set_size_inches(fig.get_size_inches() * 1.3)
    draw(ax, image)
    for i, box in enumerate(boxes):
        label = None if labels is None else int(labels[i])
        score = None if scores is None else float(scores[i])
        _draw_box(ax, box, label, score, classes)
    return fig


def _draw_box(ax, box, label, score, classes, named=True, scale=1.0) -> None:
    x, y, width, height = *box[:2], *(box[2:] - box[:2])
    known = classes is not None and label is not None
    colour = classes.colour_map()[label].numpy() / 255 if known else (0, 0.45, 0.7)
    for edge, line in (("white", 3.4), (colour, 1.8)):
        ax.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=edge,
                               linewidth=line * scale))
    name = classes.names[label] if known else "" if label is None else str(label)
    name = name if named else ""
    text = f"{name} {score:.2f}".strip() if score is not None else name
    dark = np.dot(colour, (0.299, 0.587, 0.114)) < 0.55
    left = x < 0.85 * ax.get_xlim()[1]  # further right, a tag would leave the picture
    if text:
        ax.annotate(text, (x if left else x + width, y), (1 if left else -1, 2),
                    ha="left" if left else "right", textcoords="offset points",
                    color="white" if dark else "#111111", annotation_clip=False,
                    fontsize=8.5 * max(scale, 0.75),
                    bbox=dict(facecolor=colour, edgecolor="none", pad=1.4))
