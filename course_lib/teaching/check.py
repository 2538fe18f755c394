"""Checks of the exercises: one stable line, whatever the answer does."""

from typing import Any

from course_lib.teaching.checks import find

LONGEST = 300  # characters of a message; the rest is cut


def check(number: str, answer: Any) -> None:
    """Print how an answer to an exercise fares, in one line.

    Args:
        number: the exercise, such as ``"01.1"``.
        answer: what the exercise asks for: a function, or a value. ``None`` and
            ``...`` count as not attempted, and so does a function that raises
            ``NotImplementedError``.

    The line is one of "Exercise 01.1: not attempted yet.", "Exercise 01.1: not
    yet. <input, what came back, what was expected>", "Exercise 01.1: correct."

    Raises:
        InputError: if there is no such exercise.

    Taught in chapters/00_start_here.
    """
    print(f"Exercise {number}: {verdict(find(number), answer)}")


def verdict(test: Any, answer: Any) -> str:
    """Run the test of an exercise on an answer and put the result in words."""
    if answer is None or answer is ...:
        return "not attempted yet."
    try:
        test(answer)
    except NotImplementedError:
        return "not attempted yet."
    except AssertionError as error:
        return f"not yet. {one_line(error) or 'An assertion did not hold.'}"
    except Exception as error:  # whatever the learner's code does
        text = f"{type(error).__name__}: {error}"
        return f"not yet. Your code stopped with {one_line(text)}"
    return "correct."


def one_line(message: object) -> str:
    """Put a message on one line and end it with a full stop."""
    text = " ".join(str(message).split())
    if len(text) > LONGEST:
        text = text[:LONGEST].rstrip() + " ..."
    return text if not text or text[-1] in ".!?" else text + "."
