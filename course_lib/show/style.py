"""The house style of every figure: white face, legible text, safe colours.

The colours are those of Okabe and Ito (Color Universal Design, 2008) without
the yellow, which vanishes on white: they stay apart for colour-blind readers.
Lines also differ by marker, so that nothing hangs on colour alone.
"""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
INK, GREY, RULE = "#22262B", "#6B7075", "#DDE0E3"

SETTINGS = {
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.facecolor": "white",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is everywhere
    "font.size": 10.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#9AA0A6",
    "axes.linewidth": 0.8,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "axes.titlepad": 6.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "xtick.color": "#9AA0A6",
    "ytick.color": "#9AA0A6",
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 2.0,
    "lines.markersize": 6.5,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "image.cmap": "viridis",
}


def use_style() -> None:
    """Set the house style for every figure made from here on.

    Called by ``course_lib.teaching.setup``; it changes ``matplotlib.rcParams``
    only. Taught in chapters/00_start_here.
    """
    import matplotlib
    from cycler import cycler

    cycle = cycler(color=COLOURS) + cycler(marker=MARKERS)
    matplotlib.rcParams.update(SETTINGS)
    matplotlib.rcParams["axes.prop_cycle"] = cycle
