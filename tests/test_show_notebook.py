"""What the room shows passes strict nbval: a tiny notebook is run, and run again."""

import base64
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbformat import v4

from course_lib import show
from course_lib.show import figures

ROOT = Path(__file__).resolve().parent.parent
CELLS = [
    "import sys, numpy as np\n"
    f"sys.path.insert(0, {str(ROOT)!r})\n"
    "from course_lib.show import card_table, explore, pictures, show, use_style\n"
    "use_style()",
    "ramp = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5\n"
    "show(pictures([ramp, ramp.T]), alt='A ramp and its transpose', data=ramp)",
    "explore(lambda k: pictures([ramp + 0 * ramp + k]), k=(0, 9),\n"
    "        alt='The ramp at three brightnesses')",
    "card_table({'name': 'tiny', 'mean_iou': 0.5})",
]


def executed(folder: Path) -> nbformat.NotebookNode:
    """The little notebook with its outputs, as the course commits it."""
    notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in CELLS])
    NotebookClient(notebook, timeout=60, kernel_name="python3",
                   resources={"metadata": {"path": str(folder)}}).execute()
    notebook.metadata.pop("widgets", None)
    for output in outputs(notebook):
        output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    return notebook


def outputs(notebook) -> list:
    return [output for cell in notebook.cells for output in cell.outputs]


@pytest.fixture(scope="module")
def notebook(tmp_path_factory) -> nbformat.NotebookNode:
    return executed(tmp_path_factory.mktemp("course"))


def test_another_process_draws_the_same_bytes(notebook):
    show.use_style()
    ramp = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
    mime, content = figures.small(figures.sheet_of(show.pictures([ramp, ramp.T])))
    first = notebook.cells[1].outputs[0].data[mime]
    assert base64.b64decode(first) == content


def test_every_picture_is_there_once_with_its_description(notebook):
    pictures = [o for o in outputs(notebook) if "image/png" in o.get("data", {})]
    alts = [o.metadata["image/png"]["alt"] for o in pictures]
    assert alts == ["A ramp and its transpose", "The ramp at three brightnesses"]
    assert "Figure" not in str([o.get("data", {}) for o in outputs(notebook)])


def test_strict_nbval_accepts_it_and_sees_changed_data(notebook, tmp_path):
    changed = nbformat.from_dict(notebook)
    for output in outputs(changed):
        if output.data["text/plain"].startswith("figure data"):
            output.data["text/plain"] = "figure data: (6, 8) min 0 max 235 mean 111"
    nbformat.write(notebook, tmp_path / "same.ipynb")
    nbformat.write(changed, tmp_path / "changed.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env",
               "-p", "no:cacheprovider", "same.ipynb", "changed.ipynb"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.stdout.count("FAILED") == 1, run.stdout
    assert "FAILED changed.ipynb::Cell 1" in run.stdout
    assert f"{2 * len(CELLS) - 1} passed" in run.stdout
