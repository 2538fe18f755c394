"""The harbour on disk, in the layouts that readers of real data sets expect."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from course_lib.data.harbour.dataset import Harbour
from course_lib.data.harbour.layouts import LAYOUTS
from course_lib.errors import InputError
from course_lib.whole import told_disk, whole_folder


def export(dataset: Harbour, folder: str | Path, layout: str = "voc") -> Path:
    """Write every picture of ``dataset`` in one of the layouts.

    Args:
        dataset: the split to write.
        folder: where to; made when missing, other splits in it are left alone.
        layout: a name in ``course_lib.data.harbour.layouts.LAYOUTS``.

    Returns:
        The folder.

    Raises:
        InputError: for an unknown layout, and a disk that is full or cannot be written.
            A new folder appears whole or not at all; a split that was cut off beside
            others is made whole by exporting it again.

    Taught in chapters/01_pixels_and_labels.
    """
    if layout not in LAYOUTS:
        raise InputError(f"no layout {layout!r}; choose from {', '.join(LAYOUTS)}")
    how = import_module(f"course_lib.data.harbour.layouts.{layout}")
    folder = Path(folder)
    with whole_folder(folder) if not folder.exists() else told_disk(folder) as root:
        _write(how, dataset, root or folder)
    return folder


def _write(how: ModuleType, dataset: Harbour, root: Path) -> None:
    split = dataset.split
    lines = [
        how.write(dataset.file(i), split, dataset.scene(i), root)
        for i in range(len(dataset))
    ]
    if hasattr(how, "finish"):
        how.finish(root, split, lines, dataset)
