"""The kept result cards as tables, one page."""

import json
from pathlib import Path

HEAD = """# Measured

Every figure of the course is a card in `chapters/results`: what was measured, on which
pictures, with which recipe, seed and hardware, and the command that measures it again.
Scores are in per cent. A card's name leads to the whole of it.
"""
SEGMENTATION = {
    "net": "name",
    "data": "dataset",
    "pictures": "num_pictures",
    "mean IoU": "mean_iou",
    "pixel accuracy": "pixel_accuracy",
    "seed": "seed",
    "steps": "steps",
    "minutes": "minutes",
}
DETECTION = {
    "detector": "name",
    "data": "dataset",
    "pictures": "num_pictures",
    "AP": "ap",
    "AP50": "ap50",
    "mask AP": "mask_ap",
    "mask AP50": "mask_ap50",
    "minutes": "minutes",
}
CURVES = {
    "curve": "name",
    "data": "dataset",
    "pictures": "num_pictures",
    "dial": "dial",
    "score": "score",
    "lines": "methods",
}
OTHERS = {"card": "name", "data": "dataset", "pictures": "num_pictures"}
SHARES = {"mean_iou", "pixel_accuracy", "ap", "ap50", "mask_ap", "mask_ap50"}


def results_page(folder: Path, repository: str) -> str:
    """The page, with every card of a folder in one of its tables."""
    cards = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    kinds = {"Segmentation": [], "Detection": [], "Failure curves": [], "Others": []}
    for card in cards:
        kinds[kind_of(card)].append(card)
    columns = [SEGMENTATION, DETECTION, CURVES, OTHERS]
    parts = [HEAD]
    for (title, rows), heads in zip(kinds.items(), columns, strict=True):
        commands = {**heads, "measured again by": "command"}
        parts += [f"## {title}\n", table(rows, commands, repository)]
    return "\n".join(parts)


def kind_of(card: dict) -> str:
    """Which table a card belongs to."""
    if "methods" in card:
        return "Failure curves"
    if "mean_iou" in card:
        return "Segmentation"
    return "Detection" if "ap" in card else "Others"


def table(cards: list[dict], columns: dict[str, str], repository: str) -> str:
    """Markdown of one table."""
    lines = [row(columns), row(["---"] * len(columns))]
    for card in cards:
        cells = [cell(card, key) for key in columns.values()]
        address = f"{repository}/blob/main/chapters/results/{card['name']}.json"
        lines.append(row([f"[{cells[0]}]({address})", *cells[1:]]))
    return "\n".join(lines) + "\n"


def row(cells) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def cell(card: dict, key: str) -> str:
    """One value of a card as text."""
    value = card.get(key)
    if value is None:
        return ""
    if key in SHARES:
        return f"{100 * value:.1f}"
    if key == "command":
        return f"`{value}`"
    if isinstance(value, dict):
        return ", ".join(value)
    text = f"{value:.1f}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("_", "\\_")
