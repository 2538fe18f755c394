"""Tables of networks: one recipe for all, equal steps or equal time, several seeds.

Every training leaves its checkpoint and its ``result.json`` in a folder of its own
under ``runs/compare``; what is there is not trained again, and a training that was
stopped goes on. The kept card is put together from the results there are.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import Dataset

from course_lib.data.opening import open_dataset
from course_lib.errors import InputError
from course_lib.models import build
from course_lib.training.checkpoint import load_net
from course_lib.training.curve import TurnedHarbour
from course_lib.training.loop import train
from course_lib.training.measures import measured
from course_lib.training.recipe import Recipe
from course_lib.training.stream import Cached
from course_lib.training.tables import Entry, Table, plan
from course_lib.whole import write_whole

RUNS = Path("runs") / "compare"


def folder(table: Table, column: str, seed: int, entry: Entry) -> Path:
    """Where a training leaves its checkpoint and its result."""
    place = RUNS / table.dataset / column.replace(" ", "_")
    return place / f"{entry.key}-seed{seed}"


def training_set(table: Table, data: Path | None = None) -> Dataset:
    """The pictures to train on; of the harbour with masts of all widths, all contexts.

    Kept in memory once they were read or drawn.
    """
    if table.dataset == "harbour":
        context = (0, 0.25, 0.5, 0.75, 1)
        return Cached(TurnedHarbour(context=context, thin=range(1, 9)))
    return Cached(open_dataset(table.dataset, "train", data))


def recipe_of(
    table: Table, column: str, seed: int, entry: Entry, precision: str
) -> Recipe:
    """How a network is trained; equal time needs a run of equal steps before it."""
    length = table.lengths[column]
    if "cpu_seconds" in length:
        length = in_proportion(length["cpu_seconds"] / step_seconds(table, entry))
    fixed = {"precision": precision, "seed": seed}
    return Recipe(
        entry.model, entry.options, **table.recipe | length | entry.recipe | fixed
    )


def in_proportion(steps: float) -> dict:
    """A run of so many steps whose warm-up and average take the usual shares of it.

    An eighth and a quarter: of 800 steps, 100 and 200, which are the defaults.
    """
    steps = round(steps)
    return {
        "steps": steps,
        "warmup_iters": max(1, steps // 8),
        "average": max(0.0, 1 - 4 / steps),
    }


def step_seconds(table: Table, entry: Entry) -> float:
    """Processor seconds of a step, in the fastest of the runs of equal steps.

    Processor time does not count while another program has the processor; the
    fastest run is the one that neighbours slowed least.
    """
    place = folder(table, "equal steps", 0, entry).parent
    files = list(place.glob(f"{entry.key}-seed*/result.json"))
    if not files:
        raise InputError(f"{entry.net} has no run of equal steps; train those first")
    results = [json.loads(file.read_text()) for file in files]
    return min(each["cpu_seconds"] / each["steps"] for each in results)


def train_one(
    table: Table,
    column: str,
    seed: int,
    entry: Entry,
    train_set: Dataset,
    test_set: Dataset,
    precision: str,
    say: Callable[[str], None] = print,
) -> dict:
    """Train and measure a network, or give the result that its folder holds."""
    place = folder(table, column, seed, entry)
    file = place / "result.json"
    if file.is_file():
        return json.loads(file.read_text())
    recipe = recipe_of(table, column, seed, entry, precision)
    resume = (place / "last.pt").is_file()
    cpu, done = time.process_time(), 0
    if resume:
        done = torch.load(place / "last.pt", weights_only=True)["step"]
    run = train(recipe, train_set, folder=place, resume=resume, say=say)
    here = time.process_time() - cpu  # of the steps made here; all take as long
    if run.step == done:
        here, done = run.seconds, 0
    result = {
        "steps": run.step,
        "cpu_seconds": round(here * run.step / (run.step - done), 1),
        "last_loss": round(run.recent_loss(), 4),
        **measured(run.net, test_set, table.thin_class),
        "recipe": recipe.as_dict(),
    }
    write_whole(file, json.dumps(result, indent=1).encode())
    return json.loads(file.read_text())


def net_of(table: Table, column: str, seed: int, entry: Entry) -> nn.Module:
    """The trained network of a run, ready to predict."""
    return load_net(folder(table, column, seed, entry) / "last.pt")[0]


def rows(table: Table, seeds: list[int], size: tuple[int, int]) -> list[dict]:
    """The rows of the card, from the results that there are.

    Args:
        table: whose.
        seeds: to look for.
        size: (H, W) for which operations are counted.

    Returns:
        For every network ``{"net", "model", "options", "params", "flops", "runs":
        {column: {seed: result}}}``, or ``{"net", "status": "not trained"}``.
    """
    found = []
    for entry in table.entries:
        runs = {}
        for column, seed, _ in plan(table, seeds):
            file = folder(table, column, seed, entry) / "result.json"
            if file.is_file():
                result = json.loads(file.read_text())
                del result["recipe"]
                result.pop("seconds", None)  # of the wall clock
                runs.setdefault(column, {})[str(seed)] = result
        if runs:
            found.append(describe(table, entry, size) | {"runs": runs})
        else:
            found.append({"net": entry.net, "status": "not trained"})
    return found + [{"net": n, "status": "not trained"} for n in table.not_trained]


def describe(table: Table, entry: Entry, size: tuple[int, int]) -> dict:
    """What is known of a network before it is trained."""
    from torch.utils.flop_counter import FlopCounterMode

    from course_lib.data.classes import class_table

    classes = class_table(table.dataset).num_classes
    net = build(entry.model, classes, **entry.options).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.zeros(1, 3, *size))
    return {
        "net": entry.net,
        "model": entry.model,
        "options": entry.options,
        "recipe": entry.recipe,
        "params": sum(p.numel() for p in net.parameters()),
        "flops": counter.get_total_flops(),
        "shipped": f"{entry.model}_{table.dataset}" if entry.shipped else None,
    }


def summary(card: dict, column: str, figures: tuple[str, ...] = ("mean_iou",)) -> list:
    """Rows for ``show.card_table``: mean over the seeds, with lowest and highest.

    Args:
        card: a table card, from ``read_card``.
        column: "equal steps", "equal time" or "30 epochs".
        figures: keys of a result, such as ``"class_iou.mast"``.

    Returns:
        For every trained network ``{"net", "params", "flops", "steps", figure: text}``.
    """
    from course_lib.show.cards import find

    found = []
    for row in card["rows"]:
        runs = list(row.get("runs", {}).get(column, {}).values())
        if runs:
            known = {key: row[key] for key in ("net", "params", "flops")}
            known["steps"] = runs[0]["steps"]
            scores = {f: spread([find(run, f) for run in runs]) for f in figures}
            found.append(known | scores)
    return found


def spread(values: list[float]) -> str:
    """Mean of some scores in per cent, and how far they reach: "61.2 (60.8-61.9)"."""
    mean = f"{100 * sum(values) / len(values):.1f}"
    if len(values) == 1:
        return mean
    return f"{mean} ({100 * min(values):.1f}-{100 * max(values):.1f})"
