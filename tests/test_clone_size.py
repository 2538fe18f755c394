"""A fresh clone stays small: what is fetched, and what is then written to disk."""

import random
import subprocess
from pathlib import Path

import pytest
from maker import ROOT

LARGEST = 40e6  # bytes


def git(folder: Path, *words: str) -> str:
    """What git says in a folder."""
    who = ["-c", "user.name=course", "-c", "user.email=course@localhost"]
    return subprocess.run(["git", *who, *words], cwd=folder, check=True, text=True,
                          capture_output=True).stdout


def fetched(folder: Path) -> int:
    """Bytes that ``git clone --depth 1`` fetches at most: objects, compressed."""
    listed = ["rev-list", "--objects", "--no-walk", "--disk-usage", "HEAD"]
    return int(git(folder, *listed))


def written(folder: Path) -> int:
    """Bytes of all files that are checked out."""
    listed = git(folder, "ls-tree", "-r", "-l", "HEAD").splitlines()
    return sum(int(line.split()[3]) for line in listed)


@pytest.fixture(scope="module")
def checkout() -> Path:
    """This repository, where it is one."""
    try:
        top = git(ROOT, "rev-parse", "--show-toplevel").strip()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no checkout of git to measure: {error}")
    if Path(top).resolve() != ROOT.resolve():
        pytest.skip("the course lies inside another repository")
    return ROOT


def test_a_fresh_clone_is_small(checkout):
    assert 1e6 < fetched(checkout) < LARGEST
    assert 1e6 < written(checkout) < LARGEST


def test_a_file_counts_until_it_is_deleted(tmp_path):
    git(tmp_path, "init", "-q")
    for size in (300_000, 20):
        (tmp_path / "net").write_bytes(random.Random(size).randbytes(size))
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "-q", "-m", "A net")
        assert size <= fetched(tmp_path) < size + 1000 and written(tmp_path) == size
