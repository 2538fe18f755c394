"""Wrong lengths, wrong checksums, dead mirrors: never a wrong or half file."""

import gzip
import hashlib

import pytest
from download_cases import CONTENT, OTHER, SHA1, file_at, get, starts
from file_server import left
from told import told

from course_lib.data import downloading


@pytest.mark.parametrize("how", [{}, {"length": 999_000}, {"length": 0}])
def test_a_wrong_checksum_leaves_nothing(server, tmp_path, how):
    file = file_at(server.offer("a.bin", OTHER, **how))
    assert f"not {SHA1[5:13]}); run it again" in told(lambda: get(file, tmp_path))
    assert left(tmp_path) == [] and len(server.asked) == 1


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (999_000, "it offers 999,000 bytes, not 1,000,000"),
        (1_000_001, "it offers 1,000,001 bytes, not 1,000,000"),
        (10**12, "it offers 1,000,000,000,000 bytes, not 1,000,000"),
    ],
)
def test_another_length_than_the_catalogue_s_is_not_begun(
    server, tmp_path, length, words
):
    file = file_at(server.offer("a.bin", CONTENT, length=length), bytes=1_000_000)
    assert words in told(lambda: get(file, tmp_path))
    assert left(tmp_path) == []


def test_without_a_stated_length_the_catalogue_s_counts(server, tmp_path):
    for content, words in (
        (CONTENT[:-1], "it has 999,999 bytes, not 1,000,000"),
        (CONTENT + b"x", "it goes on after 1,000,000 bytes"),
    ):
        url = server.offer("a.bin", content, length=0, tag="")
        file = file_at(url, bytes=1_000_000, checksum=None)
        assert words in told(lambda: get(file, tmp_path))  # noqa: B023
    server.offer("a.bin", CONTENT, length=0)
    assert get(file, tmp_path) == CONTENT and left(tmp_path) == ["a.bin"]


def test_a_length_beyond_the_end_is_a_cut(server, tmp_path):
    file = file_at(server.offer("a.bin", CONTENT, length=1_000_100))
    assert f"{file.url} did not give it" in told(lambda: get(file, tmp_path))
    server.offer("a.bin", CONTENT, tag='"right"')
    assert get(file, tmp_path) == CONTENT and left(tmp_path) == ["a.bin"]


def test_an_endless_file_is_stopped(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloading.Resumed, "_largest", 10_000)
    file = file_at(server.offer("a.bin", CONTENT, length=0), checksum=None)
    assert "it goes on after 10,000 bytes" in told(lambda: get(file, tmp_path))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 10_000


def test_mirrors_are_tried_in_order(server, tmp_path):
    dead, gone = "http://127.0.0.1:9/a.bin", f"{server.url}/gone/a.bin"
    wrong = server.offer("wrong/a.bin", OTHER)
    good = server.offer("good/a.bin", CONTENT)
    assert get(file_at(dead), tmp_path, gone, wrong, good) == CONTENT
    assert [path for path, _ in server.asked] == ["/wrong/a.bin", "/good/a.bin"]
    assert left(tmp_path) == ["a.bin"]
    (tmp_path / "a.bin").unlink()
    found = told(lambda: get(file_at(dead), tmp_path, gone, wrong))
    assert f"{dead} did not give it (ConnectionError); {gone} did not give" in found
    assert "(status 404)" in found and f"{wrong} did not give it (its sha1" in found
    assert left(tmp_path) == []


def test_halves_of_two_mirrors_are_not_glued(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloading, "RETRIES", 0)
    first = server.offer("one/a.bin", OTHER, cuts=[600_000, 400_000])
    second = server.offer("two/a.bin", CONTENT, cuts=[300_000])
    file = file_at(first)
    told(lambda: get(file, tmp_path, second))
    assert get(file, tmp_path, second) == CONTENT
    assert starts(server) == [0, 0, 600_000, 300_000]


def test_a_server_in_trouble_is_asked_again(server, tmp_path):
    file = file_at(server.offer("a.bin", b"", status=503))
    assert "(status 503)" in told(lambda: get(file, tmp_path))
    assert len(server.asked) == 4 and left(tmp_path) == []


def test_gzip_is_kept_as_the_server_has_it(server, tmp_path):
    """As ``.tgz`` files come from some servers: marked as packed on the way."""
    packed = gzip.compress(CONTENT)
    file = file_at(server.offer("a.tgz", packed, encoding="gzip"), checksum=None)
    assert get(file, tmp_path) == packed


def test_the_checksums_of_the_catalogue_may_be_short(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(CONTENT)
    for kind in ("md5", "sha1", "sha256"):
        digits = hashlib.new(kind, CONTENT).hexdigest()
        for checksum in (f"{kind}:{digits}", f"{kind}:{digits[:8]}"):
            assert downloading.fault(path, file_at("http://x/a", checksum)) == ""
        other = digits[:7] + ("0" if digits[7] != "0" else "1")
        assert downloading.fault(path, file_at("http://x/a", f"{kind}:{other}")) == (
            f"its {kind} begins with {digits[:8]}, not {other}"
        )
