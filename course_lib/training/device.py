"""Where a network runs, with how many threads and in which precision."""

import os
import time

import torch
import torch.nn.functional as F

from course_lib.errors import InputError


def pick_device(name: str = "auto") -> torch.device:
    """The device called ``name``: "auto" takes CUDA, then Apple's MPS, then CPU.

    ``COURSE_DEVICE`` overrides "auto". Raises InputError for a device that this
    machine lacks.
    """
    if name == "auto":
        name = os.environ.get("COURSE_DEVICE") or _best()
    kind = name.split(":")[0]
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not there.get(kind, False):
        have = ", ".join(k for k, ok in there.items() if ok)
        raise InputError(f"device {name!r} is not on this machine; it has {have}")
    return torch.device(name)


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def use_threads(count: int | None) -> int:
    """Let torch use ``count`` threads (None: all cores) and return that number.

    Results of training are bit-equal only between runs of one thread count.
    """
    count = count or len(os.sched_getaffinity(0) if _has_affinity() else range(_cpus()))
    torch.set_num_threads(count)
    return count


def _has_affinity() -> bool:
    return hasattr(os, "sched_getaffinity")  # not on macOS and Windows


def _cpus() -> int:
    return os.cpu_count() or 1


def pick_precision(name: str, device: torch.device) -> str:
    """"float32" or "bfloat16"; "auto" times one convolution in each, keeps the faster.

    Processors with bfloat16 matrix units gain about 2.5x, others lose, and no
    list of processor names says it as well as half a second of trying.
    """
    if name not in ("auto", "float32", "bfloat16"):
        raise InputError(f"precision {name!r}: use auto, float32 or bfloat16")
    if name != "auto":
        return name
    if device.type != "cpu":
        return "bfloat16" if device.type == "cuda" else "float32"
    seconds = {p: _time_convolution(p) for p in ("float32", "bfloat16")}
    return "bfloat16" if seconds["bfloat16"] < 0.8 * seconds["float32"] else "float32"


def _time_convolution(precision: str) -> float:
    x = torch.ones(4, 64, 64, 64).to(memory_format=torch.channels_last)
    weight = torch.ones(64, 64, 3, 3)
    best = float("inf")
    for _ in range(4):  # the first is a warm-up; the fastest tells
        start = time.perf_counter()
        with autocast(precision, torch.device("cpu")), torch.no_grad():
            F.conv2d(x, weight, padding=1)
        best = min(best, time.perf_counter() - start)
    return best


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """The context in which a network's forward pass runs."""
    return torch.autocast(
        device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"
    )
