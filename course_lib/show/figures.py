"""One way to put a figure on the page: once, small, described, compared."""

import base64
import html
import io
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from course_lib.errors import InputError

LARGEST_PNG = 100_000  # bytes
SCREEN_DPI = 100  # an inch of figure is this wide on the page, in CSS pixels
PRINT_DPI = (160, 120, 100, 80, 60)  # tried from the finest


def show(fig: Figure, *, alt: str, data: Any = None) -> None:
    """Display a figure as one described PNG, and close it.

    Args:
        fig: any matplotlib figure.
        alt: what is to be seen, for who cannot see it; kept with the output.
        data: the plotted numbers: an array, a tensor, a number, or a list or
            dict of such. A rounded summary is printed below the figure; the
            tests of the notebooks compare it, since they cannot compare pixels.

    Raises:
        InputError: if ``alt`` is missing or too short to describe anything.

    Taught in chapters/00_start_here.
    """
    line = "" if data is None else f"figure data: {summary(data)}"
    display_png(to_png(fig), alt)
    if line:
        grey = f'<small style="color:#767676">{html.escape(line)}</small>'
        _display({"text/plain": line, "text/html": grey})


def display_png(png: bytes, alt: str) -> None:
    """Put PNG bytes on the page, with the alt text in the output's metadata.

    The width on the page is that of 100 pixels an inch, however fine the PNG.
    Taught in chapters/00_start_here.
    """
    if len(alt.strip()) < 8:
        raise InputError(f"alt is {alt!r}: say in a sentence what is to be seen")
    alt = " ".join(alt.split())
    with Image.open(io.BytesIO(png)) as picture:
        shown = round(picture.width * SCREEN_DPI / picture.info["dpi"][0])
    about = {"image/png": {"alt": alt, "width": shown}}
    text = base64.b64encode(png).decode()
    _display({"image/png": text, "text/plain": f"[figure] {alt}"}, about)


def to_png(fig: Figure, largest: int = LARGEST_PNG) -> bytes:
    """Draw a figure as PNG bytes, under ``largest`` bytes, and close it.

    The finest resolution that fits is taken, in full colour or, failing that,
    in 256 colours. The same figure gives the same bytes.
    Taught in chapters/00_start_here.
    """
    close(fig)
    for dpi in PRINT_DPI:
        sheet = io.BytesIO()
        fig.savefig(sheet, format="png", dpi=dpi, bbox_inches="tight",
                    pad_inches=0.06, metadata={"Software": None})
        png = small_png(Image.open(sheet).convert("RGB"), dpi, largest)
        if png is not None:
            return png
    raise InputError(f"the figure takes more than {largest} bytes at {dpi} dots "
                     "an inch: draw fewer or smaller pictures")


def small_png(picture: Image.Image, dpi: int, largest: int) -> bytes | None:
    """PNG bytes of a picture, in 256 colours if need be; None if still too large."""
    for colours in (None, 256):
        sheet, kept = io.BytesIO(), picture
        if colours:
            kept = picture.quantize(colours, dither=Image.Dither.NONE)
        kept.save(sheet, "PNG", optimize=True, dpi=(dpi, dpi))
        if sheet.tell() <= largest:
            return sheet.getvalue()
    return None


def close(fig: Figure) -> None:
    """Let pyplot forget a figure, so that the notebook does not show it again."""
    import matplotlib.pyplot as plt

    plt.close(fig)


def summary(data: Any) -> str:
    """Shape, smallest, largest and mean of arrays, the same on every machine.

    Floats are rounded to 3 significant digits, after the noise below the sixth
    has been taken off, so that 0.12345 does not turn on its last bit.
    Taught in chapters/00_start_here.
    """
    if isinstance(data, dict):
        return "; ".join(f"{name} {summary(part)}" for name, part in data.items())
    if isinstance(data, (list, tuple)) and any(np.ndim(part) for part in data):
        return "; ".join(summary(part) for part in data)
    if hasattr(data, "detach"):
        data = data.detach().cpu().numpy()
    return _summary(np.asarray(data))


def _summary(array: np.ndarray) -> str:
    shape = f"({', '.join(map(str, array.shape))})"
    values = array[~np.isnan(array)] if array.dtype.kind == "f" else array
    text = f", {array.size - values.size} nan" if values.size < array.size else ""
    if not values.size:
        return f"{shape} empty{text}"
    numbers = values.astype(np.float64)
    size = np.abs(numbers).max()
    low, high, mean = (_digits(x, size) for x in
                       (numbers.min(), numbers.max(), numbers.mean()))
    if array.dtype.kind in "iub":
        low, high = int(values.min()), int(values.max())
    return f"{shape} min {low} max {high} mean {mean}{text}"


def _digits(value: float, size: float) -> str:
    if abs(value) <= 1e-6 * size:  # a sum that should have been zero
        return "0"
    return f"{float(f'{value:.6g}'):.3g}"


def _display(bundle: dict, metadata: dict | None = None) -> None:
    from IPython.display import display

    display(bundle, raw=True, metadata=metadata or {})
