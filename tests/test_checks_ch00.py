"""The checks of chapter 00 see the typical wrong answers."""

import pytest

from course_lib.teaching import check


def counts_void(labels, class_id):
    return (labels == class_id).float().mean().item()


def gives_a_count(labels, class_id):
    return (labels[labels != 255] == class_id).sum().item()


def gives_per_cent(labels, class_id):
    return 100 * counts_void(labels[labels != 255], class_id)


@pytest.mark.parametrize("answer, told", [
    (counts_void, "gives 0.3333, expected 0.4"),
    (gives_a_count, "gives 2, expected 0.4"),
    (gives_per_cent, "gives 40, expected 0.4"),
    (lambda labels, class_id: None, "is there a return?"),
])
def test_wrong_answers_are_told_apart(capsys, answer, told):
    check("00.1", answer)
    line = capsys.readouterr().out
    assert line.startswith("Exercise 00.1: not yet.") and told in line
