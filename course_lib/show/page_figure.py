"""A page of a data set: its pictures with their labels laid over, void hatched."""

import textwrap

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_lib.show.detections import tinted
from course_lib.show.labels import VOID, _draw_box, legend, overlay
from course_lib.show.pages import Shown, ids_of
from course_lib.show.panels import draw, grid

SHARP = 512  # pixels: smaller pictures are enlarged before they are hatched


def page_figure(
    page: list[Shown],
    classes,
    wanted: int | None = None,
    alpha: float = 0.5,
    columns: int = 4,
) -> Figure:
    """Draw the pictures of a page with their labels laid over.

    Void is hatched in black and white, as are crowds, whatever the colours below.

    Args:
        page: what ``Pages.read`` gave.
        classes: a ``ClassTable``; one legend names the classes that occur.
        wanted: show the labels of this class alone.
        alpha: strength of the labels, 0 to 1.
        columns: pictures in a row.
    """
    blank = np.full((96, 128, 3), 238, np.uint8)
    images = [blank if one.image is None else one.image for one in page]
    columns = min(columns, len(page))
    fig, axes = grid(images, columns)
    scale = max(0.5, min(1, fig.get_figwidth() / columns / 4))
    for ax, one, image in zip(axes, page, images, strict=False):
        ax.set_anchor("N")  # titles of a row stand at one height
        ax.set_title(f"{one.number}  {one.name[-24:]}", fontsize=11 * scale + 2)
        draw(ax, image if one.trouble else laid_over(one, classes, wanted, alpha))
        if one.trouble:
            lines = textwrap.fill(one.trouble, 34)
            ax.text(
                64, 48, lines, ha="center", va="center", fontsize=8, color="#22262B"
            )
        elif isinstance(one.target, dict):
            draw_boxes(ax, one.target, classes, wanted, scale)
    name_classes(fig, classes, ids_of(page, wanted))
    return fig


def laid_over(one: Shown, classes, wanted: int | None, alpha: float) -> np.ndarray:
    """The picture with its labels: colours of classes, or of the masks of things.

    Returns:
        (H, W, 3) uint8, of label pictures perhaps enlarged.
    """
    if isinstance(one.target, dict):
        kept = chosen(one.target, wanted)
        below = tinted(one.image, kept, classes, alpha)
        if "masks" not in kept or "iscrowd" not in kept:
            return below
        crowd = kept["masks"][kept["iscrowd"] == 1].any(axis=0)  # (H, W)
        return hatched(below, crowd & (alpha > 0))
    strength = alpha if wanted is None else min(1, 1.7 * alpha)
    shown = overlay(one.image, one.target, classes, strength).permute(1, 2, 0).numpy()
    if wanted is not None:
        here = (one.target == wanted)[..., None]
        shown = np.where(here, shown, faded(one.image, alpha))
    void = (one.target == VOID) & (alpha > 0) & (wanted in (None, VOID))
    return hatched(enlarged(shown), enlarged(void))


def faded(picture: np.ndarray, alpha: float) -> np.ndarray:
    """The picture in pale grey, so that what is coloured stands out."""
    grey = picture.mean(axis=2, keepdims=True) * 0.6 + 90  # (H, W, 1)
    return (picture + 1.6 * min(alpha, 0.5) * (grey - picture)).astype(np.uint8)


def enlarged(picture: np.ndarray) -> np.ndarray:
    """A small picture with each pixel repeated: stripes need room."""
    times = max(1, SHARP // max(picture.shape[:2]))
    return picture.repeat(times, axis=0).repeat(times, axis=1)


def hatched(picture: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Slanting stripes in black and white over a part of a picture (H, W, 3)."""
    height, width = where.shape
    stripe = max(1, round(max(height, width) / 128))  # px
    y, x = np.ogrid[:height, :width]
    stripes = ((x + y) // stripe % 2 * 255).astype(np.uint8)  # (H, W)
    return np.where(where[..., None], stripes[..., None], picture)


def chosen(target: dict, wanted: int | None) -> dict:
    """The things of one class; all of them where none is wanted."""
    if wanted is None:
        return target
    which = target["labels"] == wanted
    return {name: values[which] for name, values in target.items()}


def draw_boxes(ax, target: dict, classes, wanted: int | None, scale: float) -> None:
    """The boxes of a target; a crowd's is hatched where it has no mask."""
    kept = chosen(target, wanted)
    crowds = kept.get("iscrowd", np.zeros(len(kept["boxes"])))
    for box, label, crowd in zip(kept["boxes"], kept["labels"], crowds, strict=True):
        _draw_box(ax, box, int(label), None, classes, named=False, scale=scale)
        if crowd and "masks" not in kept:
            width, height = box[2:] - box[:2]
            look = {"fill": False, "hatch": "////", "linewidth": 0}
            ax.add_patch(Rectangle(box[:2], width, height, **look))


def name_classes(fig: Figure, classes, ids: list[int]) -> None:
    """One legend below the figure: void is hatched, background is left as it is."""
    ids = [i for i in ids if i == VOID or classes.names[i] != "background"]
    if not ids:
        return
    legend(fig, classes, ids)
    for patch, i in zip(fig.legends[0].legend_handles, ids, strict=True):
        if i == VOID:
            patch.set(facecolor="white", edgecolor="black", hatch="//////")
