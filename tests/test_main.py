"""The command line as a whole: what it lists, how errors end."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from course_lib import __main__, __version__
from course_lib.errors import InputError


def a_command(run):
    return {"probe": SimpleNamespace(
        add_parser=lambda subparsers: subparsers.add_parser("probe"), run=run)}


@pytest.mark.parametrize("error, status, line", [
    (InputError("lr is -1; give a positive number"), 2,
     "lr is -1; give a positive number\n"),
    (KeyboardInterrupt(), 130, "Stopped.\n"),
])
def test_errors_end_in_one_sentence(monkeypatch, capsys, error, status, line):
    def run(args):
        raise error

    monkeypatch.setattr(__main__, "load_commands", lambda: a_command(run))
    assert __main__.main(["probe"]) == status
    assert capsys.readouterr() == ("", line)


def test_a_command_that_ends_well_gives_0(monkeypatch):
    monkeypatch.setattr(__main__, "load_commands", lambda: a_command(lambda args: None))
    assert __main__.main(["probe"]) == 0


def test_all_commands_have_help(capsys):
    for command in __main__.load_commands():
        with pytest.raises(SystemExit) as stop:
            __main__.main([command, "--help"])
        assert stop.value.code == 0 and command in capsys.readouterr().out


def test_import_and_help_stay_light():
    code = (
        "import sys, course_lib.__main__ as m\n"
        "m.build_parser(m.load_commands())\n"
        "heavy = {'torch', 'torchvision', 'matplotlib', 'skimage', 'pycocotools'}\n"
        "print(course_lib.__version__, sorted(heavy & set(sys.modules)))")
    out = subprocess.run([sys.executable, "-c", code.replace(
        "import sys,", "import sys, course_lib,")], capture_output=True, text=True)
    assert out.stdout == f"{__version__} []\n", out.stdout + out.stderr
