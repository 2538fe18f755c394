"""Failure curves and tables of result cards."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import show
from course_lib.errors import InputError
from course_lib.show import cards, curves

CURVE = {"dial": "thin", "unit": "px", "values": [1, 2, 4], "score": "IoU of mast",
         "methods": {"old": {"0": [0.0, 0.1, 0.3], "1": [0.1, 0.1, 0.5]},
                     "new": {"0": [0.4, 0.5, 0.4], "1": [0.4, 0.7, 0.4]}}}
CARD = {"name": "fcn_32s", "dataset": "harbour", "num_pictures": 200,
        "mean_iou": 0.53149, "minutes": 12.34, "class_iou": {"mast": 0.1, "sky": 0.9}}


def test_the_line_joins_the_means_and_the_bars_reach_the_outer_seeds():
    seeds = {**CURVE["methods"]["old"], "2": [0.05, 0.1, 0.4]}
    skewed = {**seeds, "3": [0.05, 0.1, 0.4]}
    [ax] = show.failure_curve({**CURVE, "methods": {"old": skewed}}).axes
    line, *_ = ax.containers[0]
    assert line.get_xdata().tolist() == [1, 2, 4]
    np.testing.assert_allclose(line.get_ydata(), [0.05, 0.1, 0.4])
    [bars] = ax.containers[0][2]
    ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
    np.testing.assert_allclose(ends, [[0.0, 0.1], [0.1, 0.1], [0.3, 0.5]])


def test_lines_are_named_and_differ_by_more_than_colour():
    [ax] = show.failure_curve(CURVE).axes
    assert [text.get_text() for text in ax.texts] == ["old", "new"]
    markers = {container[0].get_marker() for container in ax.containers}
    assert len(markers) == 2
    assert ax.get_xlabel() == "thin (px)"
    assert "lowest and highest of 2 seeds" in ax.get_title(loc="right")


def test_names_that_end_together_are_moved_apart():
    [ax] = show.failure_curve(CURVE).axes
    heights = [text.xy[1] for text in ax.texts]  # both lines end at 0.4
    low, high = ax.get_ylim()
    assert abs(heights[0] - heights[1]) >= 0.07 * (high - low)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.floats(0.01, 0.2))
def test_spread_keeps_order_and_centre(places, gap):
    moved = np.asarray(curves.spread(places, gap))
    order = np.argsort(places, kind="stable")
    assert (np.diff(moved[order]) >= gap * 0.9).all()
    assert moved.mean() == pytest.approx(np.mean(places), abs=1e-9)


@pytest.mark.parametrize("change, words", [
    ({"methods": {"old": {"0": [0.1, 0.2]}}}, "old needs 3 scores"),
    ({"methods": {}}, "no method"),
    ({"values": None}, "lacks values"),
])
def test_a_broken_card_is_one_sentence(change, words):
    card = {k: v for k, v in {**CURVE, **change}.items() if v is not None}
    with pytest.raises(InputError, match=words):
        show.failure_curve(card)


def test_a_table_has_a_row_for_each_card_and_fixed_digits():
    lines = cards.table([CARD, {**CARD, "name": "a|b", "mean_iou": None}]).split("\n")
    assert lines == [
        "| model | data | pictures | mean IoU |",
        "| --- | --- | ---: | ---: |",
        "| fcn\\_32s | harbour | 200 | 0.531 |",
        "| a\\|b | harbour | 200 | – |",
    ]


def test_columns_can_be_chosen_renamed_and_go_deeper():
    assert cards.table(CARD, ["minutes", "class_iou.mast"]).split("\n")[::2] == [
        "| minutes | IoU of mast |", "| 12.3 | 0.100 |"]
    assert cards.table(CARD, {"mean_iou": "mIoU"}).startswith("| mIoU |")


def test_an_unknown_column_lists_the_known():
    with pytest.raises(InputError, match="no card has 'miou'.*mean_iou"):
        cards.table(CARD, ["miou"])


@pytest.mark.parametrize("score, below", [("mIoU", 0), ("mask AP50 of all boats", 1)])
def test_what_the_bars_are_never_runs_into_the_title(score, below):
    card = {"dial": "d", "values": [0, 1], "score": score, "bars": 30 * "x",
            "methods": {"A": {"0": [0.1, 0.2], "1": [0.2, 0.3]}}}
    [ax] = show.failure_curve(card).axes
    told = [text.get_text() for text in ax.texts if "bars:" in text.get_text()]
    assert len(told) == below and bool(ax.get_title(loc="right")) == (not below)
