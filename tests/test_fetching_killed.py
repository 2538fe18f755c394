"""A run killed at any moment leaves nothing half; the next call completes."""

import io
import random
import resource
import signal
import subprocess
import sys
import time
import zipfile

import pytest
from file_server import left
from harbour_archives import archive, entry, is_the_harbour

from course_lib.data.fetching import fetch

RUN = """
import sys
from dataclasses import replace
from pathlib import Path
from course_lib.data.catalogue import source
from course_lib.data.fetching import fetch
folder, mirror = sys.argv[1:]
entry = source("penn_fudan")
print("ready", flush=True)
fetch(entry, Path(folder), mirror=mirror)
"""
NAME = "PennFudanPed.zip"


def enlarged(more: int, length: int) -> bytes:
    """The archive of Penn-Fudan with so many more files of so many numbers."""
    packed = io.BytesIO(archive("penn_fudan"))
    with zipfile.ZipFile(packed, "a") as file:
        for i in range(more):
            file.writestr(f"PennFudanPed/more/{i % 7}/{i}.txt", f"{i}" * length)
    return packed.getvalue()


@pytest.fixture(scope="module")
def large() -> bytes:
    """An archive of more than a megabyte, in few files."""
    return enlarged(more=60, length=10_000)


def start(server, folder, **how) -> subprocess.Popen:
    words = [sys.executable, "-c", RUN, str(folder), server.url]
    run = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **how
    )
    assert run.stdout.readline() == "ready\n"
    return run


def until(condition) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def kill(run) -> None:
    run.send_signal(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL


def assert_whole(folder, more: int = 60, length: int = 10_000) -> None:
    """The harbour's 18 files are there, and those that ``enlarged`` adds."""
    assert left(folder) == ["penn_fudan"]
    assert is_the_harbour("penn_fudan", folder / "penn_fudan")
    found = [p for p in (folder / "penn_fudan").rglob("*") if p.is_file()]
    assert len(found) == 18 + more
    for path in (p for p in found if p.parent.parent.name == "more"):
        assert path.read_text() == path.stem * length


def test_killed_in_mid_download(server, tmp_path, large):
    at = len(large) // 3
    server.offer(NAME, large, stalls=at)
    run = start(server, tmp_path)
    work = tmp_path / ".penn_fudan.fetching"
    until(lambda: sum(p.stat().st_size for p in work.glob("*.part")) > at - 2**18)
    kill(run)
    (part,) = work.glob("*.part")
    come = part.stat().st_size
    assert left(tmp_path) == [".penn_fudan.fetching"] and 0 < come <= at
    server.offer(NAME, large)
    fetch(entry("penn_fudan", f"{server.url}/{NAME}"), tmp_path)
    assert [start for _, start in server.asked] == [0, come]
    assert_whole(tmp_path)


def test_killed_in_mid_unpacking(server, tmp_path):
    server.offer(NAME, enlarged(more=2400, length=100))  # seconds to unpack
    run = start(server, tmp_path)
    more = tmp_path / ".penn_fudan.fetching" / "whole" / "more"
    until(lambda: (more / "0" / "70.txt").exists())
    kill(run)
    assert not (more / "0" / "2394.txt").exists()  # it was in the midst of it
    assert left(tmp_path) == [".penn_fudan.fetching"]
    fetch(entry("penn_fudan", f"{server.url}/{NAME}"), tmp_path)
    assert len(server.asked) == 1  # the archive had come
    assert_whole(tmp_path, more=2400, length=100)


def test_killed_again_and_again(server, tmp_path, large):
    dice = random.Random(0)
    server.offer(NAME, large, pause=0.001)
    for _ in range(4):
        run = start(server, tmp_path)
        time.sleep(dice.uniform(0.1, 0.8))
        kill(run)
        assert set(left(tmp_path)) <= {".penn_fudan.fetching", "penn_fudan"}
        if (tmp_path / "penn_fudan").exists():
            break
    fetch(entry("penn_fudan", f"{server.url}/{NAME}"), tmp_path)
    assert_whole(tmp_path)


def test_two_processes_at_once(server, tmp_path, large):
    server.offer(NAME, large, pause=0.001)
    runs = [start(server, tmp_path) for _ in range(2)]
    assert [run.wait() for run in runs] == [0, 0]
    assert len(server.asked) == 1
    assert_whole(tmp_path)


def test_another_goes_on_where_one_was_killed(server, tmp_path, large):
    """The second waits for the first, which dies."""
    server.offer(NAME, large, stalls=len(large) // 2)
    first = start(server, tmp_path)
    assert server.stalled.wait(20)
    server.offer(NAME, large)
    second = start(server, tmp_path)
    time.sleep(0.2)
    assert len(server.asked) == 1 and second.poll() is None
    kill(first)
    assert second.wait() == 0
    assert_whole(tmp_path)


def test_a_disk_that_takes_no_more(server, tmp_path, large):
    """The system itself refuses to write on; what has come is kept."""
    server.offer(NAME, large)
    limit = len(large) // 2

    def little():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    run = start(server, tmp_path, preexec_fn=little)
    assert run.wait() == 1 and left(tmp_path) == [".penn_fudan.fetching"]
    fetch(entry("penn_fudan", f"{server.url}/{NAME}"), tmp_path)
    assert server.asked[1][1] == limit
    assert_whole(tmp_path)
