"""Set-up, claims, checks, progress and the learner's copies."""

import json
import math
import random

import numpy as np
import pytest
import torch

from course_lib.__main__ import main
from course_lib.commands import start
from course_lib.errors import InputError
from course_lib.teaching import check, checks, claim, setup
from course_lib.teaching.check import LONGEST
from course_lib.teaching.checks import exercise, expect
from course_lib.teaching.progress import progress


def test_a_claim_that_holds_prints_its_bounds_and_not_its_value(capsys):
    claim("IoU of boat", torch.tensor(0.7312), at_least=0.7)
    claim("loss", 0.25, at_least=0.2, at_most=0.25, digits=3)
    assert capsys.readouterr().out == (
        "IoU of boat is at least 0.70: yes\n"
        "loss is at least 0.200 and at most 0.250: yes\n")


@pytest.mark.parametrize("value", [0.6999, math.nan, -math.inf])
def test_a_claim_that_fails_raises_with_the_value(value):
    with pytest.raises(AssertionError, match="IoU is .*, not at least 0.70"):
        claim("IoU", value, at_least=0.7)
    with pytest.raises(AssertionError, match="not at most 0.10"):
        claim("IoU", 0.11, at_most=0.1)


def test_a_claim_needs_a_bound():
    with pytest.raises(ValueError, match="at_least"):
        claim("IoU", 0.7)


@pytest.fixture
def doubling():
    """An exercise 98.1, doubling a number, for as long as a test lasts."""

    @exercise("98.1")
    def double(answer):
        expect("double of 3", answer(3), 6)

    yield
    del checks.TESTS["98.1"]


def unfinished(x):
    raise NotImplementedError


@pytest.mark.parametrize("answer, line", [
    (lambda x: 2 * x, "correct."),
    (unfinished, "not attempted yet."),
    (None, "not attempted yet."),
    (..., "not attempted yet."),
    (lambda x: x + 2, "not yet. double of 3: your answer gives 5, expected 6."),
    (lambda x: None, "not yet. double of 3: your function gave None; is there a "
                     "return?"),
    (lambda x: 1 / 0, "not yet. Your code stopped with ZeroDivisionError: division "
                      "by zero."),
    (7, "not yet. Your code stopped with TypeError: 'int' object is not callable."),
])
def test_a_check_prints_one_line_whatever_the_answer_does(
        doubling, capsys, answer, line):
    check("98.1", answer)
    assert capsys.readouterr().out == f"Exercise 98.1: {line}\n"


def test_a_long_error_becomes_one_short_line(doubling, capsys):
    def wordy(x):
        raise ValueError("first\nsecond " + "x" * 1000)

    check("98.1", wordy)
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and len(out) < LONGEST + 60 and "first second" in out


def test_an_unknown_exercise_is_refused():
    with pytest.raises(InputError, match="no exercise '97.1'"):
        check("97.1", None)


@pytest.mark.parametrize("got, expected, agree", [
    (torch.tensor([1.0, 2.0]), [1, 2], True),
    (np.float32(0.1), 0.1, True),
    (0.1002, 0.1, False),
    (torch.zeros(2, 1), torch.zeros(2), False),
    (float("nan"), float("nan"), True),
    ("boat", "boat", True),
    ("boat", 1, False),
    (1, True, False),
    ((1, 2), [1, 2], True),
    ({"a": 1}, {"a": 1}, True),
    ([None], [1], False),
])
def test_expect_compares_numbers_tensors_and_the_rest(got, expected, agree):
    if agree:
        expect("it", got, expected)
    else:
        with pytest.raises(AssertionError, match="it: "):
            expect("it", got, expected)


def test_expect_shows_large_tensors_by_shape_and_small_ones_whole():
    with pytest.raises(AssertionError) as error:
        expect("it", torch.zeros(30, 4), np.array([1.5, 2.0]))
    assert str(error.value) == (
        "it: your answer gives one of shape (30, 4), expected [1.5, 2.0]")


def test_setup_repeats_the_draws_of_all_generators_and_prints_nothing(capsys):
    threads = torch.get_num_threads()
    try:
        draws = []
        for _ in range(2):
            setup(seed=3)
            draws.append((random.random(), np.random.rand(), torch.rand(1).item()))
        assert draws[0] == draws[1]
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
        assert capsys.readouterr() == ("", "")
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_num_threads(threads)


def test_setup_refuses_what_is_too_old_or_missing(monkeypatch):
    from course_lib.teaching import setup as function

    module = __import__("sys").modules[function.__module__]
    monkeypatch.setitem(module.FLOORS, "torch", "99.1")
    with pytest.raises(InputError, match="needs 99.1 or newer; install torch>=99.1"):
        setup()
    monkeypatch.setattr(module, "FLOORS", {"no-such-thing": "1"})
    with pytest.raises(InputError, match="no-such-thing is missing"):
        setup()


def a_notebook(text="1", printed=""):
    output = [{"output_type": "stream", "name": "stdout", "text": [printed]}]
    code = {"cell_type": "code", "source": [text], "outputs": output}
    words = {"cell_type": "markdown", "source": ["[s](solutions/01_a.ipynb)"]}
    return json.dumps({"cells": [words, code]})


def test_start_copies_updates_and_keeps_what_the_learner_changed(tmp_path):
    chapters, my = tmp_path / "chapters", tmp_path / "my"
    chapters.mkdir()
    for name in ("01_a.ipynb", "02_b.ipynb"):
        (chapters / name).write_text(a_notebook())
    assert start.copy_chapters(chapters, my) == (["01_a.ipynb", "02_b.ipynb"], [])
    assert "](../chapters/solutions/01_a.ipynb)" in (my / "01_a.ipynb").read_text()
    assert start.copy_chapters(chapters, my) == ([], [])

    (my / "01_a.ipynb").write_text("mine")
    assert start.copy_chapters(chapters, my) == ([], [])
    for name in ("01_a.ipynb", "02_b.ipynb"):  # an update of the course
        (chapters / name).write_text(a_notebook("2"))
    assert start.copy_chapters(chapters, my) == (["02_b.ipynb"], ["01_a.ipynb"])
    assert (my / "01_a.ipynb").read_text() == "mine"


def test_start_needs_chapters(tmp_path):
    with pytest.raises(InputError, match="holds no chapters"):
        start.copy_chapters(tmp_path, tmp_path / "my")


def test_progress_reads_the_saved_lines(tmp_path, capsys):
    text = 'check("01.1", f)\ncheck("01.2", g)\ncheck("01.3", h)\n'
    printed = (
        "Exercise 01.1: correct.\nExercise 01.2: not yet. No.\n"
        "Exercise 01.3: not attempted yet.\n"
    )
    (tmp_path / "01_a_b.ipynb").write_text(a_notebook(text, printed))
    states = {"01.1": "solved", "01.2": "tried", "01.3": "new"}
    assert progress(tmp_path) == {"01_a_b": states}
    assert main(["progress", "--folder", str(tmp_path)]) == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.split() == ["01", "a", "b", "#~.", "1", "of", "3", "tried:", "01.2"]
    assert last == "1 of 3 exercises solved. Next: exercise 01.2."
    assert main(["progress", "--folder", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"01_a_b": states}
    (tmp_path / "02_c.ipynb").write_text('{"cells"')
    assert main(["progress", "--folder", str(tmp_path)]) == 2
    assert "02_c.ipynb is no notebook any more; save it" in capsys.readouterr().err