"""Sliders: their callbacks, their errors, and the row that stands in for them."""

import numpy as np
import pytest

from course_lib import show
from course_lib.errors import InputError
from course_lib.show import widgets


def square(grey: int = 0, side: int = 8):
    return show.pictures([np.full((side, side), grey, dtype=np.uint8)])


def test_moving_a_slider_changes_the_picture_and_back():
    panel, sliders = show.explorer(square, grey=(0, 200))
    picture = panel.children[-1]
    assert sliders["grey"].value == 100
    first = bytes(picture.value)
    sliders["grey"].value = 200
    assert bytes(picture.value)[:4] == b"\x89PNG" and picture.value != first
    sliders["grey"].value = 100
    assert picture.value == first


def test_an_error_shows_as_a_sentence_in_place_of_the_picture():
    def draw(side):
        if side == 3:
            raise InputError("side is 3 <px>: take another")
        return square(side=side)

    panel, sliders = show.explorer(draw, side=(2, 6))
    trouble, picture = panel.children[-2:]
    sliders["side"].value = 3
    assert trouble.value == "<p>side is 3 &lt;px&gt;: take another</p>"
    assert picture.layout.display == "none"
    sliders["side"].value = 5
    assert trouble.value == "" and picture.layout.display != "none"


def test_an_error_at_the_first_value_fails_the_cell():
    with pytest.raises(ZeroDivisionError):
        show.explore(lambda k: 1 / 0, alt="Nothing can be seen", k=(0, 2))


@pytest.mark.parametrize("given, kind, values", [
    ((0, 4), "IntSlider", [0, 2, 4]),
    ((1, 8), "IntSlider", [1, 4, 8]),
    ((1, 2), "IntSlider", [1, 2]),
    ((0.0, 1.0), "FloatSlider", [0.0, 0.5, 1.0]),
    ((0, 1, 0.25), "FloatSlider", [0, 0.5, 1]),
    ((0, 10, 4), "IntSlider", [0, 4, 8]),
    (["paint", "photo"], "SelectionSlider", ["paint", "photo"]),
    ([7], "SelectionSlider", [7]),
])
def test_sliders_and_their_three_values(given, kind, values):
    handle = widgets.slider("k", given)
    assert type(handle).__name__ == kind
    assert widgets.three("k", given) == pytest.approx(values) if kind != (
        "SelectionSlider") else widgets.three("k", given) == values
    assert handle.value == pytest.approx(values[len(values) // 2])


@pytest.mark.parametrize("given", [3, (1,), (4, 1), ("a", "b"), (1, 2, 3, 4), []])
def test_a_wrong_range_is_one_sentence(given):
    with pytest.raises(InputError, match="k"):
        widgets.slider("k", given)


def test_the_static_row_holds_the_three_figures():
    row = np.asarray(widgets.static_row(square, grey=(0, 200)))
    middle = row[row.shape[0] // 2]  # (W, 3)
    assert {0, 100, 200} <= set(middle[:, 0].tolist())


def test_wide_figures_are_stacked():
    def wide(k):
        return show.pictures([np.zeros((8, 8), dtype=np.uint8)] * 3)

    row = widgets.static_row(wide, k=(0, 2))
    assert row.height > row.width / 2


def test_explore_without_a_slider_is_refused():
    with pytest.raises(InputError, match="has no slider"):
        show.explore(square, alt="A grey square")
