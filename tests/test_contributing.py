"""CONTRIBUTING.md keeps its word: a chapter, a network and a data set are added."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from maker import ROOT

GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
NAME = "97_throw_away"


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A copy of the course to add things to."""
    folder = tmp_path_factory.mktemp("course")
    unwanted = shutil.ignore_patterns("__pycache__", "_build", ".ipynb_checkpoints")
    for name in ("course_lib", "chapters", "data_scripts", "tests", "literature"):
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
    for name in ("README.md", "CONTRIBUTING.md", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def run(course: Path, *words: str) -> str:
    """What a command prints in the copy; it must succeed."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COURSE_", "PYT"))}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=course,
        capture_output=True,
        text=True,
        env=kept | {"PYTHONPATH": str(course), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, f"{words}\n{done.stdout[-1500:]}{done.stderr[-1500:]}"
    return done.stdout


def files_of(heading: str) -> dict[str, str]:
    """The files that the section of that heading gives, by their first line."""
    section = GUIDE.partition(f"### {heading}\n")[2].partition("\n### ")[0]
    blocks = re.findall(r"```\w+\n# (\S+)\n(.*?)```", section, re.DOTALL)
    assert blocks, heading
    return dict(blocks)


def commands_of(heading: str) -> list[list[str]]:
    """The commands that the section gives, without ``python``."""
    section = GUIDE.partition(f"### {heading}\n")[2].partition("\n### ")[0]
    block = re.search(r"```bash\n(.*?)```", section, re.DOTALL)[1]
    lines = [line.partition("  #")[0].split() for line in block.splitlines()]
    assert all(words[0] == "python" for words in lines)
    return [words[1:] for words in lines]


def add(course: Path, heading: str) -> None:
    for name, text in files_of(heading).items():
        path = course / name
        assert not path.exists(), name
        path.write_text(text, encoding="utf-8")


def test_a_chapter(course):
    new, make = commands_of("A chapter")[:2]
    assert new[:2] == ["chapters/new.py", NAME]
    run(course, new[0], NAME, "A title: a promise")
    run(course, *make)
    run(course, "chapters/make.py", "--check", "97")
    run(course, "-m", "ruff", "check", "--isolated", "chapters/new.py",
        f"course_lib/teaching/checks/ch{NAME[:2]}.py")  # fmt: skip
    tests = ["tests/test_structure.py", "tests/test_pairs.py"]
    said = run(course, "-m", "pytest", "-q", *tests, "-k", NAME)
    assert int(re.search(r"(\d+) passed", said)[1]) > 20
    said = run(course, "-m", "pytest", "-q", "tests/test_checks_ch97.py")
    assert "3 passed" in said
    for page in ("README.md", "chapters/README.md"):
        assert "97. A title: a promise" in (course / page).read_text()
    assert ">97 Throw away<" in (course / "chapters/figures/map.svg").read_text()


def test_a_network(course):
    add(course, "A network")
    (train,) = commands_of("A network")
    said = run(course, *train, "--device", "cpu", "--threads", "1", "--count", "8")
    assert "mean IoU" in said
    said = run(course, "-c", "from course_lib.models.registry import build, known; "
               "assert 'tiny_net' in known(); print(build('tiny_net', 3))")  # fmt: skip
    assert "Conv2d(3, 3" in said


def test_a_data_set(course):
    add(course, "A data set")
    line = re.search(r"`(\"my_set\": Reader\(.*\),)`", GUIDE)[1]
    opening = course / "course_lib" / "data" / "opening.py"
    text = opening.read_text()
    opening.write_text(text.replace("READERS = {\n", f"READERS = {{\n    {line}\n"))
    run(course, "-m", "course_lib", "data", "export", "--to", "harbour_voc",
        "--layout", "voc", "--count", "3", "--split", "train")  # fmt: skip
    script, check = commands_of("A data set")
    run(course, *script)
    words = ["my_folder" if word == "FOLDER" else word for word in check]
    target = course / "my_folder" / "train"
    target.mkdir(parents=True)
    (course / "harbour_voc" / "JPEGImages").rename(target / "images")
    (course / "harbour_voc" / "SegmentationClass").rename(target / "labels")
    assert run(course, *words).startswith("my_set: 3 label pictures")
    tests = ["-m", "pytest", "-q", "tests/test_catalogue.py", "-k", "my_set"]
    assert "passed" in run(course, *tests)


def test_a_chapter_that_is_there_is_not_written_over(course):
    words = [sys.executable, "chapters/new.py", "01_other", "Title"]
    done = subprocess.run(words, cwd=course, capture_output=True, text=True)
    assert done.returncode == 1
    assert "01_pixels_and_labels.py is there already; choose another" in done.stderr
    words[2] = "seven"
    done = subprocess.run(words, cwd=course, capture_output=True, text=True)
    assert "'seven' is no name of a chapter; write it like 08_unet" in done.stderr
