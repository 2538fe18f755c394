"""The catalogue, and fetching from a small server of our own."""

import dataclasses
import hashlib
import io
import runpy
import sys
import tarfile
import threading
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from course_lib.__main__ import main
from course_lib.data import catalogue, fetching
from course_lib.errors import InputError
from course_lib.paths import LIBRARY

CONTENT = bytes(range(256)) * 4000


class Server(BaseHTTPRequestHandler):
    """Serves the same bytes; can go on in the middle, and can break off."""

    def __init__(self, *args, state, **options):
        self.state = state
        super().__init__(*args, **options)

    def do_GET(self):
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.state["starts"].append(start)
        rest = self.state["content"][start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: self.state.pop("break_at", None)])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    """The state of a running server: its address, content, and what was asked."""
    state = {"content": CONTENT, "starts": []}
    web = ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, state=state))
    threading.Thread(target=web.serve_forever, daemon=True).start()
    state["url"] = f"http://127.0.0.1:{web.server_port}/thing.bin"
    yield state
    web.shutdown()
    web.server_close()


def entry_of(server, **changes) -> catalogue.Source:
    digits = hashlib.sha256(server["content"]).hexdigest()[:8]
    entry = catalogue.Source(
        name="thing",
        title="Thing",
        url=server["url"],
        megabytes=1,
        terms="none",
        citation="none",
        checksum=f"sha256:{digits}",
    )
    return dataclasses.replace(entry, **changes)


def left(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def told(make) -> str:
    with pytest.raises(InputError) as error:
        make()
    return str(error.value)


def test_a_file_is_fetched_once(server, tmp_path):
    entry = entry_of(server)
    assert fetching.fetch(entry, tmp_path).read_bytes() == CONTENT
    assert left(tmp_path) == ["thing"]
    fetching.fetch(entry, tmp_path)
    assert server["starts"] == [0]


def test_a_broken_download_goes_on_where_it_stopped(server, tmp_path):
    server["break_at"] = 300_000
    entry = entry_of(server)
    assert told(lambda: fetching.fetch(entry, tmp_path)).endswith(
        "run it again to go on, or download it with a browser and give it with "
        "--archive FILE"
    )
    assert not (tmp_path / "thing").exists()
    assert fetching.fetch(entry, tmp_path).read_bytes() == CONTENT
    assert server["starts"][0] == 0 and server["starts"][1] > 0
    assert left(tmp_path) == ["thing"]


def test_another_file_than_expected_is_not_kept(server, tmp_path):
    entry = entry_of(server, checksum="sha1:0123456789")
    found = hashlib.sha1(CONTENT).hexdigest()[:8]
    assert told(lambda: fetching.fetch(entry, tmp_path)).endswith(
        "is not the thing of the catalogue: its sha1 begins with "
        f"{found}, not 01234567; fetch it again"
    )
    assert left(tmp_path) == []


def test_no_connection_and_no_room(tmp_path, server, monkeypatch):
    away = entry_of(server, url="http://127.0.0.1:9/thing.bin")
    assert told(lambda: fetching.fetch(away, tmp_path)).startswith(
        "http://127.0.0.1:9/thing.bin did not come (ConnectionError); run it again"
    )
    large = entry_of(server, megabytes=10**9)
    assert "MB free, thing needs about 1,000,000,000 MB" in told(
        lambda: fetching.fetch(large, tmp_path)
    )


def zipped(names) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name in names:
            file.writestr(name, "x")
    return content.getvalue()


def tarred(names, kind=tarfile.REGTYPE) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as file:
        for name in names:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "../../etc"
            file.addfile(info)
    return content.getvalue()


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_archives_are_unpacked_whole(server, tmp_path, pack):
    server["content"] = pack(["top/data/a.txt", "top/data/sub/b.txt", "top/other.txt"])
    entry = entry_of(server, inside="top/data", tree={"a.txt": "", "sub/": ""})
    folder = fetching.fetch(entry, tmp_path)
    assert left(folder) == ["a.txt", "sub"] and left(tmp_path) == ["thing"]
    (folder / "a.txt").unlink()
    assert "MISSING  a.txt" in told(lambda: fetching.fetch(entry, tmp_path))


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize(
    "name", ["../evil", "top/../../evil", "/evil", "C:/evil", "..\\evil"]
)
def test_archives_that_lead_outside_are_refused(server, tmp_path, pack, name):
    server["content"] = pack(["top/a.txt", name])
    entry = entry_of(server, inside="top")
    assert "would lead outside its folder; nothing was unpacked" in told(
        lambda: fetching.fetch(entry, tmp_path / "cache")
    )
    assert left(tmp_path / "cache") == [] and left(tmp_path) == ["cache"]


def test_links_and_damaged_archives_are_refused(server, tmp_path):
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        server["content"] = tarred(["top/a.txt"], kind)
        entry = entry_of(server, inside="top")
        assert "would lead outside" in told(lambda: fetching.fetch(entry, tmp_path))  # noqa: B023
    for content in (b"no archive", zipped(["top/a"])[:-30], tarred(["top/a"])[:300]):
        server["content"] = content
        entry = entry_of(server, inside="top")
        assert "cannot be unpacked" in told(lambda: fetching.fetch(entry, tmp_path))  # noqa: B023
    server["content"] = zipped(["elsewhere/a"])
    entry = entry_of(server, inside="top")
    assert "holds no folder top; it should be http" in told(
        lambda: fetching.fetch(entry, tmp_path)
    )
    assert left(tmp_path) == []


def test_an_archive_fetched_by_hand_is_kept(server, tmp_path):
    by_hand = tmp_path / "hand.zip"
    by_hand.write_bytes(zipped(["top/a.txt"]))
    entry = entry_of(server, inside="top", tree={"a.txt": ""}, checksum=None)
    fetching.fetch(entry, tmp_path / "cache", by_hand)
    assert by_hand.exists() and server["starts"] == []
    assert told(lambda: fetching.fetch(entry, tmp_path, tmp_path / "no")).endswith(
        "no; check the name"
    )


def test_every_entry_says_terms_size_and_citation(capsys):
    assert main(["data", "list"]) == 0
    printed = capsys.readouterr().out
    for entry in catalogue.CATALOGUE.values():
        assert entry.about() in printed
        assert entry.terms and entry.citation and entry.megabytes
        assert entry.checksum or entry.tree
        assert ("(untried)" in entry.about()) != entry.tried


def test_an_unknown_name_lists_the_known(capsys):
    assert main(["data", "fetch", "camvd"]) == 2
    assert capsys.readouterr().err.startswith("'camvd' is not in the catalogue; it has")


@pytest.mark.real
def test_data_check_prints_the_classes(real_data, capsys):
    folder = str(real_data / "camvid")
    words = ["data", "check", "--dataset", "camvid", "--data", folder, "--limit", "5"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("camvid: 5 label pictures (5 of 480x360)")
    assert "sign symbol" in printed and folder not in printed


def test_data_check_of_nothing(capsys):
    assert main(["data", "check"]) == 2
    assert "needs --dataset NAME, or your own --images" in capsys.readouterr().err


@pytest.mark.parametrize(
    "script", ["camvid", "penn_fudan", "voc2012", "imagenet_weights"]
)
def test_the_scripts_show_what_they_fetch(script, monkeypatch, capsys):
    path = LIBRARY.parent / "data_scripts" / f"{script}.py"
    monkeypatch.setattr(sys, "argv", [str(path), "--about"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(path), run_name="__main__")
    printed = capsys.readouterr().out
    assert end.value.code == 0 and "  terms     " in printed and "(untried)" in printed
