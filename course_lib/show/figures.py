"""One way to put a figure on the page: once, small, described, compared."""

import base64
import html
import io
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from course_lib.errors import InputError

LARGEST = 100_000  # bytes of a figure on the page
DRAWN_DPI = 160  # dots an inch
CODE = np.array([65536, 256, 1])  # makes one number of red, green and blue
SCREEN_DPI = 100  # an inch of figure is this wide on the page, in CSS pixels
# Tried in this order: format, dots an inch, and how to save.
TRIES = [("png", dpi, colours) for dpi in (160, 120, 100) for colours in (None, 256)]
TRIES += [("jpeg", dpi, quality) for dpi in (120, 100, 80, 60) for quality in (85, 75)]
# With other versions a file grows by some bytes: no reader's cell may fail on them.
TRIES += [("jpeg", 60, 60), ("jpeg", 60, 45)]


def show(fig: Figure, *, alt: str, data: Any = None, largest: int = LARGEST
         ) -> None:
    """Display a figure as one described picture, and close it.

    Args:
        fig: any matplotlib figure.
        alt: what is to be seen, for who cannot see it; kept with the output.
        data: the plotted numbers: an array, a tensor, a number, or a list or
            dict of such. A rounded summary is printed below the figure; the
            tests of the notebooks compare it, since they cannot compare pixels.
        largest: bytes the picture may take; give less where a chapter has many.

    Raises:
        InputError: if ``alt`` is missing or too short to describe anything.

    Taught in chapters/00_start_here.
    """
    line = "" if data is None else f"figure data: {summary(data)}"
    display_sheet(sheet_of(fig), alt, largest)
    if line:
        grey = f'<small style="color:#767676">{html.escape(line)}</small>'
        _display({"text/plain": line, "text/html": grey})


def display_sheet(sheet: Image.Image, alt: str, largest: int = LARGEST) -> None:
    """Put a drawn sheet on the page, with the alt text in the output's metadata.

    A PNG where it stays under ``largest`` bytes, as drawings do; photographs
    become a JPEG. On the page an inch of figure takes 100 pixels, however fine
    the file. The same sheet gives the same bytes.

    Raises:
        InputError: if ``alt`` is too short, or nothing is small enough.

    Taught in chapters/00_start_here.
    """
    alt = " ".join(alt.split())
    if len(alt) < 8:
        raise InputError(f"alt is {alt!r}: say in a sentence what is to be seen")
    mime, content = small(sheet, largest)
    width = round(sheet.width * SCREEN_DPI / DRAWN_DPI)
    bundle = {mime: base64.b64encode(content).decode(), "text/plain": f"[{alt}]"}
    _display(bundle, {mime: {"alt": alt, "width": width}})


def sheet_of(fig: Figure) -> Image.Image:
    """Draw a figure, cut to what is on it, at 160 dots an inch, and close it."""
    close(fig)
    file = io.BytesIO()
    fig.savefig(file, format="png", dpi=DRAWN_DPI, bbox_inches="tight",
                pad_inches=0.06, pil_kwargs={"compress_level": 1})
    return Image.open(file).convert("RGB")


def small(sheet: Image.Image, largest: int = LARGEST) -> tuple[str, bytes]:
    """The finest file of a sheet that fits: its MIME type and its bytes."""
    photograph = False
    for kind, dpi, how in TRIES:
        if photograph and kind == "png":
            continue
        size = [round(side * dpi / DRAWN_DPI) for side in sheet.size]
        resized = sheet.resize(size, Image.Resampling.LANCZOS)
        if kind == "png" and how:
            resized = few_colours(resized, how)
        options = {"optimize": True} if kind == "png" else {"quality": how}
        file = io.BytesIO()
        resized.save(file, kind, **options)
        if file.tell() <= largest:
            return f"image/{kind}", file.getvalue()
        photograph |= file.tell() > 7 * largest  # no PNG of it will ever fit
    raise InputError(f"the figure takes more than {largest} bytes: draw fewer or "
                     "smaller pictures")


def few_colours(sheet: Image.Image, count: int) -> Image.Image:
    """The sheet in ``count`` colours, up to a quarter of them kept exactly.

    Those are the commonest that differ well from each other. Without them a small
    flat thing, such as a buoy in a label picture, takes the colour of another class.
    """
    seen = sorted(sheet.getcolors(sheet.width * sheet.height), reverse=True)
    kept = np.empty((0, 3), int)  # (K, 3)
    for _, colour in seen[:1000]:
        apart = np.abs(kept - colour).max(axis=1, initial=0) > 24  # (K,)
        if apart.all() and len(kept) < count // 4:
            kept = np.vstack([kept, colour])
    rest = sheet.quantize(count - len(kept)).getpalette()
    palette = Image.new("P", (1, 1))
    palette.putpalette((kept.flatten().tolist() + rest)[: 3 * count])
    few = sheet.quantize(palette=palette, dither=Image.Dither.NONE)
    ids, codes = np.array(few), np.asarray(sheet) @ CODE  # (H, W)
    for i, code in enumerate(kept @ CODE):  # Pillow's nearest is only nearly so
        ids[codes == code] = i
    exact = Image.fromarray(ids)
    exact.putpalette(palette.getpalette())
    return exact


def to_png(fig: Figure) -> bytes:
    """PNG bytes of a figure, for a widget, where size does not matter; closes it."""
    file = io.BytesIO()
    sheet_of(fig).save(file, "PNG")
    return file.getvalue()


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
    shape = array.shape
    if not shape:
        return _digits(float(array), 0)
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
