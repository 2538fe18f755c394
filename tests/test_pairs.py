"""Every notebook is made from its twin, and is as make.py leaves it."""

import nbformat
import pytest
from maker import CHAPTERS, NOTEBOOKS, make, name, read


def test_every_twin_has_its_notebook_and_the_reverse():
    assert {make.notebook_of(twin) for twin in make.twins()} == set(NOTEBOOKS)


@pytest.mark.parametrize("twin", make.twins(), ids=name)
def test_twin_and_notebook_say_the_same(twin):
    assert make.difference(twin) == ""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_notebook_was_run_from_top_to_bottom(path):
    code = [cell for cell in read(path).cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in code]
    assert counts == list(range(1, len(code) + 1))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_notebook_holds_nothing_that_changes_by_itself(path):
    notebook = read(path)
    assert dict(notebook.metadata) == make.METADATA
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}
        for output in cell.get("outputs", []):
            assert make.WIDGET not in output.get("data", {})
            assert output.get("name") != "stderr", output.text
            assert "Traceback" not in output.get("text", "")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_notebook_names_no_folder_of_the_machine_that_made_it(path):
    text = path.read_text(encoding="utf-8")
    assert str(CHAPTERS.parent) not in text and "/home/" not in text


TWIN = """\
# %% [markdown]
# # 42. A title
#
# Text.

# %%
# setup

# %% tags=["nbval-ignore-output"]
2 + 2

# %%
2 + 2
"""


@pytest.fixture
def small_course(tmp_path, monkeypatch):
    """A folder of chapters with two twins, the second without set-up."""
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "42_title.py").write_text(TWIN)
    plain = TWIN.replace("# setup", "1 + 1").replace("42.", "43.")
    (tmp_path / "text" / "43_other.py").write_text(plain)
    monkeypatch.setattr(make, "CHAPTERS", tmp_path)
    return tmp_path


def test_make_writes_in_the_header_and_the_set_up(small_course):
    notebook = make.read_twin(small_course / "text" / "42_title.py")
    first, setup, *_ = notebook.cells
    assert first.source.startswith("# 42. A title\n\n[![Open in Colab](")
    assert "blob/main/chapters/42_title.ipynb)" in first.source
    assert first.source.endswith("next: [43 other](43_other.ipynb)\n\nText.")
    assert setup.source == make.SETUP
    assert [c.metadata.get("tags") for c in notebook.cells[2:]] == [
        ["nbval-ignore-output"], None]


def test_cell_ids_are_stable_and_differ_for_equal_cells(small_course):
    twin = small_course / "text" / "42_title.py"
    first = [cell["id"] for cell in make.read_twin(twin).cells]
    twin.write_text(TWIN.replace("Text.", "Other text."))
    second = [cell["id"] for cell in make.read_twin(twin).cells]
    assert len(set(first)) == len(first)
    assert first[0] != second[0] and first[1:] == second[1:]


def test_making_twice_gives_the_same_bytes(small_course):
    twin = small_course / "text" / "43_other.py"
    text = make.made(twin, 60)
    assert text == make.made(twin, 60)
    assert nbformat.reads(text, 4).cells[1].outputs[0].data["text/plain"] == "2"
    make.notebook_of(twin).write_text(text)
    assert make.difference(twin) == ""
    twin.write_text(twin.read_text().replace("1 + 1", "1 + 3"))
    assert {"-1 + 1", "+1 + 3"} <= set(make.difference(twin).split("\n"))


def test_a_failing_cell_is_named(small_course):
    twin = small_course / "text" / "43_other.py"
    twin.write_text(twin.read_text().replace("1 + 1", "1 / 0"))
    with pytest.raises(SystemExit) as stop:
        make.made(twin, 60)
    assert str(stop.value) == (
        "43_other: code cell 1 of 3 failed\n    1 / 0\n"
        "ZeroDivisionError: division by zero")


def test_a_cell_that_never_ends_is_stopped_and_named(small_course):
    twin = small_course / "text" / "43_other.py"
    twin.write_text(twin.read_text().replace("1 + 1", "while True: pass"))
    with pytest.raises(SystemExit, match="code cell 1 of 3(.|\n)*longer than 2 s"):
        make.made(twin, 2)
