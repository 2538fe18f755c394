"""What a detector found: boxes, masks, names and scores on pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from course_lib.errors import InputError
from course_lib.show.labels import _draw_box, legend
from course_lib.show.panels import as_array, as_picture, draw, grid

TAGS = ("names", "scores", "none")


def draw_detections(
    images: Any,
    found: Any,
    *,
    classes,
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    threshold: float = 0.0,
    tags: str = "names",
    alpha: float = 0.45,
) -> Figure:
    """Draw pictures side by side, each with its boxes, masks, names and scores.

    Args:
        images: one picture (3, H, W), or a list of them.
        found: for each picture what a detector gives, or a target: ``boxes`` (N, 4)
            xyxy in pixels and ``labels`` (N,), and if they are there ``scores`` (N,)
            and ``masks`` (N, H, W) or (N, 1, H, W), where above 0.5 is inside.
        classes: a ``ClassTable``; it gives names and colours.
        titles: one for each picture.
        columns: pictures in a row; by default at most four.
        threshold: what has a lower score is not drawn.
        tags: "names" writes name and score at each box; "scores" the score alone,
            with one legend for the names, where boxes are many; "none" the legend.
        alpha: strength of the masks, 0 to 1.

    Raises:
        InputError: if pictures and findings differ in number, boxes are not (N, 4),
            masks have another size than the picture, or ``tags`` is unknown.

    Taught in chapters/13_mask_rcnn_finetuning.
    """
    if isinstance(found, dict):
        images, found = [images], [found]
    titles = list(titles or [""] * len(images))
    if not len(images) == len(found) == len(titles) > 0:
        raise InputError(
            f"{len(images)} pictures came with {len(found)} detections "
            f"and {len(titles)} titles: give one of each a picture"
        )
    if tags not in TAGS:
        raise InputError(f"tags is {tags!r}; choose {', '.join(TAGS)}")
    kept = [above(one, threshold) for one in found]
    fig, axes = grid(images, columns, bool("".join(titles)))
    scale = max(0.6, min(1, fig.get_figwidth() / min(len(axes), columns or 4) / 4))
    for ax, image, one, title in zip(axes, images, kept, titles, strict=False):
        draw(ax, tinted(image, one, classes, alpha))
        for i, box in enumerate(one["boxes"]):
            score = one["scores"][i] if "scores" in one and tags != "none" else None
            _draw_box(
                ax,
                box,
                int(one["labels"][i]),
                score,
                classes,
                named=tags == "names",
                scale=scale,
            )
        ax.set_title(title)
    ids = np.concatenate([one["labels"] for one in kept])
    if tags != "names" and ids.size:
        legend(fig, classes, ids)
    return fig


def above(found: dict, threshold: float) -> dict[str, np.ndarray]:
    """The arrays of what scores at least ``threshold``, best last, thus on top."""
    names = [n for n in ("boxes", "labels", "scores", "masks") if n in found]
    arrays = {name: as_array(found[name]) for name in names}
    if arrays["boxes"].ndim != 2 or arrays["boxes"].shape[1] != 4:
        raise InputError(f"boxes must be (N, 4) xyxy, got {arrays['boxes'].shape}")
    if "scores" not in arrays:
        return arrays
    order = arrays["scores"].argsort(kind="stable")
    order = order[arrays["scores"][order] >= threshold]
    return {name: array[order] for name, array in arrays.items()}


def tinted(image: Any, found: dict, classes, alpha: float) -> np.ndarray:
    """The picture (H, W, 3) uint8 with each mask in its class's colour, edges bold."""
    shown = as_picture(image).astype(np.float32)
    if alpha == 0 or not len(found.get("masks", ())):
        return shown.astype(np.uint8)
    masks = found["masks"].reshape(len(found["masks"]), *found["masks"].shape[-2:])
    if masks.shape[1:] != shown.shape[:2]:
        raise InputError(
            f"the picture is {shown.shape[:2]} and its masks are "
            f"{masks.shape[1:]}: give masks at the picture's size"
        )
    colours = classes.colour_map().numpy()
    for mask, label in zip(masks > 0.5, found["labels"], strict=True):
        within = np.pad(mask, 1)  # an edge pixel has a neighbour outside
        inner = (
            within[:-2, 1:-1] & within[2:, 1:-1] & within[1:-1, :-2] & within[1:-1, 2:]
        )
        shown[mask] += alpha * (colours[int(label)] - shown[mask])
        shown[mask & ~inner] += alpha * (colours[int(label)] - shown[mask & ~inner])
    return shown.round().astype(np.uint8)
