"""Where the course keeps what it has measured and where real data lies."""

import os
from pathlib import Path

LIBRARY = Path(__file__).resolve().parent


def results_dir() -> Path:
    """Folder of the kept result cards, ``chapters/results``."""
    return LIBRARY.parent / "chapters" / "results"


def weights_dir() -> Path:
    """Folder of the shipped weights."""
    return LIBRARY / "weights"


def data_dir() -> Path | None:
    """Folder of real data named by ``COURSE_DATA``, or None when it is unset."""
    folder = os.environ.get("COURSE_DATA", "")
    return Path(folder).expanduser().resolve() if folder else None
