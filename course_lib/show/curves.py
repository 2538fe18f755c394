"""The failure curve: how a score falls while a dial is turned."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from course_lib.errors import InputError
from course_lib.show.style import COLOURS, GREY, MARKERS

KEYS = ("dial", "values", "score", "methods")


def failure_curve(card: dict) -> Figure:
    """Draw score against dial, one line for each method, with its spread over seeds.

    Args:
        card: ``{"dial": "thin", "unit": "px", "values": [1, 2, 4], "score":
            "IoU of mast", "methods": {"FCN-32s": {"0": [.1, .2, .5], ...}}}``:
            for every method and seed, one score for each value of the dial. Where
            something else than seeds varies, ``"bars"`` names it.

    The line joins the means; the bars reach from the lowest to the highest seed.

    Raises:
        InputError: if the card lacks a key, or scores and values differ in number.

    Taught in chapters/02_fcn_conversion.
    """
    curves = scores(card)
    values = np.asarray(card["values"], dtype=float)  # (V,)
    fig = Figure(figsize=(6.8, 3.9), layout="constrained")
    ax = fig.subplots()
    for i, (name, points) in enumerate(curves.items()):
        _line(ax, values, points, name, i)
    unit = f" ({card['unit']})" if card.get("unit") else ""
    seeds = sorted({len(points) for points in curves.values()})
    ax.set(xlabel=f"{card['dial']}{unit}", title=card["score"], xticks=values)
    ax.set_xticklabels([f"{value:g}" for value in values])
    ax.grid(visible=False, axis="x")
    highest = max(np.nanmax(points) for points in curves.values())
    if highest <= 1:
        ax.set_ylim(0, 1.02 if highest > 0.75 else highest * 1.25 + 1e-3)
    if seeds[-1] > 1:
        what = card.get("bars", f"{seeds[-1]} seeds")
        _say_bars(ax, f"bars: lowest and highest of {what}", card["score"])
    _name_lines(ax, values, curves)
    return fig


def scores(card: dict) -> dict[str, np.ndarray]:
    """The scores of a curve card: for every method (seeds, values)."""
    missing = [key for key in KEYS if key not in card]
    if missing:
        raise InputError(f"the curve card lacks {', '.join(missing)}: measure it "
                         "again with python -m course_lib curve")
    if not card["methods"]:
        raise InputError("the curve card holds no method: measure one with "
                         "python -m course_lib curve")
    curves = {}
    for name, seeds in card["methods"].items():
        rows = [np.asarray(row, dtype=float) for row in seeds.values()]
        if not rows or any(row.shape != (len(card["values"]),) for row in rows):
            raise InputError(f"method {name} needs {len(card['values'])} scores for "
                             f"each seed, one for each value of {card['dial']}")
        curves[name] = np.stack(rows)  # (S, V)
    return curves


def _line(ax, values: np.ndarray, points: np.ndarray, name: str, i: int) -> None:
    mean = points.mean(axis=0)  # (V,)
    bars = np.stack([mean - points.min(axis=0), points.max(axis=0) - mean])  # (2, V)
    ax.errorbar(values, mean, yerr=bars if len(points) > 1 else None, label=name,
                color=COLOURS[i % len(COLOURS)], marker=MARKERS[i % len(MARKERS)],
                markeredgecolor="white", markeredgewidth=0.8, capsize=3,
                elinewidth=1.2, clip_on=False, zorder=3)


def _say_bars(ax, note: str, title: str) -> None:
    """What the bars are: beside the title, or below the axes where that is long."""
    if 0.088 * len(title) + 0.063 * len(note) < 4.9:  # inches, about
        ax.set_title(note, loc="right", fontsize=8.5, color=GREY)
    else:
        ax.annotate(note, (1, 0), (0, -40), xycoords="axes fraction", ha="right",
                    textcoords="offset points", fontsize=8.5, color=GREY,
                    annotation_clip=False)


def _name_lines(ax, values: np.ndarray, curves: dict[str, np.ndarray]) -> None:
    low, high = ax.get_ylim()
    ends = {name: points.mean(axis=0)[-1] for name, points in curves.items()}
    places = spread(list(ends.values()), (high - low) * 0.075)
    for i, (name, place) in enumerate(zip(ends, places, strict=True)):
        ax.annotate(name, (values[-1], place), (11, 0), va="center",
                    textcoords="offset points", color=COLOURS[i % len(COLOURS)],
                    fontweight="bold", fontsize=10, annotation_clip=False)


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Move labels apart until they are ``gap`` apart, keeping order and centre."""
    order = np.argsort(places, kind="stable")
    moved = np.asarray(places, dtype=float)
    for _ in range(100):
        below, above = moved[order[:-1]], moved[order[1:]]
        short = np.maximum(gap - (above - below), 0) / 2
        if not short.max(initial=0) > 1e-6 * gap:
            break
        moved[order[:-1]] -= short
        moved[order[1:]] += short
    return moved.tolist()
