"""What several test files share: the real data, where there are some."""

from contextlib import suppress
from pathlib import Path

import pytest

from course_lib.paths import data_dir

with suppress(ModuleNotFoundError):  # tests/browser runs where there is none
    from hypothesis import HealthCheck, settings

    # Tests tell what is right, not how fast a busy machine is.
    slow = [HealthCheck.too_slow]
    settings.register_profile("any", deadline=None, suppress_health_check=slow)
    settings.load_profile("any")


def pytest_collection_modifyitems(items) -> None:
    """What asks for the real data is marked, so that it can be run alone."""
    for item in items:
        if "real_data" in getattr(item, "fixturenames", ()):
            item.add_marker("real")


@pytest.fixture
def real_data() -> Path:
    """The folder of real data; the test is skipped where there is none."""
    folder = data_dir()
    if folder is None:
        pytest.skip("COURSE_DATA is unset: no real data to read")
    return folder


@pytest.fixture
def server(monkeypatch):
    """A web server of our own; pooch tries again at once instead of after 1, 2, 3 s."""
    from file_server import FileServer

    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
    server = FileServer()
    yield server
    server.close()
