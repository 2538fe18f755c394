"""Sliders beside a figure, and the row of pictures that stands in for them."""

import html
from collections.abc import Callable
from typing import Any

from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont, ImageOps

from course_lib.errors import InputError
from course_lib.show.figures import (
    DRAWN_DPI,
    LARGEST,
    display_sheet,
    sheet_of,
    to_png,
)
from course_lib.show.panels import PAGE

WIDGET = "application/vnd.jupyter.widget-view+json"


def explore(draw: Callable[..., Figure], *, alt: str, largest: int = LARGEST,
            **sliders: Any) -> None:
    """Show a figure for three values, then the same figure with live sliders.

    The row of three is what GitHub and the book show; the sliders move in
    JupyterLab, Jupyter Notebook and Colab.

    Args:
        draw: called with one value for each slider; returns a figure. One picture
            looks best: three of them must fit on a page.
        alt: what the row of three figures shows.
        largest: bytes the row may take.
        sliders: by name, ``(low, high)`` or ``(low, high, step)`` in whole or
            real numbers, or a list of choices. The first one runs through the
            three figures, the others stay at their middle.

    Raises:
        InputError: if a slider has no range, or ``alt`` says nothing.

    Taught in chapters/00_start_here.
    """
    panel, _ = explorer(draw, **sliders)
    display_sheet(static_row(draw, **sliders), alt, largest)
    names = ", ".join(f"{name} ({_range(given)})" for name, given in sliders.items())
    from IPython.display import display

    view = {"version_major": 2, "version_minor": 0, "model_id": panel.model_id}
    display({"text/plain": f"Run this cell to move {names}.", WIDGET: view}, raw=True)


def explorer(draw: Callable[..., Figure], **sliders: Any) -> tuple[Any, dict]:
    """Make the live half of ``explore``: a box of widgets, and its sliders by name.

    A wrong value shows its error as a sentence in the place of the picture.
    Taught in chapters/00_start_here.
    """
    import ipywidgets

    handles = {name: slider(name, given) for name, given in sliders.items()}
    picture = ipywidgets.Image(format="png", layout={"max_width": "100%"})
    trouble = ipywidgets.HTML()

    def redraw(_change=None):
        try:
            picture.value = to_png(draw(**{k: s.value for k, s in handles.items()}))
            trouble.value, picture.layout.display = "", ""
        except Exception as error:  # whatever it is, the reader must see it
            trouble.value = f"<p>{html.escape(sentence(error))}</p>"
            picture.layout.display = "none"

    redraw()
    for handle in handles.values():
        handle.observe(redraw, names="value")
    return ipywidgets.VBox([*handles.values(), trouble, picture]), handles


def slider(name: str, given: Any):
    """Make the widget for one range or list of choices, set to its middle value."""
    import ipywidgets

    look = {"description": name.replace("_", " "), "continuous_update": False,
            "style": {"description_width": "initial"}, "value": middle(name, given)}
    if isinstance(given, list):
        return ipywidgets.SelectionSlider(options=given, **look)
    low, high, step = steps(name, given)
    whole = all(isinstance(x, int) for x in (low, high, step))
    kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
    return kind(min=low, max=high, step=step, **look)


def steps(name: str, given: Any) -> tuple:
    """Low, high and step of a slider; whole numbers go by 1, others by a twentieth."""
    numbers = isinstance(given, tuple) and all(
        isinstance(x, int | float) for x in given)
    if not numbers or len(given) not in (2, 3) or not given[0] < given[1]:
        raise InputError(f"slider {name} is {given!r}: give (low, high), "
                         "(low, high, step) or a list of choices")
    low, high = given[:2]
    whole = isinstance(low, int) and isinstance(high, int)
    return low, high, given[2] if len(given) == 3 else 1 if whole else (high - low) / 20


def three(name: str, given: Any) -> list:
    """The lowest, the middle and the highest value that a slider can take."""
    if isinstance(given, list):
        if not given:
            raise InputError(f"slider {name} has no choices: give at least one")
        places = sorted({0, len(given) // 2, len(given) - 1})
        return [given[i] for i in places]
    low, high, step = steps(name, given)
    count = int((high - low) / step + 1e-9)
    return [low + step * i for i in sorted({0, count // 2, count})]


def middle(name: str, given: Any) -> Any:
    """The value a slider starts from."""
    values = three(name, given)
    return values[len(values) // 2]


def static_row(draw: Callable[..., Figure], **sliders: Any) -> Image.Image:
    """The figure for three values of the first slider, each named above.

    Wide figures are stacked, the others stand side by side.
    Taught in chapters/00_start_here.
    """
    if not sliders:
        raise InputError("explore has no slider: name one, such as thin=(1, 8)")
    first, *_ = sliders
    rest = {name: middle(name, given) for name, given in sliders.items()}
    values = three(first, sliders[first])
    parts = [sheet_of(draw(**{**rest, first: value})) for value in values]
    titles = [f"{first.replace('_', ' ')} = {_text(value)}" for value in values]
    return side_by_side(parts, titles)


def side_by_side(parts: list[Image.Image], titles: list[str]) -> Image.Image:
    """Paste pictures next to each other, or below if they are wide, with titles."""
    from matplotlib.font_manager import findfont

    head, gap = DRAWN_DPI // 4, DRAWN_DPI // 8
    font = ImageFont.truetype(findfont("DejaVu Sans:bold"), DRAWN_DPI // 7)
    stacked = max(part.width for part in parts) > 5 * DRAWN_DPI
    across, down = (1, len(parts)) if stacked else (len(parts), 1)
    share = (PAGE * DRAWN_DPI / across - gap) / max(part.width for part in parts)
    parts = [ImageOps.scale(part, min(share, 1)) for part in parts]
    wide = max(part.width for part in parts)
    tall = max(part.height for part in parts) + head
    size = (across * (wide + gap) - gap, down * (tall + gap) - gap)
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    for i, (part, title) in enumerate(zip(parts, titles, strict=True)):
        x, y = (0, i * (tall + gap)) if stacked else (i * (wide + gap), 0)
        pen.text((x + gap // 2, y + head // 8), title, fill="#0072B2", font=font)
        sheet.paste(part, (x, y + head))
    return sheet


def sentence(error: Exception) -> str:
    """The first line of an error, with its kind unless it is one of ours."""
    text = (str(error).splitlines() or [""])[0]
    return text if isinstance(error, InputError) else f"{type(error).__name__}: {text}"


def _range(given: Any) -> str:
    if isinstance(given, list):
        return ", ".join(map(_text, given))
    return f"{_text(given[0])} to {_text(given[1])}"


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
