"""``make bench`` keeps what it measured as a card."""

import json

import torch

from course_lib.paths import results_dir
from course_lib.training.cards import commit, hardware
from course_lib.training.checkpoint import versions, write_whole


def pytest_benchmark_update_json(config, benchmarks, output_json):
    """Write chapters/results/benchmarks.json: medians, and ratios within a group."""
    groups = {}
    for result in output_json["benchmarks"]:
        group = groups.setdefault(result["group"] or result["name"], {})
        group[result["name"]] = {
            "median_seconds": float(f"{result['stats']['median']:.3g}"),
            "rounds": result["stats"]["rounds"],
            **result["extra_info"],
        }
    for group in groups.values():
        fastest = min(entry["median_seconds"] for entry in group.values())
        for entry in group.values():
            entry["times_the_fastest"] = round(entry["median_seconds"] / fastest, 2)
    card = {
        "name": "benchmarks",
        "groups": groups,
        "hardware": hardware(),
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "commit": commit(),
        "command": "make bench",
    }
    text = json.dumps(card, indent=1) + "\n"
    write_whole(results_dir() / "benchmarks.json", text.encode())
