"""JupyterLab as the README starts it, on a copy of the course, for its test."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from built import ROOT

WORDS = "course"  # the token; the server listens on this machine alone
FOLDERS = ("course_lib", "chapters")
FILES = ("Makefile", "pyproject.toml", "requirements.lock")
SETTINGS = {
    "ServerApp": {"open_browser": False, "allow_root": True, "ip": "127.0.0.1"},
    "LabApp": {
        "expose_app_in_browser": True,
        "extension_manager": "readonly",
        "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    },
}
FOREIGN = ("COURSE_DATA", "COURSE_WORLD", "COURSE_DEVICE", "COURSE_SOURCE")
PATIENCE = 120  # seconds until the server answers


def copy_course(target: Path) -> None:
    """What ``make lab`` needs of a clone."""
    unwanted = shutil.ignore_patterns("__pycache__", "book", ".ipynb_checkpoints")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, target / folder, ignore=unwanted)
    for file in FILES:
        shutil.copy(ROOT / file, target)


def start(course: Path, environment: Path) -> tuple[subprocess.Popen, str]:
    """``make lab`` in a copy, with an environment that is there.

    Returns:
        the process and the address of the server.
    """
    settings, port = course / "settings", free_port()
    settings.mkdir()
    (settings / "jupyter_lab_config.json").write_text(json.dumps(SETTINGS))
    own = {
        f"JUPYTER{name}_DIR": str(settings / name)
        for name in ("_DATA", "_RUNTIME", "LAB_SETTINGS", "LAB_WORKSPACES")
    }
    own |= {"JUPYTER_CONFIG_DIR": str(settings), "JUPYTER_PORT": str(port)}
    own |= {"JUPYTER_TOKEN": WORDS, "OMP_NUM_THREADS": "1"}
    kept = {k: v for k, v in os.environ.items() if k not in FOREIGN}
    ready = environment / ".ready"  # older than the copy, and yet to be used
    with (course / "lab.log").open("w") as log:
        server = subprocess.Popen(
            ["make", "lab", f"VENV={environment}", "-o", ready],
            cwd=course,
            env=kept | own,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return server, f"http://127.0.0.1:{port}/"


def wait_until_it_answers(server: subprocess.Popen, home: str, log: Path) -> None:
    """Return as soon as the server is up; fail with its own words if it ends."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(f"{home}api", timeout=5)
            return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.5)
    raise AssertionError(f"no answer in {PATIENCE} s: {log.read_text()}")


def stop(server: subprocess.Popen) -> None:
    """End the server and its kernels."""
    os.killpg(server.pid, signal.SIGTERM)
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
