"""Every chapter has exercises enough, with hints in steps and checks that refuse."""

import importlib
import re
from collections import Counter

import pytest
from maker import LESSONS, name, prose

lessons = pytest.mark.parametrize("path", LESSONS, ids=name)


def exercises(path) -> dict[str, str]:
    """The text of each exercise of a chapter, by its number."""
    parts = re.split(r"^### Exercise (\d\d\.\d+)", prose(path), flags=re.MULTILINE)
    return {n: text.partition("\n## ")[0] for n, text in zip(parts[1::2], parts[2::2])}  # noqa: B905


def refused(number: str) -> Counter:
    """Wrong answers that the tests of a chapter's checks feed to each exercise.

    Those tests pass only where the check says "not yet" to every one of them.
    """
    tests = importlib.import_module(f"test_checks_ch{number}")
    marks = [
        mark
        for what, test in vars(tests).items()
        if what.startswith("test_") and "wrong" in what
        for mark in getattr(test, "pytestmark", [])
    ]
    return Counter(row[0] for mark in marks for row in mark.args[1])


@lessons
def test_a_chapter_has_three_exercises_with_hints_in_steps(path):
    found = exercises(path)
    assert len(found) >= 3
    for number, text in found.items():
        assert text.count("<details><summary>") >= 2, number
        assert text.count("</details>") == text.count("<details>"), number


@lessons
def test_every_check_refuses_two_typical_wrong_answers(path):
    counts = refused(path.name[:2])
    for number in exercises(path):
        assert counts[number] >= 2, f"{number}: {counts[number]} wrong answers tried"
