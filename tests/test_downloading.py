"""One file from a server that does everything wrong: never a wrong or half file."""

import hashlib
import random

import pytest
from file_server import FileServer, left
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.data import downloading
from course_lib.data.catalogue import File
from course_lib.errors import InputError

CONTENT = random.Random(0).randbytes(1_000_000)
OTHER = random.Random(1).randbytes(1_000_000)
SHA1 = f"sha1:{hashlib.sha1(CONTENT).hexdigest()}"


@pytest.fixture
def server(monkeypatch):
    """A server; pooch tries again at once instead of after 1, 2, 3 s."""
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
    server = FileServer()
    yield server
    server.close()


def file_at(url, checksum=SHA1, **changes) -> File:
    return File(url=url, megabytes=1, checksum=checksum, **changes)


def get(file, folder, *mirrors) -> bytes:
    return downloading.download(file, [file.url, *mirrors], folder).read_bytes()


def told(make) -> str:
    with pytest.raises(InputError) as error:
        make()
    return str(error.value)


def starts(server) -> list[int]:
    return [start for _, start in server.asked]


def test_a_file_comes_whole_and_alone(server, tmp_path):
    assert get(file_at(server.offer("a.bin", CONTENT)), tmp_path) == CONTENT
    assert left(tmp_path) == ["a.bin"] and starts(server) == [0]


def test_cut_connections_go_on_where_they_broke_off(server, tmp_path):
    file = file_at(server.offer("a.bin", CONTENT, cuts=[1, 300_000, 699_998]))
    assert get(file, tmp_path) == CONTENT
    assert starts(server) == [0, 1, 300_001, 999_999]
    assert left(tmp_path) == ["a.bin"]


def test_a_cut_that_the_library_does_not_notice(server, tmp_path, monkeypatch):
    """As with urllib3 before 2.0, which does not count the bytes."""
    get_of_requests = downloading.requests.get

    def lenient(*args, **options):
        answer = get_of_requests(*args, **options)
        answer.raw.enforce_content_length = False
        return answer

    monkeypatch.setattr(downloading.requests, "get", lenient)
    url = server.offer("a.bin", CONTENT, cuts=[0, 400_000])
    assert get(file_at(url, checksum=None), tmp_path) == CONTENT
    assert starts(server) == [0, 0, 400_000]


def test_after_too_many_cuts_the_next_call_goes_on(server, tmp_path):
    file = file_at(server.offer("a.bin", CONTENT, cuts=[200_000, 0, 0, 0, 300_000]))
    assert told(lambda: get(file, tmp_path)) == (
        f"a.bin did not come: {file.url} did not give it (it broke off); run it again "
        "to go on, name another source with --mirror, or download it with a browser "
        "and give it with --archive FILE"
    )
    assert not (tmp_path / "a.bin").exists()
    assert get(file, tmp_path) == CONTENT
    assert starts(server) == [0] + [200_000] * 4 + [500_000]
    assert left(tmp_path) == ["a.bin"]


def test_a_server_without_ranges_begins_anew(server, tmp_path):
    file = file_at(server.offer("a.bin", CONTENT, cuts=[400_000], ranges=False))
    assert get(file, tmp_path) == CONTENT and starts(server) == [0, 0]
    assert left(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("obeys", [True, False])
@pytest.mark.parametrize(
    ("tags", "dates"),
    [
        (['"one"', '"two"'], ["", ""]),
        (["", ""], ["Mon, 02 Nov 2026 10:00:00 GMT", "Tue, 03 Nov 2026 10:00:00 GMT"]),
        (['W/"one"', 'W/"two"'], ["", ""]),
        (["", ""], ["", ""]),
    ],
)
def test_a_changed_file_is_not_glued_to_an_old_half(
    server, tmp_path, monkeypatch, tags, dates, obeys
):
    monkeypatch.setattr(downloading, "RETRIES", 0)
    how = {"tag": tags[0], "date": dates[0], "obeys": obeys}
    file = file_at(server.offer("a.bin", OTHER, cuts=[400_000], **how), checksum=None)
    told(lambda: get(file, tmp_path))
    monkeypatch.setattr(downloading, "RETRIES", 1)
    how = {"tag": tags[1], "date": dates[1], "obeys": obeys}
    server.offer("a.bin", CONTENT, **how)
    assert get(file, tmp_path) == CONTENT
    assert left(tmp_path) == ["a.bin"]
    if obeys:  # it is told the version, and sends the new file at once
        assert starts(server) == [0, 0]


def test_a_date_is_version_enough_to_go_on(server, tmp_path):
    date = "Mon, 02 Nov 2026 10:00:00 GMT"
    how = {"tag": 'W/"weak"', "date": date, "cuts": [400_000]}
    assert get(file_at(server.offer("a.bin", CONTENT, **how)), tmp_path) == CONTENT
    assert starts(server) == [0, 400_000]


def test_a_part_longer_than_the_file_is_dropped(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloading, "RETRIES", 0)
    url = server.offer("a.bin", OTHER + OTHER, cuts=[1_500_000])
    told(lambda: get(file_at(url, checksum=None), tmp_path))
    server.offer("a.bin", CONTENT)  # of the same version, so it says
    file = file_at(url)
    assert "the file has changed" in told(lambda: get(file, tmp_path))
    assert get(file, tmp_path) == CONTENT and left(tmp_path) == ["a.bin"]


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


KINDS = {"first": CONTENT[:5000], "second": OTHER[:5000], "short": OTHER[:777]}
MANNERS = st.fixed_dictionaries(
    {
        "cuts": st.lists(st.integers(0, 5000), max_size=4),
        "ranges": st.booleans(),
        "obeys": st.booleans(),
        "length": st.sampled_from([None, None, None, 0, 4000, 6000]),
    }
)
MARKS = st.sets(st.sampled_from(["tag", "date"]))


@given(st.lists(st.tuples(st.sampled_from(list(KINDS)), MARKS, MANNERS), max_size=4))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_the_server_does_what_comes_is_right(server, tmp_path_factory, days):
    """Every day the server has another file or other manners; the part stays."""
    folder = tmp_path_factory.mktemp("days")
    for kind, marks, manners in [*days, ("first", {"tag"}, {})]:
        marks = {
            "tag": f'"{kind}"' * ("tag" in marks),
            "date": kind * ("date" in marks),
        }
        digest = f"sha1:{hashlib.sha1(KINDS[kind]).hexdigest()}"
        url = server.offer("a.bin", KINDS[kind], **marks, **manners)
        try:
            assert get(file_at(url, digest), folder) == KINDS[kind]
        except InputError:
            assert manners and left(folder) != ["a.bin"]
        (folder / "a.bin").unlink(missing_ok=True)


def test_a_server_in_trouble_is_asked_again(server, tmp_path):
    file = file_at(server.offer("a.bin", b"", status=503))
    assert "(status 503)" in told(lambda: get(file, tmp_path))
    assert len(server.asked) == 4 and left(tmp_path) == []


def test_gzip_is_kept_as_the_server_has_it(server, tmp_path):
    """As ``.tgz`` files come from some servers: marked as packed on the way."""
    import gzip

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
