"""One frame of an animation: pictures in a row, the dial below, the measured curve."""

import io
from collections.abc import Sequence
from pathlib import Path

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from course_lib.data.classes import HARBOUR
from course_lib.show import use_style
from course_lib.show.figures import few_colours
from course_lib.show.panels import draw
from course_lib.show.style import COLOURS, GREY, INK, MARKERS, RULE
from course_lib.training.cards import read_card

FOLDER = Path(__file__).resolve().parent
WIDE, HIGH, DPI = 8.0, 4.3, 100  # inches, dots an inch
TIMES = 3  # how often it plays before it rests on its last frame
HOLD = 2600  # ms that the last frame stays
LARGEST = {"webp": 300_000, "png": 60_000}


def frame(panels: Sequence, dial: str, value: str, at: float, curve=None) -> Figure:
    """Draw one frame; all frames have the same size.

    Args:
        panels: (picture (3, H, W) uint8, title, line below the title, decorate),
            where ``decorate(axes)`` may be None.
        dial: its name.
        value: as it stands now, in words.
        at: where the knob is, 0 to 1.
        curve: ``curve(axes)`` draws what was measured, or None.
    """
    use_style()
    fig = Figure(figsize=(WIDE, HIGH), dpi=DPI)
    wide = (WIDE - 0.2 * (len(panels) + 1)) / len(panels)  # inches
    for k, (image, title, line, decorate) in enumerate(panels):
        left = 0.2 + k * (wide + 0.2)
        ax = fig.add_axes([left / WIDE, 1.75 / HIGH, wide / WIDE, 1.95 / HIGH])
        ax.set_anchor("N")
        draw(ax, image)
        fig.text(left / WIDE, 4.02 / HIGH, title, weight="bold", fontsize=11.5)
        fig.text(left / WIDE, 3.80 / HIGH, line, fontsize=10.5)
        if decorate:
            decorate(ax)
    knob(fig, dial, value, at)
    if curve:
        curve(fig.add_axes([3.35 / WIDE, 0.42 / HIGH, 2.6 / WIDE, 1.05 / HIGH]))
    return fig


def knob(fig: Figure, dial: str, value: str, at: float) -> None:
    """The dial at the bottom left: a line, a knob, the value in words."""
    ax = fig.add_axes([0.2 / WIDE, 0.3 / HIGH, 2.4 / WIDE, 1.2 / HIGH])
    ax.set_axis_off()
    ax.set(xlim=(-0.05, 1.05), ylim=(0, 1))
    ax.plot([0, 1], [0.3, 0.3], color=RULE, linewidth=6, marker="", clip_on=False)
    ax.plot([0, at], [0.3, 0.3], color=COLOURS[0], linewidth=6, marker="")
    ax.plot(at, 0.3, marker="o", color=COLOURS[0], markersize=14, clip_on=False)
    ax.text(-0.02, 0.8, dial, color=GREY, fontsize=10.5)
    ax.text(-0.02, 0.52, value, fontsize=13, weight="bold")


def measured(card: str, methods: dict[str, str], at: float, title: str, log=False,
             top: float = 1.0):  # fmt: skip
    """A function that draws the curve of a kept card, with a mark where the dial is.

    Args:
        card: its name in chapters/results.
        methods: method of the card -> its short name here.
        at: value of the dial.
        title: what the scores are.
        log: whether the values stand apart by their ratio.
        top: upper end of the scores.
    """
    kept = read_card(card)

    def on(ax) -> None:
        for k, (method, name) in enumerate(methods.items()):
            sets = torch.tensor(list(kept["methods"][method].values()))
            y = sets.mean(dim=0)
            ax.plot(kept["values"], y, color=COLOURS[k], marker=MARKERS[k],
                    markersize=5, label=name)  # fmt: skip
        ax.axvline(at, color=INK, linewidth=1.2, linestyle=":")
        if log:
            ax.set_xscale("log")
        ax.set_xticks(kept["values"], [f"{v:g}" for v in kept["values"]])
        ax.minorticks_off()
        ax.set(ylim=(0, top))
        ax.set_title(title, fontsize=10)
        ax.tick_params(labelsize=8.5)
        ax.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=9.5)

    return on


def named_bars(ax, names: list[str], scores: dict[str, list[float]], title: str):
    """Bars of a kept card: one for each name and kind of score."""
    tall = 0.75 / len(scores)
    for k, (kind, values) in enumerate(scores.items()):
        for row, value in enumerate(values):
            y = row + tall * (k - (len(scores) - 1) / 2)
            ax.barh(y, value, 0.9 * tall, color=COLOURS[k])
            ax.text(value + 0.01, y, f"{value:.2f}", va="center", fontsize=8.5)
        ax.text(1.08, 0.75 - 0.3 * k, kind, color=COLOURS[k], weight="bold",
                transform=ax.transAxes)  # fmt: skip
    highest = max(max(values) for values in scores.values())
    ax.set(yticks=range(len(names)), yticklabels=names, xticks=[],
           ylim=(len(names) - 0.4, -0.6), xlim=(0, 1.25 * highest))  # fmt: skip
    ax.grid(visible=False)
    ax.set_title(title, fontsize=10)


def class_names(ax) -> None:
    """The colours of the classes, with their names."""
    ax.set_axis_off()
    colours = HARBOUR.colour_map()[:12] / 255
    for k, name in enumerate(HARBOUR.names):
        x, y = k % 4 * 0.42 - 0.1, 0.9 - k // 4 * 0.33
        ax.text(x, y, "\u25a0", color=colours[k].tolist(), fontsize=14, va="center")
        ax.text(x + 0.07, y, name, fontsize=9.5, va="center")
    ax.set(xlim=(0, 1), ylim=(0, 1))


def outline(boxes, colour: str, style: str = "-"):
    """A function that draws boxes (N, 4), xyxy in pixels, on axes."""

    def on(ax) -> None:
        for x, y, x2, y2 in boxes:
            ax.add_patch(Rectangle((x, y), x2 - x, y2 - y, fill=False, linewidth=1.6,
                                   edgecolor=colour, linestyle=style))  # fmt: skip

    return on


def save(number: str, figures: Sequence[Figure], milliseconds: Sequence[int]) -> None:
    """Write the animation and its poster, the last frame; refuse large ones."""
    sheets = [picture_of(fig) for fig in figures]
    pause = [*milliseconds[:-1], HOLD]
    film = FOLDER / f"{number}.webp"
    sheets[0].save(film, save_all=True, append_images=sheets[1:], duration=pause,
                   loop=TIMES, quality=72, method=6, minimize_size=True)  # fmt: skip
    poster = FOLDER / f"{number}.png"
    few_colours(sheets[-1], 128).save(poster, optimize=True)
    for path in (film, poster):
        size = path.stat().st_size
        print(f"{path.name}: {size / 1000:.0f} kB, {len(sheets)} frames")
        if size >= LARGEST[path.suffix[1:]]:
            raise SystemExit(f"{path.name} is too large: fewer or simpler frames")


def picture_of(fig: Figure) -> Image.Image:
    """The pixels of a frame."""
    file = io.BytesIO()
    fig.savefig(file, format="png", dpi=DPI)
    return Image.open(file).convert("RGB")
