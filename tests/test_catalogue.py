"""The catalogue: every file of it is right, shown, and has its script."""

import importlib.util
import re
import runpy
import subprocess
import sys
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import pytest

from course_lib.__main__ import main
from course_lib.data import catalogue
from course_lib.data.catalogue import CATALOGUE, check_folder, source
from course_lib.errors import InputError
from course_lib.paths import LIBRARY

SCRIPTS = LIBRARY.parent / "data_scripts"
SETS = [name for name, entry in CATALOGUE.items() if entry.tree]
DIGITS = {"md5": 32, "sha1": 40, "sha256": 64}


def made():
    """``data_scripts/make.py``, as a module."""
    spec = importlib.util.spec_from_file_location("make_scripts", SCRIPTS / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# every file of the catalogue, in one place


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_an_entry_is_right(name):
    entry = CATALOGUE[name]  # a key that is missing, or unknown, ends here
    assert entry.title and entry.terms and entry.citation
    assert not set("|\n") & set(entry.title + entry.terms + entry.citation)
    assert entry.tried in ("", "real sample", "generated data only")
    if entry.reader:
        assert (LIBRARY / "data" / "readers" / f"{entry.reader}.py").is_file()
        assert entry.tried
    assert entry.files or entry.registration and entry.tree
    assert entry.tree or [file.inside for file in entry.files] == [None]
    for path, meaning in entry.tree.items():
        assert path and stays_inside(path) and isinstance(meaning, str)
    places = [(file.name, file.to) for file in entry.files]
    assert len(set(places)) == len(places)


FILES = [(name, file) for name, entry in CATALOGUE.items() for file in entry.files]


@pytest.mark.parametrize(
    ("name", "file"), FILES, ids=[f"{name}-{file.name}" for name, file in FILES]
)
def test_a_file_is_right(name, file):
    for address in (file.url, *file.mirrors):
        parts = urlsplit(address)
        assert parts.scheme in ("http", "https") and parts.netloc and parts.path
    assert len({file.url, *file.mirrors}) == 1 + len(file.mirrors)
    assert re.fullmatch(r"[\w.()-]+", file.name)
    assert isinstance(file.megabytes, int) and file.megabytes >= 0
    assert file.megabytes or source(name).registration, "how large is it?"
    if file.bytes is not None:
        assert abs(file.bytes - file.megabytes * 10**6) < 10**6 + 0.02 * file.bytes
    if file.checksum is not None:
        kind, _, digits = file.checksum.partition(":")
        assert kind in DIGITS and re.fullmatch("[0-9a-f]+", digits)
        short = urlsplit(file.url).netloc == "download.pytorch.org"
        assert len(digits) == (8 if short else DIGITS[kind])
    for path in (file.inside or "", file.to, *file.nested):
        assert stays_inside(path)
    if file.inside is not None:
        zipped = file.name.endswith((".zip", ".tar", ".tgz", ".tar.gz", ".tar.xz"))
        assert zipped, f"{file.name}: how is it packed?"


def stays_inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts and "\\" not in path


@pytest.mark.parametrize(
    "toml",
    [
        'title = "T, a set"\nterms = ""\ncitation = ""',  # two keys too few
        'title = "T"\nterms = ""\n[[files]]\nurl = "http://x/a"\nmegabytes = 1',
        'title = "T"\nterms = ""\ncitation = ""\ncolour = "red"\n[[files]]\n'
        'url = "http://x/a"\nmegabytes = 1',
        'title = "T"\nterms = ""\ncitation = ""\n[[files]]\nurl = "http://x/a"',
        'title = "T"\nterms = ""\ncitation = ""\n[[files]]\nurl = "http://x/a"\n'
        "megabytes = 1\nsha1 = 0",
        "title = ",
    ],
)
def test_a_wrong_file_does_not_pass(tmp_path, toml, monkeypatch):
    (tmp_path / "wrong.toml").write_text(toml)
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    assert list(CATALOGUE) == ["wrong"]
    with pytest.raises((TypeError, ValueError, AssertionError)):
        test_an_entry_is_right("wrong")


def test_the_catalogue_is_shipped():
    import tomllib

    project = tomllib.loads((LIBRARY.parent / "pyproject.toml").read_text())
    shipped = project["tool"]["setuptools"]["package-data"]["course_lib"]
    files = {path for line in shipped for path in LIBRARY.glob(line)}
    assert files >= set(catalogue.FOLDER.glob("*.toml")) and len(CATALOGUE) > 15


def test_the_catalogue_is_light_to_import():
    code = (
        "import sys; from course_lib.data.catalogue import CATALOGUE; len(CATALOGUE); "
        "CATALOGUE['camvid']; import course_lib.data.fetching; "
        "print({'torch', 'numpy', 'pooch', 'requests', 'filelock'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout == "set()\n"


# what is shown of it


def test_data_list_shows_every_entry(capsys):
    assert main(["data", "list"]) == 0
    printed = capsys.readouterr().out
    for entry in CATALOGUE.values():
        assert entry.about() in printed
        for file in entry.files:
            for address in (file.url, *file.mirrors):
                assert f"{address} (not fetched from here)" in entry.about()


def test_an_unknown_name_lists_the_known(capsys):
    assert main(["data", "fetch", "camvd"]) == 2
    assert capsys.readouterr().err.startswith("'camvd' is not in the catalogue; it has")
    with pytest.raises(KeyError):
        CATALOGUE["../camvid"]
    assert "../camvid" not in CATALOGUE and None not in CATALOGUE


def test_one_archive_belongs_to_one_set(capsys):
    words = ["data", "fetch", "camvid", "voc2012", "--archive", "a.zip", "b.zip"]
    assert main(words) == 2
    assert "--archive belongs to one set" in capsys.readouterr().err


def test_a_folder_is_checked_against_the_tree(tmp_path):
    with pytest.raises(InputError) as error:
        check_folder(tmp_path, "voc2012")
    assert str(error.value).startswith(
        f"{tmp_path} is not a whole PASCAL VOC 2012 folder, 6 of 6 entries are "
        "missing; run `python -m course_lib data fetch voc2012`, or give the folder "
        "that holds it. Expected:\n  MISSING  JPEGImages/ "
    )
    (tmp_path / "JPEGImages").mkdir()
    check_folder(tmp_path, "voc2012", ("JPEGImages/",))
    with pytest.raises(InputError, match="1 of 2 entries are missing"):
        check_folder(tmp_path, "voc2012", ("JPEGImages/", "Annotations/"))
    with pytest.raises(KeyError):
        check_folder(tmp_path, "voc2012", ("Pictures/",))


# the scripts


def test_scripts_and_table_are_those_of_the_catalogue():
    make = made()
    fix = "run: python data_scripts/make.py"
    assert (SCRIPTS / "README.md").read_text(encoding="utf-8") == make.page(), fix
    for name in SETS:
        assert (SCRIPTS / f"{name}.py").read_text() == make.script(source(name)), fix
    scripts = {path.stem for path in SCRIPTS.glob("*.py")}
    assert scripts == {*SETS, "make", make.WEIGHTS}


@pytest.mark.parametrize("script", [*SETS, "imagenet_weights"])
def test_a_script_shows_what_it_fetches(script, monkeypatch, capsys):
    path = SCRIPTS / f"{script}.py"
    monkeypatch.setattr(sys, "argv", [str(path), "--about"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(path), run_name="__main__")
    printed = capsys.readouterr().out
    assert end.value.code == 0 and "  terms     " in printed
    assert "  cite      " in printed and ("address" in printed or "register" in printed)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "folder"), [("camvid", "camvid"), ("penn_fudan", "PennFudanPed")]
)
def test_the_real_folders_are_whole(real_data, name, folder):
    check_folder(real_data / folder, name)
    entry, root = source(name), real_data / folder
    for path, meaning in entry.tree.items():
        count = meaning.split()[0]
        if path.endswith("/"):
            assert len(list((root / path).iterdir())) == int(count), path
        else:
            assert len((root / path).read_text().split("\n")) - 1 == int(count), path
