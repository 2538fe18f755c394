"""Result cards as a table on the page."""

from collections.abc import Sequence
from typing import Any

from course_lib.errors import InputError

HEADERS = {
    "name": "model", "dataset": "data", "num_pictures": "pictures",
    "mean_iou": "mean IoU", "mean_iou_without_background": "mean IoU, no background",
    "pixel_accuracy": "pixel accuracy", "mean_accuracy": "mean accuracy",
    "frequency_weighted_iou": "frequency-weighted IoU", "class_iou": "IoU",
}
USUAL = ("name", "dataset", "split", "num_pictures", "void", "mean_iou",
         "pixel_accuracy")


def card_table(cards: dict | str | Sequence[dict | str],
               columns: Sequence[str] | dict[str, str] | None = None) -> None:
    """Display result cards as one table, a row for each card.

    Args:
        cards: result cards, or their names in ``chapters/results``; one or several.
        columns: keys of the cards, or a dict from key to heading. A key may go
            deeper: ``"class_iou.mast"``. By default the usual ones.

    Raises:
        InputError: if no card has a column.

    Taught in chapters/02_fcn_conversion.
    """
    from IPython.display import display

    text = table(cards, columns)
    display({"text/markdown": text, "text/plain": text}, raw=True)


def table(cards: dict | str | Sequence[dict | str],
          columns: Sequence[str] | dict[str, str] | None = None) -> str:
    """Markdown of ``card_table``: scores with three digits, minutes with one."""
    cards = [cards] if isinstance(cards, dict | str) else list(cards)
    cards = [_read(card) if isinstance(card, str) else card for card in cards]
    if columns is None:
        columns = [key for key in USUAL if any(key in card for card in cards)]
    heads = columns if isinstance(columns, dict) else {k: heading(k) for k in columns}
    for key in heads:
        if all(find(card, key) is None for card in cards):
            raise InputError(f"no card has {key!r}; there are "
                             f"{', '.join(sorted({k for c in cards for k in c}))}")
    numbers = [all(isinstance(find(card, key), int | float | None) for card in cards)
               for key in heads]
    rows = [list(heads.values()), [("---:" if n else "---") for n in numbers]]
    rows += [[cell(key, find(card, key)) for key in heads] for card in cards]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def find(card: dict, key: str) -> Any:
    """The value of ``"class_iou.mast"`` in a card, or None."""
    for part in key.split("."):
        card = card.get(part) if isinstance(card, dict) else None
    return card


def heading(key: str) -> str:
    """``"class_iou.mast"`` as a reader says it: IoU of mast."""
    first, _, rest = key.partition(".")
    word = HEADERS.get(first, first.replace("_", " "))
    return f"{word} of {rest}" if rest else word


def cell(key: str, value: Any) -> str:
    """One value as text."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.1f}" if "minutes" in key else f"{value:.3f}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value).replace("|", "\\|").replace("_", "\\_")


def _read(name: str) -> dict:
    from course_lib.training.cards import read_card

    return read_card(name)
