"""What several test files share: the real data, where there are some."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from course_lib.paths import data_dir

# Tests tell what is right, not how fast a busy machine is.
QUIET = [HealthCheck.too_slow]
settings.register_profile("any", deadline=None, suppress_health_check=QUIET)
settings.load_profile("any")


@pytest.fixture
def real_data() -> Path:
    """The folder of real data; the test is skipped where there is none."""
    folder = data_dir()
    if folder is None:
        pytest.skip("COURSE_DATA is unset: no real data to read")
    return folder
