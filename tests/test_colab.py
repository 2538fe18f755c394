"""A chapter on its own in an empty folder, as Colab opens it.

The quick test borrows the packages of this environment without the course. The
whole of it, an environment with Colab's versions, is ``make test-colab``.
"""

import os
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

import nbformat
import pytest
from maker import LESSONS, ROOT, make

TAG = f"v{make.PROJECT['version']}"
ALONE = LESSONS if os.environ.get("COLAB_PYTHON") else LESSONS[:1]
VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
# A page, a slider beside a picture, and what a browser sends when they are touched.
TOUCHED = """
import numpy as np
from course_lib import show
from course_lib.data.harbour import Harbour
from course_lib.show.browser import Browser

def touch(widget, **data):
    data = {"buffer_paths": [], **data}
    message = {"content": {"comm_id": widget.model_id, "data": data}, "buffers": []}
    get_ipython().kernel.comm_manager.comm_msg(None, None, message)

def square(grey):
    return show.pictures([np.full((8, 8), grey, dtype=np.uint8)])

panel, sliders = show.explorer(square, grey=(0, 200))
before = bytes(panel.children[-1].value)
touch(sliders["grey"], method="update", state={"value": 200})
assert sliders["grey"].value == 200 and panel.children[-1].value != before

leaves = Browser(Harbour(count=9), columns=2, rows=2)
touch(leaves.on, method="custom", content={"event": "click"})
assert leaves.page.value == 2 and "Pictures 4 to 7" in leaves.said, leaves.said
panel
"""


@pytest.fixture(scope="module")
def origin(tmp_path_factory) -> str:
    """A repository with the course as it stands here, tagged as released."""
    folder = tmp_path_factory.mktemp("origin")
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "course_lib", folder / "course_lib", ignore=unwanted)
    cards = ROOT / "chapters" / "results"
    if cards.exists():
        shutil.copytree(cards, folder / "chapters" / "results")
    who = ["-c", "user.name=course", "-c", "user.email=course@localhost"]
    for command in (["init", "-q"], ["add", "."],
                    [*who, "commit", "-q", "-m", "All"], ["tag", TAG]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder.as_uri()


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """A Python with these packages but without the course (no .pth is read)."""
    if prepared := os.environ.get("COLAB_PYTHON"):
        return Path(prepared)
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, symlinks=os.name != "nt")
    scripts = "Scripts" if os.name == "nt" else "bin"
    site = sysconfig.get_path("purelib", vars={"base": str(folder)})
    Path(site, "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / scripts / "python"


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without the course's own variables and Python's paths."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("COURSE_", "PYTHON", "JUPYTER", "PYTEST"))}
    return kept | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""} | more


def run_alone(notebook: Path, python: Path, folder: Path, **variables: str):
    """Run a copy of a notebook in a folder that holds nothing else."""
    shutil.copy(notebook, folder)
    command = [str(python), "-c", "from nbclient.cli import main; main()",
               "--inplace", "--kernel_name=python3", notebook.name]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True,
                          env=clean_environment(**variables), timeout=900)


def test_the_course_cannot_be_imported_without_the_clone(python, tmp_path):
    done = subprocess.run([str(python), "-c", "import torch, course_lib"],
                          cwd=tmp_path, env=clean_environment(),
                          capture_output=True, text=True)
    assert "No module named 'course_lib'" in done.stderr


@pytest.mark.parametrize("lesson", ALONE, ids=lambda path: path.stem)
def test_a_chapter_runs_alone_in_an_empty_folder(lesson, python, origin, tmp_path):
    done = run_alone(lesson, python, tmp_path, COURSE_SOURCE=origin)
    assert done.returncode == 0, done.stderr[-2000:]
    clone = tmp_path / f"pixels-and-boxes-{TAG}"
    assert (clone / "course_lib" / "__init__.py").exists()
    views, models = widgets(tmp_path / lesson.name)
    assert views and views <= models.keys()
    if not os.environ.get("COLAB_PYTHON"):  # same versions: same printed lines
        assert printed(tmp_path / lesson.name) == printed(lesson)


def test_a_slider_and_the_browser_obey_in_a_kernel(python, origin, tmp_path):
    cells = [nbformat.v4.new_code_cell(cell) for cell in (make.SETUP, TOUCHED)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "touched.ipynb")
    (tmp_path / "empty").mkdir()
    done = run_alone(tmp_path / "touched.ipynb", python, tmp_path / "empty",
                     COURSE_SOURCE=origin)
    assert done.returncode == 0, done.stderr[-2000:]
    views, models = widgets(tmp_path / "empty" / "touched.ipynb")
    assert len(views) == 1 and views <= models.keys()
    kinds = {model["model_name"] for model in models.values()}
    assert {"IntSliderModel", "ImageModel", "DropdownModel", "VBoxModel"} <= kinds


def test_a_course_that_cannot_be_fetched_is_told_in_a_sentence(python, tmp_path):
    alone = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(make.SETUP)])
    nbformat.write(alone, tmp_path / "alone.ipynb")
    (tmp_path / "empty").mkdir()
    done = run_alone(tmp_path / "alone.ipynb", python, tmp_path / "empty",
                     COURSE_SOURCE=(tmp_path / "nothing").as_uri())
    assert done.returncode != 0
    assert "the course could not be fetched; try: git clone" in done.stderr


def widgets(path: Path) -> tuple[set[str], dict]:
    """The widgets that a notebook shows, and the models that its kernel made."""
    notebook = nbformat.read(path, 4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = [out.get("data", {}) for cell in cells for out in cell.outputs]
    views = {data[VIEW]["model_id"] for data in shown if VIEW in data}
    return views, notebook.metadata["widgets"][STATE]["state"]


def printed(path: Path) -> str:
    """All that the cells of a notebook printed."""
    cells = nbformat.read(path, 4).cells
    outputs = [out for cell in cells for out in cell.get("outputs", [])]
    return "".join(out.text for out in outputs if out.output_type == "stream")
