"""The sentence that a wrong input ends in."""

import pytest

from course_lib.errors import InputError


def told(make) -> str:
    """What the ``InputError`` of a call says."""
    with pytest.raises(InputError) as error:
        make()
    return str(error.value)
