"""The one error a wrong input ends in."""


class InputError(ValueError):
    """A wrong input, told in one sentence: the thing, the value and the fix.

    The command line prints that sentence and stops; a chapter shows it as the
    last line of the traceback.
    """
