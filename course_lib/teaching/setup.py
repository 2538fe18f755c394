"""The set-up of a notebook: seeds, one thread, determinism, plot style, floors."""

import os
import random
import re
from importlib import metadata

from course_lib.errors import InputError

# The oldest versions a chapter runs on; a test holds them equal to pyproject.
FLOORS = {
    "torch": "2.4",
    "torchvision": "0.19",
    "numpy": "2.0",
    "matplotlib": "3.9",
    "ipywidgets": "7.7.1",
    "scikit-image": "0.24",
    "pillow": "11.1",
    "pooch": "1.8",
}


def setup(seed: int = 0) -> None:
    """Make a notebook repeatable; prints nothing when all is well.

    Seeds ``random``, NumPy and torch, gives torch one thread, asks for
    deterministic algorithms (strictly on a machine without accelerator, with a
    warning elsewhere) and sets the plot style of the course.

    Raises:
        InputError: if an installed package is older than its floor.

    Taught in chapters/00_start_here.
    """
    from course_lib.show.style import use_style

    check_floors()
    seed_everything(seed)
    make_deterministic()
    use_style()


def check_floors() -> None:
    """Refuse packages that are missing or too old, in one sentence."""
    for name, floor in FLOORS.items():
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            raise InputError(
                f"the package {name} is missing; install {name}>={floor}"
            ) from None
        if numbers(found) < numbers(floor):
            raise InputError(
                f"{name} is {found}, the course needs {floor} or newer; "
                f"install {name}>={floor}"
            )


def numbers(version: str) -> tuple[int, ...]:
    """Turn ``"2.13.0+cpu"`` into (2, 13, 0)."""
    return tuple(int(n) for n in re.match(r"\d+(\.\d+)*", version)[0].split("."))


def seed_everything(seed: int) -> None:
    """Seed the three generators a chapter draws from."""
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def make_deterministic() -> None:
    """One torch thread and deterministic algorithms."""
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    accelerated = torch.cuda.is_available() or torch.backends.mps.is_available()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=accelerated)
    torch.backends.cudnn.benchmark = False
