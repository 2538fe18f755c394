"""The checks of the exercises, a module for each chapter: ``ch01.py`` ...

A module registers its tests; they raise ``AssertionError`` with a sentence that
names the input, what came back and what was expected::

    @exercise("01.1")
    def box_area(answer):
        expect("area of box [1, 1, 4, 5]", answer(box), 12.0)
"""

import math
from collections.abc import Callable
from importlib import import_module
from typing import Any

from course_lib.errors import InputError

TESTS: dict[str, Callable[[Any], None]] = {}


def exercise(number: str) -> Callable:
    """Register the decorated function as the test of an exercise."""

    def register(test: Callable[[Any], None]) -> Callable[[Any], None]:
        TESTS[number] = test
        return test

    return register


def find(number: str) -> Callable[[Any], None]:
    """Give the test of an exercise, loading its chapter's module.

    Raises:
        InputError: if no chapter has an exercise of that number.
    """
    module = f"{__name__}.ch{number.split('.')[0]}"
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
    if number not in TESTS:
        raise InputError(
            f"there is no exercise {number!r}; write chapter and number, like "
            f"check('01.1', answer)"
        )
    return TESTS[number]


def expect(what: str, got: Any, expected: Any, atol: float = 1e-4) -> None:
    """Compare what came back with what was expected; tell both if they differ.

    Args:
        what: the input in words: "the area of box [1, 1, 4, 5]".
        got: a number, a tensor, an array, or anything that can be compared.
        expected: the same; tensors must agree in shape and to ``atol``.
        atol: greatest difference allowed between numbers.
    """
    if got is None and expected is not None:
        raise AssertionError(f"{what}: your function gave None; is there a return?")
    if not same(got, expected, atol):
        raise AssertionError(
            f"{what}: your answer gives {brief(got)}, expected {brief(expected)}"
        )


def same(got: Any, expected: Any, atol: float) -> bool:
    """Tell whether two values agree, numbers and tensors to ``atol``."""
    import torch

    if isinstance(expected, (str, bool, type(None), dict, set)):
        return type(got) is type(expected) and got == expected
    if isinstance(got, str):
        return False
    try:
        first, second = torch.as_tensor(got), torch.as_tensor(expected)
    except (TypeError, ValueError, RuntimeError):
        return got == expected
    return first.shape == second.shape and torch.allclose(
        first.double(), second.double(), rtol=0, atol=atol, equal_nan=True
    )


def brief(value: Any) -> str:
    """Show a value in a few characters: small ones whole, large ones by shape."""
    shape = getattr(value, "shape", None)
    if shape is None:
        return f"{value:.4g}" if isinstance(value, float) else repr(value)
    if math.prod(shape) > 12:
        return f"one of shape {tuple(shape)}"
    listed = value.tolist()
    return str(round(listed, 4) if isinstance(listed, float) else short(listed))


def short(value: Any) -> Any:
    """Cut numbers to six digits, so that a float32 of 2/3 reads 0.666667."""
    if isinstance(value, list):
        return [short(one) for one in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
