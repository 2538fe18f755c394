"""One set of versions in four places, and no address of a registry in any."""

import re
import tomllib
from importlib import metadata

import yaml
from maker import LESSONS, ROOT, make
from packaging.requirements import Requirement
from packaging.version import Version

import course_lib

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
LOCK = (ROOT / "requirements.lock").read_text()
LOCKED = [
    Requirement(line.rstrip(" \\"))
    for line in re.findall(r"^[a-z0-9-]+==.*$", LOCK, re.MULTILINE)
]
OLDEST = {"python_version": "3.11", "python_full_version": "3.11.0"}
PINS = {
    r.name: str(r.specifier).removeprefix("==")
    for r in LOCKED
    if r.marker is None or r.marker.evaluate(OLDEST)
}


def direct():
    """Direct dependencies, those of the extras that the lock holds among them."""
    extras = PROJECT["optional-dependencies"]
    lines = PROJECT["dependencies"] + extras["bench"] + extras["data"]
    return [Requirement(line) for line in lines]


def floor(requirement):
    floors = [s for s in requirement.specifier if s.operator != "<"]
    assert [s.operator for s in floors] == [">="], requirement
    return Version(floors[0].version)


def test_every_floor_is_at_most_the_pins():
    floors = {r.name: floor(r) for r in direct()}
    for pin in LOCKED:  # a package may have one for each Python
        (specifier,) = pin.specifier
        assert floors.get(pin.name, Version("0")) <= Version(specifier.version), pin


def test_the_environment_of_conda_has_the_pins_of_the_lock():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    *pins, editable = listed[-1]["pip"]
    assert editable == "--editable=."
    found = dict(line.split("==") for line in pins)
    assert found == {r.name: PINS[r.name] for r in direct()}
    assert listed[0] == "python=3.11"


def test_the_lock_names_no_host_and_hashes_every_package():
    assert "://" not in LOCK and "index-url" not in LOCK
    blocks = re.split(r"^(?=[a-z0-9-]+==)", LOCK, flags=re.MULTILINE)
    packages = [block for block in blocks if "==" in block]
    assert len(packages) == len(LOCKED) > 100
    assert all("--hash=sha256:" in block for block in packages)


def test_version_and_floors_are_the_same_in_pyproject_and_library():
    from course_lib.teaching import setup

    assert course_lib.__version__ == PROJECT["version"]
    assert metadata.version("course-lib") == PROJECT["version"]
    floors = {r.name: str(floor(r)) for r in direct()}
    checked = __import__("sys").modules[setup.__module__].FLOORS
    assert {name: floors[name] for name in checked} == checked


def test_the_address_of_the_repository_stands_in_one_place():
    url = PROJECT["urls"]["Repository"]
    assert url.startswith("https://github.com/") and not url.endswith("/")
    written = [
        path.relative_to(ROOT).as_posix()
        for pattern in ("course_lib/**/*.py", "chapters/**/*.py", "tests/*.py",
                        "data_scripts/*.py", "*.md", "Makefile", "environment.yml")
        for path in ROOT.glob(pattern)
        if url in path.read_text(encoding="utf-8")
    ]
    assert written in ([], ["README.md"])


def test_the_front_page_lists_the_chapters_that_exist():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert page == make.pages()[make.README], "run: python chapters/make.py"
    assert make.REPOSITORY in page
    for lesson in LESSONS:
        assert f"blob/main/chapters/{lesson.name})" in page
