"""What several test files share: the real data, where there are some."""

from pathlib import Path

import pytest

from course_lib.paths import data_dir


@pytest.fixture
def real_data() -> Path:
    """The folder of real data; the test is skipped where there is none."""
    folder = data_dir()
    if folder is None:
        pytest.skip("COURSE_DATA is unset: no real data to read")
    return folder
