"""Figures and widgets of the chapters.

``from course_lib.show import show, pictures, explore``: every name below is
imported when it is first used, so that ``import course_lib`` stays light.
"""

from importlib import import_module

WHERE = {
    "use_style": "style", "COLOURS": "style", "MARKERS": "style",
    "show": "figures", "display_sheet": "figures", "to_png": "figures",
    "summary": "figures",
    "pictures": "panels", "as_picture": "panels", "grid": "panels",
    "draw": "panels",
    "colourise": "labels", "overlay": "labels", "legend": "labels",
    "present_ids": "labels", "label_figure": "labels", "box_figure": "labels",
    "draw_detections": "detections",
    "commonest": "answers", "paint": "answers",
    "explore": "widgets", "explorer": "widgets", "browse": "browser",
    "failure_curve": "curves",
    "card_table": "cards",
}
__all__ = sorted(WHERE)


def __getattr__(name: str):
    """Import a name from its module on first use."""
    if name not in WHERE:
        raise AttributeError(f"course_lib.show has no {name!r}; it has "
                             f"{', '.join(__all__)}")
    return getattr(import_module(f"course_lib.show.{WHERE[name]}"), name)
