"""``make bench`` keeps what it measured as cards, one for each topic."""

import json
from pathlib import Path

import torch

from course_lib.paths import results_dir
from course_lib.training.cards import commit, hardware
from course_lib.training.checkpoint import versions
from course_lib.whole import write_whole

# File of benchmarks -> card; a card holds all that its files measure, so run these
# together. Files that are not named here share the card "benchmarks".
TOPICS = {
    "bench_average_precision": "benchmarks_detection",
    "bench_darknet": "benchmarks_detection",
    "bench_checker": "benchmarks_checker",
    "bench_records": "benchmarks_records",
}


def pytest_benchmark_update_json(config, benchmarks, output_json):
    """Write the cards of the topics that were run: medians, and ratios in a group."""
    cards = {}
    for result in output_json["benchmarks"]:
        topic = TOPICS.get(Path(result["fullname"].split("::")[0]).stem, "benchmarks")
        groups = cards.setdefault(topic, {})
        group = groups.setdefault(result["group"] or result["name"], {})
        group[result["name"]] = {
            "median_seconds": float(f"{result['stats']['median']:.3g}"),
            "rounds": result["stats"]["rounds"],
            **result["extra_info"],
        }
    for name, groups in cards.items():
        write_whole(results_dir() / f"{name}.json", card(name, groups).encode())


def card(name: str, groups: dict) -> str:
    """The text of a card; each entry with its ratio to the fastest of its group."""
    for group in groups.values():
        fastest = min(entry["median_seconds"] for entry in group.values())
        for entry in group.values():
            entry["times_the_fastest"] = round(entry["median_seconds"] / fastest, 2)
    about = {
        "name": name,
        "groups": groups,
        "hardware": hardware(),
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "commit": commit(),
        "command": command(name),
    }
    return json.dumps(about, indent=1) + "\n"


def command(name: str) -> str:
    """What measures a card again."""
    files = [f"tests/benchmarks/{f}.py" for f, topic in TOPICS.items() if topic == name]
    if not files:
        return "make bench"
    return f'COURSE_DATA=folder make bench BENCH="{" ".join(files)}"'
