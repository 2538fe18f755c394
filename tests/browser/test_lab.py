"""A learner in JupyterLab: chapter 01 runs, a slider moves, a check speaks.

The server is started by the README's command on a copy of the course; keys are pressed
as a reader presses them.
"""

import json
import os
import subprocess
from pathlib import Path

import lab
import pytest
from built import ROOT

pytest.importorskip("playwright", reason="no Playwright here: make test-browser")

CHAPTER = "01_pixels_and_labels"
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"  # on GitHub
WHOLE_CHAPTER, ONE_CELL = 300_000, 60_000  # milliseconds
IDLE = """() => window.jupyterapp?.shell?.currentWidget?.sessionContext
                 ?.session?.kernel?.status === 'idle'"""
ALL_RUN = """() => {
  const panel = window.jupyterapp.shell.currentWidget;
  const code = [...panel.content.model.cells].filter(cell => cell.type === 'code');
  return code.every(cell => cell.executionCount)
         && panel.sessionContext.session.kernel.status === 'idle';
}"""
ERRORS = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
  .filter(cell => cell.type === 'code')
  .flatMap(cell => cell.outputs.toJSON())
  .filter(output => output.output_type === 'error')
  .map(output => output.ename + ': ' + output.evalue)"""
GO_TO = """async text => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  const number = notebook.widgets.findIndex(
    cell => cell.model.type === 'code' && cell.model.sharedModel.source.includes(text));
  notebook.activeCellIndex = number;
  await notebook.scrollToItem(number, 'center');
  return number;
}"""
BYTES = """async picture => {
  const bytes = await (await fetch(picture.src)).arrayBuffer();
  return [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].join();
}"""
WRONG = """def pad_pair(image, labels, height, width):
    rows, columns = height - image.shape[1], width - image.shape[2]
    return (F.pad(image, (0, columns, 0, rows)),
            F.pad(labels, (0, columns, 0, rows)))"""
ASKED = "labels [[1, 2]] padded to 2 x 3"
RIGHT = WRONG.replace("rows)))", "rows), value=255))")


@pytest.fixture(scope="module")
def environment() -> Path:
    """The learner's environment, made by ``make start``."""
    folder = Path(os.environ.get("COURSE_VENV", ROOT / ".venv"))
    if not (folder / ".ready").exists():
        pytest.skip("no learner's environment here: make start")
    return folder.absolute()


@pytest.fixture(scope="module")
def course(environment, tmp_path_factory):
    """A copy of the course with JupyterLab running in it; its folder and address."""
    folder = tmp_path_factory.mktemp("course")
    lab.copy_course(folder)
    server, home = lab.start(folder, environment)
    try:
        lab.wait_until_it_answers(server, home, folder / "lab.log")
        yield folder, home
    finally:
        lab.stop(server)


@pytest.fixture
def notebook(course, window):
    """Chapter 01 of the learner's copy, opened, its kernel ready."""
    _, home = course
    page = window(home, height=1100, badges=BADGE)
    page.goto(f"{home}lab/tree/my/{CHAPTER}.ipynb?token={lab.WORDS}&reset")
    page.wait_for_function(IDLE, timeout=ONE_CELL)
    return page


def cell(page, text: str):
    """Go to the code cell that holds a text."""
    number = page.evaluate(GO_TO, text)
    assert number >= 0, f"no cell with {text!r}"
    return page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{number}"]')


def run(page, place) -> str:
    """Press Shift+Enter in a cell; returns what it prints."""
    place.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    page.wait_for_function(IDLE, timeout=ONE_CELL)
    output = place.locator(".jp-OutputArea-output").first
    output.wait_for(timeout=ONE_CELL)
    return output.inner_text()


def answer(page, text: str) -> str:
    """Write an answer to exercise 01.1 and check it; returns the verdict."""
    place = cell(page, "def pad_pair")
    place.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)
    page.keyboard.press("Shift+Enter")
    return run(page, cell(page, 'check("01.1", pad_pair)'))


def press(page, place, widget: str, key: str) -> None:
    """Press a key in a widget, and wait until the picture below it is another."""
    picture = place.locator(".jupyter-widgets img").first
    before = picture.evaluate(BYTES)
    place.locator(widget).first.focus()
    page.keyboard.press(key)
    changed = f"async ([picture, before]) => await ({BYTES})(picture) !== before"
    handles = [picture.element_handle(), before]
    page.wait_for_function(changed, arg=handles, timeout=ONE_CELL)


def leaf_through(page) -> None:
    """Turn a page of the data-set browser and choose a class, by keyboard."""
    place = cell(page, "browse(pairs")
    said = place.locator('[role="status"]').last
    first = said.inner_text()
    press(page, place, 'button:has-text("next page")', "Enter")
    assert said.inner_text() != first
    press(page, place, "select", "ArrowDown")
    assert "background" in said.inner_text(), said.inner_text()


def test_a_learner_runs_chapter_01(notebook, course, environment):
    page, (folder, _) = notebook, course
    page.evaluate(
        "() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
    )
    page.wait_for_function(ALL_RUN, timeout=WHOLE_CHAPTER)
    assert page.evaluate(ERRORS) == []

    place = cell(page, "explore(at_scale")
    press(page, place, ".noUi-handle", "ArrowRight")

    leaf_through(page)

    verdict = answer(page, WRONG)
    assert "Exercise 01.1: not yet." in verdict
    for part in ASKED, "gives [[1, 2, 0], [0, 0, 0]]", "expected [[1, 2, 255]":
        assert part in verdict, verdict
    assert "Exercise 01.1: correct." in answer(page, RIGHT)

    page.keyboard.press("Control+S")
    page.wait_for_function(
        "() => !window.jupyterapp.shell.currentWidget.context.model.dirty"
    )
    command = [environment / "bin" / "python", "-m", "course_lib", "progress"]
    told = subprocess.run(
        [*command, "--json", "--folder", "my"], cwd=folder, capture_output=True
    )
    assert told.returncode == 0, told.stderr
    states = json.loads(told.stdout)[CHAPTER]
    assert states.pop("01.1") == "solved" and set(states.values()) == {"new"}
