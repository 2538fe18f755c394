"""The checks of chapter 00 see the typical wrong answers."""

import pytest

from course_lib.teaching import check


def counts_void(labels, class_id):
    return (labels == class_id).float().mean().item()


def gives_a_count(labels, class_id):
    return (labels[labels != 255] == class_id).sum().item()


def gives_per_cent(labels, class_id):
    return 100 * counts_void(labels[labels != 255], class_id)


def share_of_class(labels, class_id):
    return counts_void(labels[labels != 255], class_id)


def classes_in(labels, names):
    return [names[i] for i in labels.unique().tolist() if i != 255]


def names_of_void(labels, names):
    return [(*names, *["void"] * 255)[i] for i in labels.unique().tolist()]


def ids_in(labels, names):
    return [i for i in labels.unique().tolist() if i != 255]


def in_order_of_the_pixels(labels, names):
    return list(dict.fromkeys(names[i] for i in labels.flatten() if i != 255))


def first_row(labels, class_id):
    rows = (labels == class_id).any(dim=1).nonzero()
    return rows[0].item() if len(rows) else None


def first_column(labels, class_id):
    return first_row(labels.T, class_id)


def last_row(labels, class_id):
    rows = (labels == class_id).any(dim=1).nonzero()
    return rows[-1].item() if len(rows) else None


def minus_one_if_absent(labels, class_id):
    found = first_row(labels, class_id)
    return -1 if found is None else found


@pytest.mark.parametrize("number, answer, told", [
    ("00.1", counts_void, "gives 0.3333, expected 0.4"),
    ("00.1", gives_a_count, "gives 2, expected 0.4"),
    ("00.1", gives_per_cent, "gives 40, expected 0.4"),
    ("00.1", lambda labels, class_id: None, "is there a return?"),
    ("00.2", names_of_void, "the labels of the text"),
    ("00.2", ids_in, "gives [0, 2], expected ['sky', 'road']"),
    ("00.2", in_order_of_the_pixels, "gives ['road', 'sky']"),
    ("00.2", lambda labels, names: None, "is there a return?"),
    ("00.3", first_column, "class 0 in the labels of Exercise 00.2"),
    ("00.3", last_row, "gives 1, expected 0"),
    ("00.3", minus_one_if_absent, "class 7, which is not there"),
])  # fmt: skip
def test_wrong_answers_are_told_apart(capsys, number, answer, told):
    check(number, answer)
    line = capsys.readouterr().out
    assert line.startswith(f"Exercise {number}: not yet.") and told in line, line


@pytest.mark.parametrize("number, answer", [
    ("00.1", share_of_class), ("00.2", classes_in), ("00.3", first_row)])  # fmt: skip
def test_right_answers_pass(capsys, number, answer):
    check(number, answer)
    assert capsys.readouterr().out == f"Exercise {number}: correct.\n"
