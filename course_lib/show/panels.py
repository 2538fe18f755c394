"""Pictures of every kind, side by side."""

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from course_lib.errors import InputError

PAGE = 9.6  # inches: the width of a page
ENLARGED = 400  # pixels: smaller pictures are shown with their pixels sharp


def pictures(images: Sequence[Any], titles: Sequence[str] | None = None,
             columns: int | None = None, *, classes=None,
             cmap: str = "viridis") -> Figure:
    """Draw pictures, label pictures and maps in a grid.

    Args:
        images: each one a picture (3, H, W) or (H, W, 3), uint8 or float in
            [0, 1]; a grey picture (H, W) uint8; a map (H, W) float, drawn in
            colours from its smallest to its largest value; or, with
            ``classes``, a label picture (H, W) of ids.
        titles: one for each picture.
        columns: pictures in a row; by default at most four.
        classes: a ``ClassTable``: label pictures get its colours, and one legend
            names the classes that occur.
        cmap: matplotlib colour map of the float maps.

    Raises:
        InputError: for a shape or a range that is no picture.

    Taught in chapters/01_pixels_and_labels.
    """
    titles = list(titles or [""] * len(images))
    if not images or len(titles) != len(images):
        raise InputError(f"{len(images)} pictures came with {len(titles)} titles: "
                         "give at least one picture, and a title for each")
    fig, axes = grid(images, columns, bool("".join(titles)))
    for ax, image, title in zip(axes, images, titles, strict=False):
        draw(ax, image, classes, cmap)
        ax.set_title(title)
    masks = [image for image in images if is_mask(image, classes)]
    if masks:
        from course_lib.show.labels import legend, present_ids

        legend(fig, classes, present_ids(*masks))
    return fig


def grid(images: Sequence[Any], columns: int | None = None,
         titled: bool = True) -> tuple[Figure, list]:
    """Make a figure with one bare axes for each picture, sized to their shape."""
    columns = min(len(images), columns or 4)
    rows = ceil(len(images) / columns)
    height, width = map(max, zip(*map(_size, images), strict=True))
    wide = min(PAGE / columns, 4.8)
    tall = wide * height / width + (0.32 if titled else 0.06)
    fig = Figure(figsize=(wide * columns, tall * rows), layout="constrained")
    fig.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0.02, hspace=0.02)
    axes = list(fig.subplots(rows, columns, squeeze=False).flat)
    for ax in axes:
        ax.set_axis_off()
    return fig, axes


def draw(ax, image: Any, classes=None, cmap: str = "viridis") -> None:
    """Draw one picture, label picture or map on axes in pixel coordinates.

    The top left corner of the picture is (0, 0), the bottom right (W, H).
    """
    height, width = _size(image)
    if is_mask(image, classes):
        from course_lib.show.labels import colourise

        image = colourise(image, classes)
    array = as_array(image)
    if array.ndim == 3 or array.dtype.kind != "f":
        array = as_picture(image)
    sharp = "nearest" if max(height, width) < ENLARGED else "antialiased"
    ax.imshow(array, cmap=cmap, interpolation=sharp, extent=(0, width, height, 0))
    ax.set_axis_off()


def as_picture(image: Any) -> np.ndarray:
    """Turn any picture into uint8 (H, W, 3), for drawing.

    Args:
        image: tensor (3, H, W) or (1, H, W), array (H, W, 3), or grey (H, W);
            uint8 or bool, or float in [0, 1].

    Raises:
        InputError: for another shape, or values that are no picture.

    Taught in chapters/01_pixels_and_labels.
    """
    array = as_array(image)
    # a tensor 3 px wide is (3, H, 3): of a tensor, the first axis decides
    first = hasattr(image, "detach") and array.shape[0] in (1, 3)
    if array.ndim == 3 and (first or array.shape[-1] != 3):
        array = array.transpose(1, 2, 0)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[-1] not in (1, 3):
        raise InputError(f"a picture must be (3, H, W), got {tuple(image.shape)}; "
                         "take one picture out of a batch with images[0]")
    return np.broadcast_to(_bytes(array), (*array.shape[:2], 3)).copy()


def as_array(image: Any) -> np.ndarray:
    """The numbers of a tensor or array, on the CPU."""
    return image.detach().cpu().numpy() if hasattr(image, "detach") else (
        np.asarray(image))


def is_mask(image: Any, classes) -> bool:
    """Whether an image is a label picture: ids (H, W), with classes to name them."""
    return (classes is not None and image.ndim == 2
            and as_array(image).dtype.kind in "iub")


def _bytes(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    top = 255 if array.dtype.kind in "iu" else 1
    low, high = array.min(), array.max()
    if not (low >= -1e-3 * top and high <= top * 1.001):
        raise InputError(
            f"a {array.dtype} picture must lie in 0 to {top}, got {low:.3g} to "
            f"{high:.3g}; undo normalise() with denormalise(), or pass classes= "
            "for a label picture")
    return np.round(array.clip(0, top) * (255 / top)).astype(np.uint8)


def _size(image: Any) -> tuple[int, int]:
    shape = tuple(image.shape)
    if len(shape) not in (2, 3):
        raise InputError(f"a picture must be (3, H, W) or (H, W), got {shape}; "
                         "take one picture out of a batch with images[0]")
    channels_last = len(shape) == 3 and shape[-1] == 3 and shape[0] not in (1, 3)
    return shape[:2] if channels_last or len(shape) == 2 else shape[1:]
