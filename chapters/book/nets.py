"""The page whose nets run in the browser: its figures, its weights, its runtime."""

import json
import shutil
from pathlib import Path
from string import Template

import runtime

BOOK = Path(__file__).resolve().parent
ROOT = BOOK.parent.parent
WEIGHTS = ROOT / "course_lib" / "weights"


def lay_nets(target: Path) -> None:
    """Write the page, and beside its script the weights and, if there, the runtime."""
    page = Template((BOOK / "nets.md").read_text(encoding="utf-8"))
    (target / "nets.md").write_text(page.substitute(figures()), encoding="utf-8")
    folder = target / "static" / "nets"
    for net in json.loads((folder / "nets.json").read_text()).values():
        shutil.copy(WEIGHTS / net["weights"], folder)
    if not runtime.FOLDER.is_dir():
        print("no runtime for the page of the nets; with npm: make book-setup book")
        return
    for name in runtime.FILES:
        shutil.copy(runtime.FOLDER / name, folder)


def figures() -> dict[str, str]:
    """What the page says of the two nets, from their kept cards."""
    camvid, harbour = card("dilated_fpn_camvid"), card("yolo_harbour")
    ious = camvid["class_iou"]
    shares = {
        "miou": camvid["mean_iou"],
        "worst_iou": min(ious.values()),
        "best_iou": max(ious.values()),
        "ap50": harbour["ap50"],
        "ap": harbour["ap"],
    }
    return {
        **{name: f"{100 * share:.1f}" for name, share in shares.items()},
        "worst": min(ious, key=ious.get),
        "best": max(ious, key=ious.get),
        "test_camvid": camvid["num_pictures"],
        "test_harbour": harbour["num_pictures"],
        "train_harbour": harbour["train_pictures"],
        "minutes_camvid": round(camvid["minutes"]),
        "minutes_harbour": round(harbour["minutes"]),
    }


def card(name: str) -> dict:
    """One of the kept result cards."""
    path = ROOT / "chapters" / "results" / f"{name}.json"
    return json.loads(path.read_text())
