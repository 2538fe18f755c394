"""Figures on the page: described, small, the same every time, with data compared."""

import base64
import io

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from course_lib import show
from course_lib.errors import InputError
from course_lib.show import figures


@pytest.fixture
def page(monkeypatch) -> list:
    """What was put on the page: (bundle, metadata) for each output."""
    outputs = []
    monkeypatch.setattr(figures, "_display",
                        lambda bundle, metadata=None: outputs.append(
                            (bundle, metadata)))
    return outputs


def drawing() -> Figure:
    show.use_style()
    fig = Figure(figsize=(5, 3), layout="constrained")
    fig.subplots().plot([1, 3, 2])
    return fig


def noise() -> Figure:
    pixels = np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8)
    return show.pictures([pixels, pixels])


def test_a_figure_is_one_png_with_its_alt_text(page):
    show.show(drawing(), alt="A line that rises\n  and falls")
    [(bundle, metadata)] = page
    assert set(bundle) == {"image/png", "text/plain"}
    assert metadata["image/png"]["alt"] == "A line that rises and falls"
    assert bundle["text/plain"] == "[A line that rises and falls]"
    picture = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert metadata["image/png"]["width"] == round(picture.width / 1.6)


def test_a_figure_without_a_description_is_refused(page):
    with pytest.raises(InputError, match="say in a sentence"):
        show.show(drawing(), alt=" ")
    assert not page


def test_pyplot_does_not_keep_a_shown_figure(page):
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    show.show(plt.figure(), alt="An empty figure")
    assert plt.get_fignums() == before


def test_the_same_figure_gives_the_same_bytes():
    assert figures.small(figures.sheet_of(drawing())) == figures.small(
        figures.sheet_of(drawing()))


@pytest.mark.parametrize("draw, mime", [(drawing, "image/png"), (noise, "image/jpeg")])
def test_the_file_is_small_and_of_its_kind(draw, mime):
    kind, content = figures.small(figures.sheet_of(draw()))
    assert kind == mime and len(content) <= 100_000
    assert f"image/{Image.open(io.BytesIO(content)).format.lower()}" == mime


def test_a_picture_a_little_over_the_limit_becomes_coarser():
    sheet, file = figures.sheet_of(noise()), io.BytesIO()
    size = [round(side * 60 / figures.DRAWN_DPI) for side in sheet.size]
    sheet.resize(size, Image.Resampling.LANCZOS).save(file, "jpeg", quality=75)
    kind, content = figures.small(sheet, largest=file.tell() * 9 // 10)
    assert kind == "image/jpeg" and len(content) <= file.tell() * 9 // 10
    with pytest.raises(InputError, match="the figure takes more than 9 bytes"):
        figures.small(sheet, largest=9)


def test_the_compared_line_is_grey_and_below(page):
    show.show(drawing(), alt="A line that rises", data=torch.tensor([1.0, 3, 2]))
    line = "figure data: (3,) min 1 max 3 mean 2"
    assert page[1][0]["text/plain"] == line and line in page[1][0]["text/html"]


@pytest.mark.parametrize("data, line", [
    (np.arange(12).reshape(3, 4), "(3, 4) min 0 max 11 mean 5.5"),
    (torch.tensor([True, False]), "(2,) min 0 max 1 mean 0.5"),
    (np.array([123456, 7]), "(2,) min 7 max 123456 mean 6.17e+04"),
    (np.array([1.0, np.nan, 2.0]), "(3,) min 1 max 2 mean 1.5, 1 nan"),
    (np.array([1.0, -1.0 + 1e-9]), "(2,) min -1 max 1 mean 0"),
    (np.zeros((0, 4)), "(0, 4) empty"),
    ([1, 2, 3], "(3,) min 1 max 3 mean 2"),
    ([np.zeros(2), np.ones(1)], "(2,) min 0 max 0 mean 0; (1,) min 1 max 1 mean 1"),
    ({"a": 2, "b": [1, 1]}, "a 2; b (2,) min 1 max 1 mean 1"),
    (0.123456, "0.123"),
])
def test_summary_by_hand(data, line):
    assert figures.summary(data) == line


@given(st.floats(1e-3, 1e6), st.floats(-1e-9, 1e-9))
def test_summary_does_not_turn_on_the_last_bits(value, noise):
    """Halves of the third digit are where plain rounding would flip."""
    edge = float(f"{value:.2e}") + 0.5 * 10.0 ** (np.floor(np.log10(value)) - 2)
    assert figures.summary(edge) == figures.summary(edge * (1 + noise))


def test_a_small_flat_thing_keeps_its_colour():
    sheet = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    sheet[100:104, 100:104] = (230, 100, 195)  # a buoy among colours of all kinds
    shown = figures.few_colours(Image.fromarray(sheet), 256)
    assert len(shown.getcolors()) <= 256
    assert shown.convert("RGB").getpixel((102, 102)) == (230, 100, 195)
    assert Image.fromarray(sheet).quantize(256).convert("RGB").getpixel(
        (102, 102)) != (230, 100, 195)  # what Pillow alone makes of it
