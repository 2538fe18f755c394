"""A measured figure, stated so that the sentence is the same on every machine."""


def claim(
    name: str,
    value: float,
    at_least: float | None = None,
    at_most: float | None = None,
    digits: int = 2,
) -> None:
    """Print that a figure keeps its bounds, or raise when it does not.

    Args:
        name: what was measured, such as ``"IoU of boat"``.
        value: the measured figure; anything ``float`` takes, a tensor of one
            element too. NaN keeps no bound.
        at_least: lower bound, included.
        at_most: upper bound, included.
        digits: decimals of the printed bounds; the value itself is not printed.

    Raises:
        ValueError: if no bound is given.
        AssertionError: if the value lies outside; its sentence gives the value.

    Taught in chapters/00_start_here.
    """
    if at_least is None and at_most is None:
        raise ValueError(f"claim({name!r}, ...) needs at_least= or at_most=")
    value = float(value)
    low_kept = at_least is None or value >= at_least
    high_kept = at_most is None or value <= at_most
    bounds = bounds_in_words(at_least, at_most, digits)
    if not (low_kept and high_kept):
        raise AssertionError(f"{name} is {value:.{digits + 2}f}, not {bounds}")
    print(f"{name} is {bounds}: yes")


def bounds_in_words(
    at_least: float | None, at_most: float | None, digits: int
) -> str:
    """Say the bounds: ``"at least 0.70 and at most 0.90"``."""
    words = []
    if at_least is not None:
        words.append(f"at least {at_least:.{digits}f}")
    if at_most is not None:
        words.append(f"at most {at_most:.{digits}f}")
    return " and ".join(words)
